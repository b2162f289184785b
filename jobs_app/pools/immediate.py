"""A pool for tests: each part runs at once, in a fork of the calling process, one after the other.

The embedded pool's own plan decides what is to be done. There is no daemon, nothing is kept on disk, no limit
of memory or time is watched. `send` comes back when all has ended, or waits for a subjob or for a person.
"""

from __future__ import annotations

import os
import socket
import sys
import time
import traceback
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from jobs_app.jobdir.layout import JobPaths, part_name
from jobs_app.jobdir.output import Output

from .base import Event, Events, Refused, Resources, Selection, Sending, Sent, Snapshot, Task
from .embedded.plan import Action, Deliver, Kill, Plan, Start
from .embedded.program import Program
from .embedded.record import outcome_of_death, record_failure, recorded
from .embedded.wire import decode, encode
from .embedded.work import Part

BY_A_PERSON = 1


@dataclass
class Talk:
    """A part that runs, and the line on which it asks for subjobs."""

    start: Start
    pid: int
    line: socket.socket
    rest: bytes = b""
    request: str = ""  # what it waits for

    @property
    def who(self) -> tuple[str, Part, int]:
        return self.start.attempt, self.start.part, self.start.tries


@dataclass
class ImmediatePool:
    _plan: Plan = field(default_factory=lambda: Plan(1, socket.gethostname()))
    _segments: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    _batches: set[str] = field(default_factory=set)
    _waiting: list[Talk] = field(default_factory=list)

    # --- the verbs ------------------------------------------------------------------------------------------

    def send(self, sending: Sending) -> Sent:
        if sending.token not in self._batches:
            self._batches.add(sending.token)
            for task in sending.tasks:
                if task.attempt in self._plan.works:
                    raise Refused(f"The attempt {task.attempt} was sent already. Send each attempt once.")
                self._plan.add(sending.token, sending.segment, task)
                self._plan.accept(task.attempt, time.time())
            self._work()
        return Sent(sending.token)

    def look(self, token: str) -> Sent | None:
        return Sent(token) if token in self._batches else None

    def follow(self, segment: str, offset: int, wait: float = 0.0) -> Events:
        events = self._segments[segment]
        if len(events) == offset and wait:
            time.sleep(min(wait, 0.01))  # nothing will come before somebody asks for something
        return Events(tuple(events[offset:]), len(events))

    def query(self, attempts: Sequence[str]) -> Mapping[str, Snapshot]:
        works = [self._plan.works[token] for token in attempts if token in self._plan.works]
        return {
            work.token: Snapshot(
                work.token, {stage.name: bytes(stage.states) for stage in work.stages}, work.finished
            )
            for work in works
        }

    def hold(self, selection: Selection, reason: str) -> None:
        self._plan.hold(selection, BY_A_PERSON, reason, time.time())
        self._work()

    def release(self, selection: Selection) -> None:
        self._plan.release(selection, time.time())
        self._work()

    def remove(self, selection: Selection, reason: str) -> None:
        self._plan.remove(selection, reason, time.time())
        self._work()

    def change(self, selection: Selection, resources: Resources) -> None:
        self._plan.change(selection, resources, time.time())

    def answer(self, attempt: str, request: str, answer: Mapping[str, Any]) -> None:
        self._plan.answer(attempt, request, answer, time.time())
        self._work()

    def fetch(self, task: Task, into: Path) -> bool:  # noqa: ARG002 - the results lie where they belong
        return False

    def tail(self, task: Task, step: str, sliceno: int, stream: str, offset: int) -> tuple[bytes, int]:
        printed = Output(JobPaths(task.directory).output)
        data = printed.read(part_name(step, sliceno), offset) if stream == "output" else b""
        return data, offset + len(data)

    def forget(self, attempts: Sequence[str]) -> None:
        for token in attempts:
            self._plan.forget(token)

    def close(self) -> None:
        """It is shared by all that open it, and goes on."""

    def stop(self) -> None:
        """Ends the parts that still wait for a subjob."""
        for talk in self._waiting:
            os.kill(talk.pid, 9)
            _end_of(talk)
        self._waiting.clear()

    # --- the work -------------------------------------------------------------------------------------------

    def _work(self) -> None:
        """Until nothing more can be done without somebody else."""
        while True:
            self._plan.start(time.time())
            records, actions = self._plan.take()
            for segment, record in records:
                if isinstance(record, Event):
                    self._segments[segment].append(record)
            if not actions:
                return
            for action in actions:
                self._do(action)

    def _do(self, action: Action) -> None:
        if isinstance(action, Start):
            self._listen(self._fork(action))
        elif isinstance(action, Deliver):
            self._deliver(action)
        elif isinstance(action, Kill):
            self._kill(action)

    def _deliver(self, action: Deliver) -> None:
        talk = next(talk for talk in self._waiting if talk.request == action.request)
        self._waiting.remove(talk)
        talk.line.sendall(encode({"answer": action.answer}))
        self._listen(talk)

    def _kill(self, action: Kill) -> None:
        """Only a part that waits can be reached; any other one ends before somebody could ask."""
        for talk in [talk for talk in self._waiting if talk.who[:2] == (action.attempt, action.part)]:
            self._waiting.remove(talk)
            os.kill(talk.pid, 9)
            _end_of(talk)
            self._plan.lost(*talk.who, time.time())

    def _listen(self, talk: Talk) -> None:
        """Until the part ends, or asks for something."""
        while b"\n" not in talk.rest:
            data = talk.line.recv(65536)
            if not data:
                return self._end(talk)
            talk.rest += data
        said, _, talk.rest = talk.rest.partition(b"\n")
        request = decode(said)
        talk.request = str(request["id"])
        self._waiting.append(talk)
        return self._plan.ask(*talk.who, request, time.time())

    def _end(self, talk: Talk) -> None:
        status = _end_of(talk)
        task = self._plan.works[talk.start.attempt].task
        outcome = recorded(task, talk.start.part, talk.start.tries)
        if outcome is None:
            outcome = outcome_of_death(os.waitstatus_to_exitcode(status))
            record_failure(task, talk.start.part, talk.start.tries, outcome)
        self._plan.ended(*talk.who, outcome)

    # --- the part's own process -----------------------------------------------------------------------------

    def _fork(self, start: Start) -> Talk:
        ours, theirs = socket.socketpair()
        sys.stdout.flush()
        sys.stderr.flush()
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # other threads: the child uses none of theirs
            pid = os.fork()
        if pid == 0:
            ours.close()
            self._become(start, theirs)
        theirs.close()
        return Talk(start, pid, ours)

    def _become(self, start: Start, line: socket.socket) -> NoReturn:
        status = 70
        try:
            program = Program(self._plan.works[start.attempt].task)
            program.load()
            status = program.run(start.part, start.tries, self._arguments(start), _Asker(start, line))
        except BaseException:  # noqa: BLE001 - nothing may escape into the caller's code
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _arguments(self, start: Start) -> Sequence[str]:
        rows = self._plan.works[start.attempt].task.arguments
        return rows[start.part.slice if len(rows) > 1 else 0] if rows else ()


class _Asker:
    def __init__(self, start: Start, line: socket.socket) -> None:
        self._name = f"{start.attempt}-{start.part.step}-{start.part.slice}-{start.tries}"
        self._step = start.part.step
        self._file = line.makefile("rwb", buffering=0)
        self._asked = 0

    def __call__(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._asked += 1
        self._file.write(encode({**request, "id": f"{self._name}-{self._asked}", "step": self._step}))
        return dict(decode(self._file.readline())["answer"])


def _end_of(talk: Talk) -> int:
    talk.line.close()
    _, status = os.waitpid(talk.pid, 0)
    return status
