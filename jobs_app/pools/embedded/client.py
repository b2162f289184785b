"""The pool as the rest of Roost sees it. It starts the daemon when it is needed and there is none."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jobs_app.jobdir.layout import JobPaths, part_name
from jobs_app.jobdir.output import Output
from jobs_app.killpoints import reach

from ..base import (
    Event,
    Events,
    Garbled,
    PoolUnreachable,
    Refused,
    Resources,
    Selection,
    Sending,
    Sent,
    Snapshot,
    Task,
)
from .checkpoint import unpacked
from .environment import for_daemon
from .places import Places
from .wire import Lines, decode, encode, read_record, sending_message

_PATIENCE_SECONDS = 30.0
_IDLE_SECONDS = float(os.environ.get("ROOST_POOL_IDLE_SECONDS", "300"))
_READ_AT_ONCE = 2**22


class EmbeddedPool:
    def __init__(self, folder: Path, slots: int | None = None, idle_seconds: float = _IDLE_SECONDS) -> None:
        self._places = Places(Path(folder).absolute())
        self._slots = slots or os.cpu_count() or 1
        self._idle_seconds = idle_seconds
        self._calls = _Line(self)
        self._news = _Line(self)

    # -- the verbs of every pool

    def send(self, sending: Sending) -> Sent:
        reach("client.before-send")
        message = {"verb": "send", "slots": self._slots, "sending": sending_message(sending)}
        answer = self._calls.ask(message)
        reach("client.sent")
        return Sent(answer["sent"])

    def look(self, token: str) -> Sent | None:
        found = self._calls.ask({"verb": "look", "token": token})["sent"]
        return Sent(found) if found else None

    def follow(self, segment: str, offset: int, wait: float = 0.0) -> Events:
        deadline = time.monotonic() + wait
        while True:
            read = self._read(segment, offset)
            left = deadline - time.monotonic()
            if read.events or left <= 0:
                return read
            offset = read.offset
            self._news.await_growth(segment, offset, left)

    def query(self, attempts: Sequence[str]) -> Mapping[str, Snapshot]:
        answer = self._calls.ask({"verb": "query", "attempts": list(attempts)})
        return {
            token: Snapshot(
                token, {step: unpacked(text) for step, text in found["slices"].items()}, found["finished"]
            )
            for token, found in answer["snapshots"].items()
        }

    def why_idle(self, attempts: Sequence[str]) -> Mapping[str, str]:
        """Nothing from a daemon of an older version, which goes on until it rests."""
        try:
            why: Mapping[str, str] = self._calls.ask({"verb": "why_idle", "attempts": list(attempts)})["why"]
        except (Garbled, Refused):
            return {}
        return why

    def hold(self, selection: Selection, reason: str) -> None:
        self._ask_about(selection, "hold", reason=reason)

    def release(self, selection: Selection) -> None:
        self._ask_about(selection, "release")

    def remove(self, selection: Selection, reason: str) -> None:
        self._ask_about(selection, "remove", reason=reason)

    def change(self, selection: Selection, resources: Resources) -> None:
        self._ask_about(selection, "change", resources=asdict(resources))

    def answer(self, attempt: str, request: str, answer: Mapping[str, Any]) -> None:
        self._calls.ask({"verb": "answer", "attempt": attempt, "request": request, "answer": dict(answer)})

    def fetch(self, task: Task, into: Path) -> bool:  # noqa: ARG002 - other pools bring something
        return False

    def tail(self, task: Task, step: str, sliceno: int, stream: str, offset: int) -> tuple[bytes, int]:
        """Both streams are in one file, as they came: all of it is "output"."""
        printed = Output(JobPaths(task.directory).output)
        data = printed.read(part_name(step, sliceno), offset) if stream == "output" else b""
        return data, offset + len(data)

    def forget(self, attempts: Sequence[str]) -> None:
        self._calls.ask({"verb": "forget", "attempts": list(attempts)})

    def close(self) -> None:
        self._calls.close()
        self._news.close()

    # -- what only this pool has

    def stop(self) -> None:
        """Ends the daemon, if there is one. What runs goes on, and the next daemon adopts it."""
        self.close()
        try:
            connection = self._places.connect()
        except OSError:
            return
        with connection:
            connection.sendall(encode({"verb": "stop"}))
            while connection.recv(4096):
                pass

    def _ask_about(self, selection: Selection, verb: str, **more: Any) -> None:
        about = [selection.attempt, selection.step, list(selection.slices)]
        self._calls.ask({"verb": verb, "selection": about, **more})

    def _read(self, segment: str, offset: int) -> Events:
        data = _read_from(self._places.segment(segment), offset)
        whole = data[: data.rfind(b"\n") + 1]
        records = [read_record(line) for line in whole.splitlines()]
        events = tuple(record for record in records if isinstance(record, Event))
        return Events(events, offset + len(whole))

    def connect(self, deadline: float) -> socket.socket:
        """To the daemon, started if there is none."""
        pause = 0.005
        while True:
            try:
                return self._places.connect()
            except OSError as error:
                if time.monotonic() > deadline:
                    raise PoolUnreachable(self._trouble(error)) from error
            self._start_daemon()
            time.sleep(pause)
            pause = min(0.1, pause * 2)

    def _trouble(self, error: OSError) -> str:
        return f"The embedded pool in {self._places.folder} does not start ({error}). See {self._places.log}."

    def _start_daemon(self) -> None:
        """The one that finds another one running ends at once, so starting too often does no harm."""
        self._places.make()
        arguments = ["--slots", str(self._slots), "--idle", str(self._idle_seconds), "--detach"]
        with self._places.log.open("ab") as log:
            subprocess.run(
                [sys.executable, "-m", "jobs_app.pools.embedded", str(self._places.folder), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=for_daemon(os.environ),
                check=False,
            )

    def rests(self) -> bool:
        """The daemon ended by itself, with nothing to do."""
        return self._places.idle.exists()

    @property
    def places(self) -> Places:
        return self._places


class _Line:
    """One connection, used by one thread at a time."""

    def __init__(self, pool: EmbeddedPool) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        self._end: socket.socket | None = None
        self._owner = 0  # the process that has connected it; a forked child needs one of its own
        self._lines = Lines()
        self._heard: list[bytes] = []
        self._watched: tuple[str, int] | None = None

    def ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """The answer. All verbs may be asked twice, so a daemon that dies meanwhile is asked again."""
        line = encode(message)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        with self._lock:
            while True:
                try:
                    self._say(line, deadline)
                    return _checked(self._hear(deadline))
                except OSError as error:
                    self._hang_up()
                    if time.monotonic() > deadline:
                        raise PoolUnreachable(f"The embedded pool does not answer: {error}.") from error

    def await_growth(self, segment: str, offset: int, wait: float) -> None:
        """Until the segment is longer than `offset`, or `wait` seconds are over, or the daemon has died."""
        deadline = time.monotonic() + wait
        with self._lock:
            try:
                self._watch(segment, offset, deadline)
                self._hear(deadline)
                self._watched = None
            except TimeoutError:
                return  # what was asked stands; the next call waits for the same
            except (OSError, PoolUnreachable):
                self._hang_up()

    def _watch(self, segment: str, offset: int, deadline: float) -> None:
        if self._end is None and self._pool.rests():
            time.sleep(min(0.05, max(0.0, deadline - time.monotonic())))
            raise ConnectionRefusedError("the daemon rests")
        if self._end is None or self._watched != (segment, offset):
            self._say(encode({"verb": "watch", "segment": segment, "offset": offset}), deadline)
            self._watched = segment, offset

    def _say(self, line: bytes, deadline: float) -> None:
        if self._owner != os.getpid():
            self._hang_up()
        if self._end is None:
            self._end, self._owner = self._pool.connect(deadline), os.getpid()
            self._lines, self._heard, self._watched = Lines(), [], None
        self._end.settimeout(max(0.001, deadline - time.monotonic()))
        self._end.sendall(line)

    def _hear(self, deadline: float) -> bytes:
        while not self._heard:
            if self._end is None:
                raise ConnectionError("not connected")
            self._end.settimeout(max(0.001, deadline - time.monotonic()))
            data = self._end.recv(1 << 18)
            if not data:
                raise ConnectionResetError("it hung up")
            self._heard += self._lines.feed(data)
        return self._heard.pop(0)

    def _hang_up(self) -> None:
        if self._end is not None:
            self._end.close()
            self._end = None

    def close(self) -> None:
        with self._lock:
            self._hang_up()


def _checked(line: bytes) -> dict[str, Any]:
    try:
        answer = decode(line)
    except ValueError as error:
        raise Garbled(f"The embedded pool answered {line[:500]!r}.") from error
    if "refused" in answer:
        raise Refused(answer["refused"])
    if "garbled" in answer:
        raise Garbled(f"The embedded pool did not understand: {answer['garbled']}.")
    return answer


def _read_from(path: Path, offset: int) -> bytes:
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            return file.read(_READ_AT_ONCE)
    except FileNotFoundError:
        return b""
