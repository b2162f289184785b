"""HTCondor as a pool: each verb is one command on the access point, whatever the number of slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO

from jobs_app.jobdir.layout import part_name

from ..base import Event, Events, Resources, Selection, Sending, Sent, Snapshot, Task
from ..findings import Finding
from ..shell import Shell
from . import answering, asking, away, checkup, kit, results
from .acting import Acting
from .analysis import Analysis
from .dag import acting as dag_acting
from .following import Readers
from .live import LiveTails
from .names import checked
from .plans import Plans
from .point import AccessPoint
from .sending import Sender
from .submit import Templates

TAIL_AT_ONCE = 1 << 20


class CondorPool:
    def __init__(self, shell: Shell, root: str, templates: Templates) -> None:
        """`root`: the folder of the access point that is ours, by default below the account's home."""
        self._point = AccessPoint(shell, root)
        self._plans = Plans(self._point)
        self._sender = Sender(self._point, self._plans, templates)
        self._readers = Readers(self._point, self._plans)
        self._acting = Acting(self._point, self._plans)
        self._analysis = Analysis(self._point)

    @property
    def answered(self) -> float:
        """When its access point last said anything (Unix seconds)."""
        return self._point.shell.answered

    def send(self, sending: Sending) -> Sent:
        return self._sender.send(sending)

    def look(self, token: str) -> Sent | None:
        return self._sender.look(token)

    def follow(self, segment: str, offset: int, wait: float = 0.0) -> Events:
        return self._readers.follow(segment, offset, wait)

    def query(self, attempts: Sequence[str]) -> Mapping[str, Snapshot]:
        return asking.query(attempts, self._point, self._plans) if attempts else {}

    def hold(self, selection: Selection, reason: str) -> Sequence[Event]:
        if dag_acting.acts(self._point, "hold", selection, reason):
            return ()
        return self._acting.hold(selection, reason)

    def release(self, selection: Selection) -> Sequence[Event]:
        if dag_acting.acts(self._point, "release", selection):
            return ()
        return self._acting.release(selection)

    def remove(self, selection: Selection, reason: str) -> Sequence[Event]:
        if dag_acting.acts(self._point, "remove", selection, reason):
            return ()
        return self._acting.remove(selection, reason)

    def on_all(self, verb: str, attempts: Sequence[str], reason: str) -> Sequence[str]:
        """Tells it of many attempts that are no DAGs at once: of which it did."""
        return self._acting.on_all(verb, attempts, reason)

    def change(self, selection: Selection, resources: Resources) -> Sequence[Event]:
        dag_acting.limit(self._point, selection, resources)
        return self._acting.change(selection, resources)

    def why_idle(self, attempts: Sequence[str]) -> Mapping[str, str]:
        return self._analysis.why_idle(attempts)

    def answer(self, attempt: str, request: str, answer: Mapping[str, Any]) -> None:
        answering.answer(self._point, attempt, request, answer)

    def fetch(self, task: Task, into: Path) -> bool:
        left = away.left_there(self._point, task) if task.remote_from and not task.nodes else {}
        place = self._point.names.attempt(task.attempt)
        some = away.without(self._point, task, left) if left else self._point.shell.get_tree(place, "out")
        with some as stream:
            results.unpack(stream, task, into, left)
        return True

    def reading_away(
        self, attempt: str, part: str, member: str, offset: int = 0, length: int | None = None
    ) -> AbstractContextManager[BinaryIO]:
        """A result that stayed here."""
        return away.reading(self._point, attempt, part, member, offset, length)

    def tail(self, task: Task, step: str, sliceno: int, stream: str, offset: int) -> tuple[bytes, int]:  # noqa: ARG002
        path = f"{self._point.names.attempt(task.attempt)}/out/{part_name(step, sliceno)}.log"
        try:
            data = self._point.shell.get(path, offset, TAIL_AT_ONCE)
        except FileNotFoundError:  # it comes home when the slice ends
            data = b""
        return data, offset + len(data)

    def live(self) -> LiveTails:
        """A reader of what running slices print; to be closed."""
        return LiveTails(self._point)

    def forget(self, attempts: Sequence[str]) -> None:
        if attempts:
            tokens = [checked(attempt, "attempt") for attempt in attempts]
            self._point.ask("forget.sh", self._point.names.root, kit.contents()[0], *tokens)

    def examine(self) -> list[Finding]:
        """Whether everything that a job needs is there."""
        return checkup.examine(self._point)

    def close(self) -> None:
        self._readers.close()
        self._point.shell.close()
