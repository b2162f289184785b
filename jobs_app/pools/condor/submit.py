"""Composes submit descriptions: an administrator's template, the user's attributes, and last what is ours.

Of two lines with the same key HTCondor takes the last, so nothing above can change what is ours. All tasks
that agree in everything but slices and arguments share one description, and so one call of condor_submit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from jobs_app import conf

from ..base import Resources, Task
from . import attributes
from .names import Names
from .plan import ClusterPlan, share_of
from .words import encoded

DEFAULT_TEMPLATE = "vanilla_transfer_files"
SCRIPT_TEMPLATE = "job_script"

# Procs of one cluster that is made at once, whatever the setting says: HTCondor takes 20 000.
MOST = 5_000

Templates = Callable[[str], str]  # a template's text by its name; Refused if there is none


@dataclass(frozen=True)
class Description:
    """One cluster: its text, its rows (one a proc) and what they mean."""

    text: str
    rows: str
    plan: ClusterPlan

    @property
    def shape(self) -> str:
        """What is the same for all that is checked alike: everything but rows and identity."""
        said = (line for line in self.text.splitlines() if not line.startswith(_IDENTITY))
        return hashlib.sha256("\n".join(said).encode()).hexdigest()[:32]

    @property
    def check(self) -> str:
        """With the first row only: what `condor_submit -dry-run` reads."""
        *above, _ = self.text.splitlines()
        row = self.rows.partition("\n")[0]
        return "\n".join([*above, "queue attempt, slice, words from (", row, ")"]) + "\n"


@dataclass(frozen=True)
class Surroundings:
    """What is the same for all of a sending."""

    token: str
    epoch: int
    segment: str
    names: Names
    node: str  # the version of what runs on nodes
    templates: Templates

    @property
    def plan(self) -> str:
        return f"{self.token}.{self.epoch}"


def describe(tasks: Sequence[Task], around: Surroundings) -> list[Description]:
    return [_description(number, group, around) for number, group in enumerate(_groups(tasks))]


def _groups(tasks: Sequence[Task]) -> Iterator[list[Task]]:
    groups: dict[str, list[Task]] = {}
    for task in tasks:
        groups.setdefault(_signature(task), []).append(task)
    for group in groups.values():
        yield from _portions(group)


def _signature(task: Task) -> str:
    """Equal for tasks that one description can hold. One that is made little by little is alone: only then
    can it be held and removed as a whole."""
    alone = task.attempt if is_late(task) else ""
    said = (task.template, dict(task.attributes), vars(task.resources))
    return json.dumps(
        [said, task.retries, task.priority, bool(task.script), alone], sort_keys=True, default=str
    )


_LATE_KEYS = frozenset({"max_materialize", "max_idle"})
_IDENTITY = ("MY.Roost", "log = ", "submit_event_user_notes", "queue ")


def is_late(task: Task) -> bool:
    """Whether HTCondor makes its procs little by little, from the table."""
    if task.script:
        return False
    if task.concurrency or any(name.lower() in _LATE_KEYS for name in task.attributes):
        return True
    return share_of(task).procs > conf.materialize_from()


def _portions(tasks: Sequence[Task]) -> Iterator[list[Task]]:
    """HTCondor takes 20 000 procs a call unless told otherwise."""
    portion: list[Task] = []
    procs = 0
    for task in tasks:
        if portion and procs + share_of(task).procs > MOST:
            yield portion
            portion, procs = [], 0
        portion.append(task)
        procs += share_of(task).procs
    yield portion


def _description(number: int, tasks: Sequence[Task], around: Surroundings) -> Description:
    first = tasks[0]
    plan = ClusterPlan([share_of(task) for task in tasks])
    parts = [
        *asked(first, around),
        *_ours(number, first, around),
        *(little_by_little(first) if is_late(first) else ()),
        f"queue attempt, slice, words from {number}.rows",
    ]
    rows = "".join(f"{row}\n" for task in tasks for row in rows_of(task))
    return Description("\n".join(parts) + "\n", rows, plan)


def asked(task: Task, around: Surroundings) -> Iterator[str]:
    """What template, limits and attributes say."""
    template = around.templates(task.template or (SCRIPT_TEMPLATE if task.script else DEFAULT_TEMPLATE))
    yield template.rstrip("\n")
    yield from limits_of(task.resources, task.priority)
    if task.retries and not task.script:
        yield f"max_retries = {task.retries}"
    yield from _pace(task)
    yield from attributes.lines(task.attributes)


def rows_of(task: Task) -> Iterator[str]:
    if task.script:
        yield f"{task.attempt}, 0, whole"
        return
    for run in share_of(task).runs:
        for number in range(run.first, run.first + run.count):
            yield f"{task.attempt}, {number}, {run.step} {_words(task, number)}".rstrip()


def _words(task: Task, number: int) -> str:
    """Arguments that all slices share are in the task's file, not in each row."""
    return encoded(task.arguments[number]) if len(task.arguments) > 1 else ""


