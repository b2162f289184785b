"""What the pool knows of one attempt: the fold of its records. Nothing here starts or asks anything.

Live and after a restart the same `apply` is used, so what a new daemon knows is what the old one had
written, no more and no less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from jobs_app.states import SliceState

from ..base import Event, EventKind, Resources, Task
from .graph import Graph
from .stage import Stage
from .wire import Note


class Part(NamedTuple):
    step: str
    slice: int


NO_PART = Part("", 0)


@dataclass
class Run:
    """A part that runs now."""

    tries: int
    since: float
    resources: Resources
    parked_at: float = 0.0  # waits for a subjob since then and holds no slot; 0: does not

    @property
    def parked(self) -> bool:
        return self.parked_at > 0

    def go_on(self, now: float) -> None:
        """The time it waited is not counted as its own."""
        self.since += now - self.parked_at
        self.parked_at = 0.0


@dataclass(frozen=True)
class Wish:
    """What shall become of a running part once it is dead."""

    kind: EventKind  # HELD, REMOVED, or EVICTED: held, and released again before it was dead
    reason: str
    code: int = 0


@dataclass
class Request:
    part: Part
    tries: int
    answer: Mapping[str, Any] | None = None


_STATES = {
    EventKind.STARTED: SliceState.RUNNING,
    EventKind.EVICTED: SliceState.WAITING,
    EventKind.HELD: SliceState.HELD,
    EventKind.RELEASED: SliceState.WAITING,
    EventKind.REMOVED: SliceState.REMOVED,
    EventKind.SKIPPED: SliceState.SKIPPED,
}


@dataclass
class Work:
    batch: str
    segment: str
    task: Task
    stages: list[Stage] = field(init=False)
    accepted: bool = False
    finished: bool = False
    finished_early: bool = False
    failure: str = ""  # why the first slice failed for good
    running: dict[Part, Run] = field(default_factory=dict)
    wishes: dict[Part, Wish] = field(default_factory=dict)
    requests: dict[str, Request] = field(default_factory=dict)
    limits: dict[Part, Resources] = field(default_factory=dict)
    # Only of parts that did not end at their first try.
    tries: dict[Part, int] = field(default_factory=dict)
    failures: dict[Part, int] = field(default_factory=dict)
    ended_by: str = ""  # the node that ended its workflow
    graph: Graph | None = None

    def __post_init__(self) -> None:
        self.stages = [Stage(step.name, step.slices) for step in self.task.steps]
        self.resources = self.task.resources
        for step, first, count in self.task.done:
            if stage := self.named(step):
                stage.set(first, count, SliceState.DONE)
        if self.task.nodes:
            self.graph = Graph(self.task, self.stages[0])

    @property
    def token(self) -> str:
        return self.task.attempt

    @property
    def independent(self) -> bool:
        """The slices of an executable; those of a script fail together."""
        return not self.task.script

    @property
    def stage(self) -> Stage | None:
        """The step that is worked on: the first that has not ended well."""
        return next((stage for stage in self.stages if not stage.ended_well), None)

    @property
    def ready(self) -> bool:
        stage = self.stage
        if stage is None or not self.accepted or self.finished:
            return False
        room = not self.task.concurrency or len(self.running) < self.task.concurrency
        if self.graph is not None:
            return room and self.graph.next_waiting() is not None
        return room and stage.counts[SliceState.WAITING] > 0

    def named(self, step: str) -> Stage | None:
        return next((stage for stage in self.stages if stage.name == step), None)

    def resources_of(self, part: Part) -> Resources:
        if self.graph is not None and self.resources == self.task.resources:
            return self.limits.get(part, self.graph.node_of(part.slice).resources)
        return self.limits.get(part, self.resources)

    def next_try(self, part: Part) -> int:
        return self.tries.get(part, 0) + 1

    def apply(self, record: Event | Note) -> None:
        if isinstance(record, Note):
            return self._apply_note(record)
        if record.kind == EventKind.ACCEPTED:
            self.accepted = True
        elif record.kind == EventKind.FINISHED:
            self.finished = True
        elif record.kind == EventKind.REQUEST:
            self._apply_request(record)
        else:
            self._apply_change(record)
        return None

    def _apply_change(self, event: Event) -> None:
        stage = self.named(event.step)
        if stage is None or event.slice + event.count > len(stage):
            return
        if event.kind == EventKind.ENDED:
            self._apply_end(event, stage)
        elif event.kind in _STATES:
            stage.set(event.slice, event.count, _STATES[event.kind])
            self._follow_process(event)

    def _follow_process(self, event: Event) -> None:
        part = Part(event.step, event.slice)
        if event.kind == EventKind.STARTED:
            self.running[part] = Run(event.tries, event.at, self.resources_of(part))
        elif part in self.running:
            self._leave(part)

    def _leave(self, part: Part, *, for_good: bool = False) -> None:
        run = self.running.pop(part, None)
        self.wishes.pop(part, None)
        for name in [name for name, request in self.requests.items() if request.part == part]:
            del self.requests[name]
        if for_good:
            for known in (self.tries, self.failures, self.limits):
                known.pop(part, None)
        elif run:
            self.tries[part] = run.tries

    def _apply_end(self, event: Event, stage: Stage) -> None:
        part = Part(event.step, event.slice)
        well = event.exit_code == 0 and not event.signal
        self.ended_by = self.ended_by or str(event.data.get("ended_by", ""))
        self._leave(part, for_good=not event.will_retry)
        if well:
            stage.set(event.slice, 1, SliceState.DONE)
            self.finished_early |= bool(event.data.get("finished_early"))
            return
        if event.will_retry:
            self.failures[part] = self.failures.get(part, 0) + 1
            stage.set(event.slice, 1, SliceState.WAITING)
            return
        stage.set(event.slice, 1, SliceState.FAILED)
        self.failure = self.failure or event.reason or "it failed"

    def _apply_request(self, event: Event) -> None:
        part = Part(event.step, event.slice)
        self.requests[str(event.data["id"])] = Request(part, event.tries)
        if part in self.running:
            self.running[part].parked_at = event.at

    def _apply_note(self, note: Note) -> None:
        data = note.data
        part = Part(data.get("step", ""), data.get("slice", 0))
        if note.note == "wish" and part in self.running:
            self.wishes[part] = Wish(EventKind(data["kind"]), data["reason"], data["code"])
        elif note.note == "change":
            self._apply_limits(data)
        elif note.note == "answer" and data["id"] in self.requests:
            request = self.requests[data["id"]]
            self.requests[data["id"]] = replace(request, answer=data["answer"])

    def _apply_limits(self, data: Mapping[str, Any]) -> None:
        resources = Resources(**data["resources"])
        if not data["slices"]:
            self.resources = resources
            self.limits.clear()
        for sliceno in data["slices"]:
            self.limits[Part(data["step"], sliceno)] = resources
