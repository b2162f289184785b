"""A pool whose batches and events are lists, and which breaks as it is told."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jobs_app.models import Attempt, Job
from jobs_app.pools.base import (
    Event,
    EventKind,
    Events,
    PoolUnreachable,
    Refused,
    Resources,
    Selection,
    Sending,
    Sent,
    Snapshot,
    Task,
)


class FakePool:
    def __init__(self) -> None:
        self.batches: dict[str, Sending] = {}
        self.log: dict[str, list[Event]] = {}
        self.told: list[tuple[str, Selection]] = []
        self.answers: list[tuple[str, str, Mapping[str, Any]]] = []
        self.forgotten: list[str] = []
        self.calls: list[str] = []
        self.refuses: set[int] = set()  # jobs
        self.takes_the_rest = False  # of a batch of which it refuses something
        self.breaks_before: set[str] = set()  # verbs that fail without an effect
        self.breaks_after: set[str] = set()  # verbs that have their effect, and whose answer is lost
        self.fetches = 0
        self.memory_mb = 1 << 20  # that it has
        self.limits: list[Resources] = []  # that it was given
        self.snapshots: dict[str, Snapshot] = {}

    # --- the verbs ------------------------------------------------------------------------------------

    def _called(self, verb: str) -> None:
        self.calls.append(verb)
        if verb in self.breaks_before:
            raise PoolUnreachable(f"{verb}: the connection broke")

    def _answered(self, verb: str) -> None:
        if verb in self.breaks_after:
            raise PoolUnreachable(f"{verb}: the answer was lost")

    def send(self, sending: Sending) -> Sent:
        self._called("send")
        refused = {
            task.attempt: f"no room for job {task.job}" for task in sending.tasks if task.job in self.refuses
        }
        if refused and not self.takes_the_rest:
            raise Refused(next(iter(refused.values())))
        sending = replace(sending, tasks=tuple(task for task in sending.tasks if task.attempt not in refused))
        assert sending.token not in self.batches, "sent twice"
        self.batches[sending.token] = sending
        for task in sending.tasks:
            self.say(sending.segment, Event(EventKind.ACCEPTED, task.attempt, time.time()))
        self._answered("send")
        return Sent(f"batch-{len(self.batches)}", refused)

    def look(self, token: str) -> Sent | None:
        self._called("look")
        known = list(self.batches)
        return Sent(f"batch-{known.index(token) + 1}") if token in known else None

    def follow(self, segment: str, offset: int, wait: float = 0.0) -> Events:
        self._called("follow")
        events = tuple(self.log.get(segment, ())[offset:])
        return Events(events, offset + len(events))

    def query(self, attempts: Sequence[str]) -> Mapping[str, Snapshot]:
        self._called("query")
        return {token: self.snapshots[token] for token in attempts if token in self.snapshots}

    def hold(self, selection: Selection, reason: str) -> None:
        self._tell("hold", selection)

    def release(self, selection: Selection) -> None:
        self._tell("release", selection)

    def remove(self, selection: Selection, reason: str) -> None:
        self._tell("remove", selection)

    def change(self, selection: Selection, resources: Resources) -> None:
        if resources.memory_mb > self.memory_mb:
            raise Refused(f"no machine here has {resources.memory_mb} MB")
        self._tell("change", selection)
        self.limits.append(resources)

    def _tell(self, verb: str, selection: Selection) -> None:
        self._called(verb)
        self.told.append((verb, selection))

    def answer(self, attempt: str, request: str, answer: Mapping[str, Any]) -> None:
        self._called("answer")
        self.answers.append((attempt, request, answer))

    def fetch(self, task: Task, into: Path) -> bool:
        self._called("fetch")
        self.fetches += 1
        return False

    def tail(self, task: Task, step: str, sliceno: int, stream: str, offset: int) -> tuple[bytes, int]:
        return b"", offset

    def forget(self, attempts: Sequence[str]) -> None:
        self.forgotten += attempts

    def close(self) -> None: ...

    # --- what happens on it ---------------------------------------------------------------------------

    def say(self, segment: str, event: Event) -> None:
        self.log.setdefault(segment, []).append(event)

    def happens(self, job: Job, kind: EventKind, **what: Any) -> None:
        """To the last attempt at the job."""
        attempt = Attempt.objects.select_related("batch__segment").filter(job=job).order_by("-number")[0]
        assert attempt.batch is not None, "it was never sent"
        what.setdefault("step", "run" if kind not in (EventKind.FINISHED, EventKind.REQUEST) else "")
        self.say(attempt.batch.segment.name, Event(kind, attempt.token, time.time(), **what))

    def runs(self, job: Job, exit_codes: Sequence[int] = (0,)) -> None:
        """All slices start and end; the attempt is finished."""
        for number, exit_code in enumerate(exit_codes):
            self.happens(job, EventKind.STARTED, slice=number)
            self.happens(job, EventKind.ENDED, slice=number, exit_code=exit_code)
        self.happens(job, EventKind.FINISHED, data={"ok": not any(exit_codes), "reason": ""})

    def sent_jobs(self) -> list[int]:
        return [task.job for batch in self.batches.values() for task in batch.tasks]