def limits_of(limits: Resources, priority: int = 0) -> Iterator[str]:
    yield f"request_cpus = {limits.cpus}"
    if limits.memory_mb:
        yield f"request_memory = {limits.memory_mb}"
    if limits.disk_mb:
        yield f"request_disk = {limits.disk_mb * 1024}"
    if limits.gpus:
        yield f"request_gpus = {limits.gpus}"
    if limits.wall_seconds:
        yield f"allowed_job_duration = {limits.wall_seconds}"
    if priority:
        yield f"priority = {priority}"


def _pace(task: Task) -> Iterator[str]:
    if not is_late(task):
        return
    at_once = conf.materialize_at_once()
    yield f"max_materialize = {min(task.concurrency or at_once, at_once)}"


_BY_HAND = '"Paused by hand."'
_THEIRS = "$(periodic_hold_reason:undefined)"


def little_by_little(task: Task) -> Iterable[str]:
    """How slices that are no procs yet are stopped and paused: see acting.py. The attempt is written out, so
    that the cluster's own ad has it."""
    return (
        f'MY.RoostAttempt = "{task.attempt}"',
        "MY.RoostPaused = false",
        "MY.RoostStopped = false",
        "periodic_remove = (MY.RoostStopped =?= true) || ($(periodic_remove:false))",
        "periodic_hold = (MY.RoostPaused =?= true) || ($(periodic_hold:false))",
        f"periodic_hold_reason = ifThenElse(MY.RoostPaused =?= true, {_BY_HAND}, {_THEIRS})",
    )


def _ours(number: int, task: Task, around: Surroundings) -> Iterable[str]:
    node = around.names.node(around.node)
    zipped = f", {node}/roost.zip" if task.script else ""
    return (
        f"executable = {node}/roost_start.sh",
        "transfer_executable = true",
        "arguments = $(slice) $(words)",
        f"initialdir = {around.names.root}/attempts/$(attempt)",
        "should_transfer_files = YES",
        "when_to_transfer_output = ON_EXIT",
        f"transfer_input_files = in/, {node}/roost_node.py{zipped}",
        "transfer_output_files = roost_result.tar, roost_record.json",
        'transfer_output_remaps = "roost_result.tar=out/$(slice).tar; roost_record.json=out/$(slice).json"',
        "output = out/$(slice).log",
        "error = out/$(slice).log",
        "stream_output = false",
        "stream_error = false",
        f"log = {around.names.segment(around.segment)}",
        f"submit_event_user_notes = roost {around.plan} {number} $(attempt) $(slice)",
        f'MY.RoostBatch = "{around.token}"',
        f'MY.RoostPlan = "{around.plan}"',
        f"MY.RoostGroup = {number}",
        'MY.RoostAttempt = "$(attempt)"',
        "MY.RoostSlice = $(slice)",
    )
