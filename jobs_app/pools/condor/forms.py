"""In which form a job script runs: as one proc, as a part of a DAG for a batch of jobs, as a DAG of its own.

A proc that runs all of a script is there as soon as any job is, but has one slot. A DAG has as many as the
pool, and costs some seconds a step; one of many jobs costs them once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

from jobs_app import conf

from ..base import Task
from .dag import Dag
from .dag.scripts import script_dag
from .plan import ClusterPlan
from .submit import Surroundings

ONE_PROC, BATCH_DAG, OWN_DAG = "one-proc", "batch-dag", "own-dag"


def forms_of(plan: ClusterPlan) -> dict[str, str]:
    """Of the attempts that a sending's cluster holds; those of executables have none."""
    if plan.lead:
        return dict.fromkeys(plan.lead, OWN_DAG if len(plan.lead) == 1 else BATCH_DAG)
    return {share.attempt: ONE_PROC for share in plan.shares if share.whole}


def is_one_proc(task: Task) -> bool:
    """It fits one slot: its slices come to their turn there soon."""
    return max(step.slices for step in task.steps) <= conf.one_proc_slices() * task.resources.cpus


def script_dags(tasks: Sequence[Task], around: Surroundings) -> Iterator[Callable[[int], Dag]]:
    """One for all middling jobs that are alike in what a description says; one each for large ones."""
    alike: dict[str, list[Task]] = {}
    for task in tasks:
        alike.setdefault(_signature(task), []).append(task)
    for group in alike.values():
        yield script_dag(group, around)


def _signature(task: Task) -> str:
    steps = [step.name for step in task.steps]
    if max(step.slices for step in task.steps) > conf.batch_dag_slices() or task.done:
        return task.attempt
    said = (task.template, dict(task.attributes), vars(task.resources), task.priority, task.concurrency)
    return json.dumps([steps, said], sort_keys=True, default=str)
