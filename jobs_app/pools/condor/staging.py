"""One sending as one tar stream: contents that are new to the pool, the folders, the descriptions."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from jobs_app.jobdir.layout import JobPaths

from ..base import Task
from . import tar, workflow
from .inputs import Input, is_sent, packed, program

TASK = ".roost_task.json"
REPORT = ".roost_report.json"
MOST_REPORTING = 100  # nodes; of a larger workflow none reports, for its log tells all of it

Inputs = Mapping[str, Sequence[Input]]  # by attempt


def stream(
    token: str,
    tasks: Sequence[Task],
    batch: Mapping[str, bytes],
    inputs: Inputs,
    there: Collection[str],
    incoming: str,
) -> Iterator[bytes]:
    """`batch`: the files of the sending's own folder; `there`: contents that the pool has; `incoming`: where
    all this is unpacked, below the root."""
    new = _new(inputs, there)
    yield from tar.folder(incoming)
    yield from tar.folder(f"{incoming}/files")
    for each in new.values():
        yield from packed(each, f"{incoming}/files/{each.content}")
    sums = "".join(f"{each.sha256}  {name}\n" for name, each in new.items())
    yield from tar.text(f"{incoming}/sums", sums.encode())
    yield from tar.text(f"{incoming}/token", token.encode())
    for task in tasks:
        yield from _attempt(task, inputs[task.attempt], new, incoming)
        yield from tar.link(f"{incoming}/attempts/{task.attempt}/batch", f"{incoming}/token")
    yield from _batch(batch, f"{incoming}/batch")
    yield from tar.text(f"{incoming}/complete", b"")
    yield from tar.end()


def _new(inputs: Inputs, there: Collection[str]) -> dict[str, Input]:
    every = {each.content: each for listed in inputs.values() for each in listed}
    return {name: each for name, each in every.items() if name not in there}


def _attempt(task: Task, inputs: Sequence[Input], new: Mapping[str, Input], incoming: str) -> Iterator[bytes]:
    place = f"{incoming}/attempts/{task.attempt}"  # tar makes the folders above what it unpacks
    yield from tar.folder(f"{place}/out")
    for name, known in task_files(task):
        yield from tar.text(f"{place}/in/{name}", json.dumps(known).encode())
    yield from _report_keys(task, f"{place}/in")
    for each in inputs:
        content = f"files/{each.content}"
        target = f"{incoming}/{content}" if each.content in new else content
        yield from tar.link(f"{place}/in/{each.name}", target)


def _report_keys(task: Task, place: str) -> Iterator[bytes]:
    path = JobPaths(task.directory).attempt(task.number).report
    if len(task.nodes) > MOST_REPORTING or not path.exists():
        return
    for folder in [f"{place}/{node.name}" for node in task.nodes] or [place]:
        yield from tar.text(f"{folder}/{REPORT}", path.read_bytes(), 0o600)


def _batch(files: Mapping[str, bytes], place: str) -> Iterator[bytes]:
    yield from tar.folder(place)
    for name, data in files.items():
        yield from tar.text(f"{place}/{name}", data)


def task_files(task: Task) -> Iterator[tuple[str, dict[str, object]]]:
    """By their names among the attempt's inputs: one, or one for each node of a workflow."""
    for node in task.nodes:
        known = {"node": node.name, "first": node.first, "asks": workflow.asks_of(task, node)}
        yield f"{node.name}/{TASK}", {**task_file(workflow.as_task(task, node)), **known}
    if not task.nodes:
        yield TASK, task_file(task)


def task_file(task: Task) -> dict[str, object]:
    """What the wrapper on the node reads."""
    return {
        "job": task.job,
        "attempt": task.attempt,
        "executable": program(task),
        "sent": is_sent(task),
        "arguments": list(task.arguments[0]) if len(task.arguments) == 1 else [],
        "environment": dict(task.environment),
        "slices": sum(step.slices for step in task.steps),
        "cpus": task.resources.cpus,
        "inputs": [Path(each).name for each in task.inputs],
        "spec": f".roost/attempts/{task.number}/spec.json",
    }
