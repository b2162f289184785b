"""All that one sending leaves in its folder: clusters that are submitted directly, DAGs, and the plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ..base import Task
from . import forms, plan, submit, workflow
from .dag import Dag, writing
from .plan import ClusterPlan
from .submit import Surroundings

MOST_TEXTS = 100  # of a DAG's nodes, that are kept to be looked at

MakeDag = Callable[[int], Dag]  # from the DAG's number in its sending


@dataclass(frozen=True)
class Batch:
    plans: tuple[ClusterPlan, ...]  # by group
    files: Mapping[str, bytes]  # by their names in the sending's folder

    @property
    def descriptions(self) -> tuple[tuple[str, Sequence[str], str], ...]:
        """Each text that HTCondor gets, whose it is, and its name: a cluster's; a DAG's with its nodes'."""
        return tuple(
            (self.files[name].decode(), each.attempts, name)
            for place, each in enumerate(self.plans)
            if each.unit is None
            for name in self._texts(place)
        )

    def _texts(self, place: int) -> list[str]:
        mine = [name for name in self.files if name.startswith(f"{place}.")]
        dag = [name for name in mine if name.endswith(".dag")]
        return [*dag, *sorted(name for name in mine if name.endswith(".sub"))[:MOST_TEXTS]]


def compose(tasks: Sequence[Task], around: Surroundings) -> Batch:
    direct, makers = _sorted(tasks, around)
    descriptions = submit.describe(direct, around)
    files: dict[str, bytes] = {}
    for number, each in enumerate(descriptions):
        files[f"{number}.sub"] = each.text.encode()
        files[f"{number}.rows"] = each.rows.encode()
        files[f"{number}.check"] = f"# {each.shape}\n{each.check}".encode()
    dags = [make(len(descriptions) + place) for place, make in enumerate(makers)]
    plans = [each.plan for each in descriptions] + [
        ClusterPlan((), lead=dag.attempts, graph=dag.graph) for dag in dags
    ]
    for unit, dag in enumerate(dags, len(descriptions)):
        files.update(writing.files(dag, unit, len(plans), around))
        plans += dag.plans(unit)
    return Batch(plan.linked(plans), {"plan.json": plan.to_json(plans), **files})


def _sorted(tasks: Sequence[Task], around: Surroundings) -> tuple[list[Task], list[MakeDag]]:
    """What is submitted directly, and what makes a DAG of the others."""
    workflows: list[MakeDag] = [partial(workflow.dag_of, task, around) for task in tasks if task.nodes]
    direct = [task for task in tasks if not task.nodes and (not task.script or forms.is_one_proc(task))]
    scripts = [task for task in tasks if task.script and not forms.is_one_proc(task)]
    return direct, [*workflows, *forms.script_dags(scripts, around)]
