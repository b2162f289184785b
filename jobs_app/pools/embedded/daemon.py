"""The daemon: one thread that hears, decides, writes down, and then acts.

1. Whatever comes (a verb, an end, a death, a timer) goes into the plan.
2. What the plan says has happened is appended to the segments.
3. Only then is it acted upon, and only then is the asker told: what was not written has not happened.

It keeps nothing that is not on disk, so it may be killed at any moment; the next one goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import socket
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jobs_app import jobdir, script
from jobs_app.killpoints import reach

from ..base import Refused
from . import __path__, zygote
from .checkpoint import dump
from .connection import Connection
from .crew import Crews
from .environment import for_daemon, for_jobs
from .journal import Journal
from .limits import LOOK_SECONDS, Limits
from .log import log
from .loop import Loop
from .news import News, is_urgent
from .places import Places
from .plan import Action, Deliver, Dismiss, Kill, Plan, Start
from .recovery import learn
from .verbs import Verbs
from .wire import Lines, decode, encode

_RETRY_SECONDS = 0.5
_LONGEST_LOG = 2**20
_HOME_SECONDS = 5.0  # between two looks at whether the folder is still there
_CODE_SECONDS = 2.0  # between two looks at whether the code has changed


class Nursery:
    """The daemon's end of the zygote."""

    def __init__(self, pid: int, link: socket.socket) -> None:
        self.pid, self.link = pid, link
        self._lines = Lines()

    def fork(self, wanted: Mapping[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):  # it is dead; reading says so in a moment
            self.link.sendall(encode(wanted))

    def hear(self) -> list[dict[str, Any]]:
        """EOFError when the zygote is dead."""
        data = self.link.recv(65536)
        if not data:
            raise EOFError
        return [decode(line) for line in self._lines.feed(data)]


class Daemon:
    def __init__(self, places: Places, lock: int, nursery: Nursery, slots: int, idle_seconds: float) -> None:
        self._places, self._lock = places, lock
        self._nursery, self._idle_seconds = nursery, idle_seconds
        self._loop = Loop()
        self._journal = Journal(places)
        self._plan = Plan(slots, socket.gethostname())
        self._crews = Crews(places, self._plan, self._loop, nursery)
        self._verbs = Verbs(self._plan, self._journal, self._drain)
        self._limits = Limits(places, self._plan)
        self._news = News(self._journal, self._loop)
        self._connections: set[Connection] = set()
        self._answers: list[tuple[Connection, Mapping[str, Any]]] = []
        self._withheld: list[Action] = []
        self._watching_limits = False
        self._busy_at = time.monotonic()
        self._stopped = False
        # What is not a question with an answer.
        self._told = {
            "watch": self._news.watch,
            "ask": self._verbs.ask,
            "hello": self._crews.hello,
            "loaded": self._crews.loaded,
            "ended": self._crews.ended,
            "stop": self._stop,
        }
        self._code = code_stamp()
        self._code_seen = time.monotonic()

    def run(self) -> None:
        self._recover()
        self._listener = self._places.listen()
        self._listener.setblocking(False)
        self._loop.watch(self._listener.fileno(), self._welcome)
        self._loop.watch(self._nursery.link.fileno(), self._hear_nursery)
        self._loop.later(self._idle_seconds, self._rest)
        self._stay_home()
        while not self._stopped:
            self._settle()
            self._loop.turn()
        while self._write_and_act():
            pass
        if self._is_home() and not self._journal.is_behind:
            self._keep_checkpoint()
        self._listener.close()

    def _recover(self) -> None:
        learn(self._plan, self._journal)
        self._plan.recover(time.time())
        self._crews.recover()
        reach("pool.recovered")

    def _keep_checkpoint(self) -> None:
        self._journal.keep_checkpoint({token: dump(work) for token, work in self._plan.works.items()})

    # -- one round

    def _settle(self) -> None:
        """Decides what is to start, writes down what has happened, then acts and answers."""
        if not self._journal.is_behind:
            self._plan.start(time.time())
        while self._write_and_act():
            pass

    def _write_and_act(self) -> bool:
        """Acting may let more happen: True if it did."""
        records, actions = self._plan.take()
        for segment, record in records:
            self._journal.add(segment, record)
        reach("pool.before-write") if records else None
        grown = self._journal.flush()
        reach("pool.written") if records else None
        self._withheld += actions
        if self._journal.is_behind:
            self._wait_for_room()
            return False
        if self._journal.wants_checkpoint:
            self._keep_checkpoint()
        self._act()
        self._answer()
        urgent = {segment for segment, record in records if is_urgent(record)}
        for segment in grown:
            self._news.grew(segment, urgent=segment in urgent)
        self._watch_limits()
        return bool(actions)

    def _wait_for_room(self) -> None:
        log(f"events wait in memory: {self._journal.trouble}")
        self._loop.later(_RETRY_SECONDS, lambda: None)

    def _act(self) -> None:
        actions, self._withheld = self._withheld, []
        for action in actions:
            self._do(action)
        reach("pool.acted") if actions else None

    def _do(self, action: Action) -> None:
        match action:
            case Start():
                self._crews.start(action)
            case Kill():
                self._crews.kill(action)
            case Deliver():
                self._verbs.deliver(action.attempt, action.request, action.answer)
            case Dismiss():
                self._crews.dismiss(action.attempt)

    def _answer(self) -> None:
        answers, self._answers = self._answers, []
        for connection, answer in answers:
            connection.send(answer)

    def _watch_limits(self) -> None:
        if not self._watching_limits and self._limits.any:
            self._watching_limits = True
            self._loop.later(LOOK_SECONDS, self._check_limits)

    def _check_limits(self) -> None:
        self._watching_limits = False
        self._limits.check()

    # -- who talks to us

    def _welcome(self) -> None:
        while True:
            try:
                end, _ = self._listener.accept()
            except BlockingIOError:
                return
            self._connections.add(Connection(self._loop, end, self._hear, self._hung_up))

    def _drain(self) -> None:
        """Hears everything that anybody has said until now."""
        self._welcome()
        for connection in list(self._connections):
            connection.read()

    def _hung_up(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._verbs.hung_up(connection)
        self._news.hung_up(connection)
        if connection.leads:
            self._crews.hung_up(connection)

    def _hear(self, connection: Connection, line: bytes) -> None:
        try:
            answer = self._obey(connection, decode(line))
        except Refused as error:
            answer = {"refused": str(error)}
        except Exception as error:  # noqa: BLE001 - one bad line must not end the pool; it is told and logged
            log(f"a line that was not understood: {line[:200]!r}\n{traceback.format_exc()}")
            answer = {"garbled": f"{type(error).__name__}: {error}"}
        if answer is not None:
            self._answers.append((connection, answer))

    def _obey(self, connection: Connection, message: Mapping[str, Any]) -> Mapping[str, Any] | None:
        name = message.get("verb")
        if name == "send":
            self._follow_the_code()
        if verb := self._verbs.find(name):
            return verb(message)
        if name not in self._told:
            raise Refused(f"{name!r} is no verb of this pool.")
        self._told[name](connection, message)
        return {"done": True} if self._stopped else None

    def _stop(self, connection: Connection, message: Mapping[str, Any]) -> None:  # noqa: ARG002
        self._stopped = True

    def _follow_the_code(self) -> None:
        """New work is for the code as it is: after an upgrade, or an edit, the daemon first starts anew."""
        if time.monotonic() - self._code_seen < _CODE_SECONDS:
            return
        self._code_seen = time.monotonic()
        if code_stamp() != self._code:
            log("the code has changed; starting anew")
            restart()

    def _hear_nursery(self) -> None:
        try:
            messages = self._nursery.hear()
        except EOFError:
            log("the zygote is dead; starting anew")
            restart()
        for message in messages:
            if "died" in message:
                self._crews.died(message["died"], message["pid"], message["status"])
            else:
                self._crews.unforked(message["unforked"], message["reason"])

    # -- rest

    def _rest(self) -> None:
        """Ends the daemon when there was nothing to do for long."""
        if self._plan.unfinished:
            self._busy_at = time.monotonic()
        left = self._busy_at + self._idle_seconds - time.monotonic()
        if left > 0:
            self._loop.later(left, self._rest)
            return
        self._places.idle.touch()
        self._drain()
        self._stopped = not self._plan.unfinished
        if not self._stopped:
            self._places.idle.unlink()
            self._loop.later(self._idle_seconds, self._rest)

    def _stay_home(self) -> None:
        """Ends the daemon when somebody has removed what it keeps; there may be another one there by now."""
        if self._is_home():
            self._loop.later(_HOME_SECONDS, self._stay_home)
        else:
            log("the pool's folder was removed; ending")
            self._stopped = True

    def _is_home(self) -> bool:
        """The lock in the folder is still the one that was taken."""
        try:
            return self._places.lock.stat().st_ino == os.fstat(self._lock).st_ino
        except FileNotFoundError:
            return False


def code_stamp() -> frozenset[tuple[str, int]]:
    """Changes with the code that the daemon and its leaders have loaded."""
    packages = (*__path__, *jobdir.__path__, *script.__path__)
    files = (path for package in packages for path in Path(package).glob("*.py"))
    return frozenset((path.name, path.stat().st_mtime_ns) for path in files)


def restart() -> None:
    """All that this process knows is on disk."""
    command = [sys.executable, "-m", "jobs_app.pools.embedded", *sys.argv[1:]]
    os.execve(sys.executable, command, for_daemon(os.environ))  # noqa: S606


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    if options.detach:
        _detach()
    for_jobs(os.environ)
    places = Places(options.folder)
    places.make()
    lock = os.open(places.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0  # there is one already
    _redirect(places.log)
    places.idle.unlink(missing_ok=True)
    pid, link = zygote.fork(places, lock)
    Daemon(places, lock, Nursery(pid, link), options.slots, options.idle).run()
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m jobs_app.pools.embedded")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--slots", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--idle", type=float, default=300.0, help="seconds without work before it ends")
    parser.add_argument("--detach", action="store_true", help="go on in the background")
    return parser.parse_args(arguments)


def _detach() -> None:
    if os.fork():
        os._exit(0)
    os.setsid()


def _redirect(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > _LONGEST_LOG:
            path.rename(path.with_name("log.old"))
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)
