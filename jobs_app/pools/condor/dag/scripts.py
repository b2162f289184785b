"""Job scripts as DAGs: prepare, then a proc a slice, then synthesis; one DAG for one job, or for many alike.

What a part leaves comes home as `out/<part>.tar` and `.json`. Before a step is submitted, roost_dag.sh packs
what it needs of the earlier ones into `<step>/roost_parts.tar`, or finds that it has nothing to do any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from jobs_app import conf
from jobs_app.jobdir.layout import ANALYSIS, PREPARE

from ...base import Step, Task
from .. import submit
from ..plan import Share, to_do
from ..submit import Surroundings
from . import Dag, Node

SKIP, DEFER, DEFER_SECONDS = 2, 3, 5  # exit codes of roost_dag.sh; see there
KEPT = "dag"  # a file of the attempt's folder: it runs as nodes of a DAG


def script_dag(tasks: Sequence[Task], around: Surroundings) -> Callable[[int], Dag]:
    """Tasks that differ in nothing that a description says."""

    def make(unit: int) -> Dag:
        nodes: list[Node] = []
        lines: list[str] = []
        for number, task in enumerate(tasks):
            steps = _steps(task)
            ours = [_node(task, step, number, around) for step in steps]
            nodes += ours
            lines += _lines(task, steps, ours, unit, around, shared=len(tasks) > 1)
        return Dag(tuple(task.attempt for task in tasks), "\n".join(lines), tuple(nodes))

    return make


def _steps(task: Task) -> list[Step]:
    """Those of which anything is to be done."""
    return [step for step in task.steps if to_do(step, task)]


def _node(task: Task, step: Step, number: int, around: Surroundings) -> Node:
    runs = to_do(step, task)
    share = Share(task.attempt, step.slices, runs, recorded=True)
    return Node(
        name=f"{step.name}_{number}",
        description="\n".join(_description(task, step, around)),
        share=share,
        rows="".join(f"{slice_}\n" for run in runs for slice_ in range(run.first, run.first + run.count)),
        columns="slice",
        uses=step.name,
    )


def _description(task: Task, step: Step, around: Surroundings) -> Iterator[str]:
    yield from submit.asked(task, around)
    if step.name == ANALYSIS and (task.concurrency or step.slices > conf.materialize_at_once()):
        yield f"max_materialize = {task.concurrency or conf.materialize_at_once()}"
    node, part = around.names.node(around.node), "$(slice)" if step.name == ANALYSIS else step.name
    parts = f", {step.name}/roost_parts.tar" if _earlier(task, step) else ""
    yield f"executable = {node}/roost_start.sh"
    yield "transfer_executable = true"
    yield f"arguments = $(slice) part {step.name}"
    yield f"initialdir = {around.names.root}/attempts/$(attempt)"
    yield "should_transfer_files = YES"
    yield "when_to_transfer_output = ON_EXIT"
    yield f"transfer_input_files = in/, {node}/roost_node.py, {node}/roost.zip{parts}"
    yield "transfer_output_files = roost_result.tar, roost_record.json"
    yield (f'transfer_output_remaps = "roost_result.tar=out/{part}.tar; roost_record.json=out/{part}.json"')
    yield f"output = out/{part}.log"
    yield f"error = out/{part}.log"
    yield "stream_output = false"
    yield "stream_error = false"


def _earlier(task: Task, step: Step) -> list[Step]:
    steps = _steps(task)
    return steps[: steps.index(step)]


def _lines(
    task: Task, steps: Sequence[Step], nodes: Sequence[Node], unit: int, around: Surroundings, *, shared: bool
) -> Iterator[str]:
    script = f"/bin/sh ../../node/{around.node}/roost_dag.sh"
    for place, (step, node) in enumerate(zip(steps, nodes, strict=True)):
        said = f"{step.name} {task.attempt} {around.segment} {_procs(steps, nodes)} {int(shared)}"
        yield f"JOB {node.name} {node.file(unit)}"
        yield f"SCRIPT DEFER {DEFER} {DEFER_SECONDS} PRE {node.name} {script} pre {said}"
        yield f"SCRIPT POST {node.name} {script} post {said} $RETURN"
        yield f"PRE_SKIP {node.name} {SKIP}"
        if place:
            yield f"PARENT {nodes[place - 1].name} CHILD {node.name}"


def _procs(steps: Sequence[Step], nodes: Sequence[Node]) -> int:
    """How many parts have to end well before synthesis."""
    return sum(
        node.share.procs for step, node in zip(steps, nodes, strict=True) if step.name in (PREPARE, ANALYSIS)
    )
