"""The process that leads one attempt: it loads the script once and forks each part when the daemon says so.

It outlives the daemon. Its parts run on; it sees them end, leaves the record for those that could not do so
themselves, and tells the next daemon, as soon as there is one, what runs.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from jobs_app.killpoints import reach

from . import live, sessions
from .ask import Asker
from .log import log
from .places import Places
from .plan import Outcome
from .program import Program
from .record import outcome_of_death, record_failure, recorded
from .wire import Lines, decode, encode, read_task
from .work import Part

LOST_THE_RACE = 75  # another leader of this attempt lives
GRACE_SECONDS = float(os.environ.get("ROOST_GRACE_SECONDS", "5"))  # from asking a part to stop to killing it
_RECONNECT_SECONDS = 0.03
_SURVIVORS_SECONDS = 0.005
_IDLE_SECONDS = 60.0  # how long it waits for a daemon when nothing runs


@dataclass
class Child:
    part: Part
    tries: int
    pid: int
    pidfd: int
    killed: bool = False
    kill_at: float = 0.0
    status: int | None = None  # how it ended, while something that it has started lives on


def main(places: Places, wanted: Mapping[str, Any]) -> int:
    task = read_task(wanted["task"])
    handle = live.take(places.crew(task.attempt), live.LEADER)
    if handle is None:
        return LOST_THE_RACE
    live.write(handle, live.LEADER, os.getpid())
    reach("leader.begun")
    return Leader(places, Program(task), handle).run()


class Leader:
    def __init__(self, places: Places, program: Program, place: int) -> None:
        self._places = places
        self._place = place
        self._program = program
        self._task = program.task
        self._live = places.crew(self._task.attempt)
        self._children: dict[Part, Child] = {}
        self._selector = selectors.DefaultSelector()
        self._daemon: socket.socket | None = None
        self._lines = Lines()
        self._loaded = False
        self._dismissed = False
        self._alone_since = 0.0

    def run(self) -> int:
        self._connect()
        self._program.load()
        reach("leader.loaded")
        self._loaded = True
        self._tell({"verb": "loaded", "attempt": self._task.attempt})
        while not self._dismissed or self._children:
            self._turn()
            if self._is_forsaken():
                break
        return 0

    def _turn(self) -> None:
        for key, _ in self._selector.select(self._patience()):
            if key.data is None:
                self._listen()
            else:
                self._bury(key.data)
        if self._daemon is None:
            self._connect()
        self._kill_the_stubborn()
        self._end_the_buried()

    def _patience(self) -> float | None:
        if any(child.status is not None for child in self._children.values()):
            return _SURVIVORS_SECONDS
        if self._daemon is None:
            return _RECONNECT_SECONDS
        deadlines = [child.kill_at for child in self._children.values() if child.kill_at]
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _is_forsaken(self) -> bool:
        if self._daemon is not None or self._children:
            return False
        return time.monotonic() - self._alone_since > _IDLE_SECONDS

    # -- the daemon

    def _connect(self) -> None:
        try:
            self._daemon = self._places.connect()
        except OSError:
            self._alone_since = self._alone_since or time.monotonic()
            return
        self._alone_since = 0.0
        self._lines = Lines()
        self._selector.register(self._daemon, selectors.EVENT_READ)
        running = [[*child.part, child.tries] for child in self._children.values()]
        hello = {"verb": "hello", "attempt": self._task.attempt, "pid": os.getpid(), "parent": os.getppid()}
        self._tell({**hello, "loaded": self._loaded, "running": running})
        reach("leader.hello")

    def _tell(self, message: Mapping[str, Any]) -> None:
        if self._daemon is None:
            return
        try:
            self._daemon.sendall(encode(message))
        except OSError:
            self._disconnect()

    def _disconnect(self) -> None:
        if self._daemon is not None:
            self._selector.unregister(self._daemon)
            self._daemon.close()
            self._daemon = None
            self._alone_since = time.monotonic()

    def _listen(self) -> None:
        if self._daemon is None:
            return
        try:
            data = self._daemon.recv(65536)
        except OSError:
            data = b""
        for line in self._lines.feed(data):
            self._obey(decode(line))
        if not data:
            self._disconnect()

    def _obey(self, order: Mapping[str, Any]) -> None:
        if order.get("do") not in ("start", "kill"):
            self._dismissed = order.get("do") == "dismiss"
            return
        part = Part(order["step"], order["slice"])
        if order["do"] == "start" and part not in self._children:
            self._start(part, order["tries"], order["arguments"])
        elif order["do"] == "kill" and part in self._children:
            self._stop(self._children[part], hard=order["hard"])

    # -- parts

    def _start(self, part: Part, tries: int, arguments: list[str]) -> None:
        known = recorded(self._task, part, tries)
        if known is not None and known.well:
            self._tell_end(part, tries, known)  # whatever the daemon believes: it is done
        else:
            self._fork_part(part, tries, arguments)

    def _fork_part(self, part: Part, tries: int, arguments: list[str]) -> None:
        place, handle = live.take_any(self._live)
        live.write(handle, place, 0, part, tries)
        reach("leader.before-fork")
        pid = _fork()
        if pid is None:
            os.close(handle)
            self._tell_end(part, tries, None)
            return
        if pid == 0:
            self._become(part, tries, arguments, place, handle)
        os.close(handle)
        child = Child(part, tries, pid, os.pidfd_open(pid))
        self._children[part] = child
        self._selector.register(child.pidfd, selectors.EVENT_READ, child)
        reach("leader.forked")

    def _become(self, part: Part, tries: int, arguments: list[str], place: int, handle: int) -> NoReturn:
        status = 70
        try:
            os.setsid()
            self._let_go()
            live.write(handle, place, os.getpid(), part, tries)
            os.set_inheritable(handle, not self._task.script)
            reach("part.begun")
            ask = Asker(self._places, self._task.attempt, part, tries)
            status = self._program.run(part, tries, arguments, ask)
        except BaseException:  # noqa: BLE001 - nothing may escape into the leader's code
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)

    def _let_go(self) -> None:
        """What is the leader's and not the part's; above all its place, or it would seem to live."""
        os.close(self._place)
        for key in list(self._selector.get_map().values()):
            os.close(key.fd)
        self._selector.close()
        if self._daemon is not None:
            self._daemon.detach()

    def _stop(self, child: Child, *, hard: bool) -> None:
        if child.status is not None:
            return
        child.killed = True
        child.kill_at = time.monotonic() + (0.0 if hard else GRACE_SECONDS)
        _signal_group(child.pid, signal.SIGKILL if hard else signal.SIGTERM)

    def _kill_the_stubborn(self) -> None:
        now = time.monotonic()
        for child in self._children.values():
            if child.kill_at and child.kill_at <= now and child.status is None:
                child.kill_at = 0.0
                _signal_group(child.pid, signal.SIGKILL)

    def _bury(self, child: Child) -> None:
        reach("leader.part-died")
        _signal_group(child.pid, signal.SIGKILL)  # what it has left behind; its number is still its own
        _, status = os.waitpid(child.pid, 0)
        self._selector.unregister(child.pidfd)
        os.close(child.pidfd)
        child.status = os.waitstatus_to_exitcode(status)
        if not sessions.has_survivors(child.pid):
            self._end(child)

    def _end_the_buried(self) -> None:
        """A part is over when all that it has started is dead; mostly that is at once."""
        for child in list(self._children.values()):
            if child.status is not None and not sessions.has_survivors(child.pid):
                self._end(child)

    def _end(self, child: Child) -> None:
        del self._children[child.part]
        outcome = recorded(self._task, child.part, child.tries)
        if outcome is None and not child.killed and child.status is not None:
            outcome = self._record(child, child.status)
        reach("leader.before-telling")
        self._tell_end(child.part, child.tries, outcome)

    def _tell_end(self, part: Part, tries: int, outcome: Outcome | None) -> None:
        ended = {"verb": "ended", "attempt": self._task.attempt, **part._asdict(), "tries": tries}
        self._tell({**ended, "outcome": outcome})

    def _record(self, child: Child, status: int) -> Outcome:
        outcome = outcome_of_death(status)
        try:
            record_failure(self._task, child.part, child.tries, outcome)
        except OSError as error:
            log(f"no record of {child.part} of attempt {self._task.attempt}: {error}")
            return outcome._replace(reason=f"{outcome.reason}; and its end cannot be recorded: {error}")
        return outcome


def _fork() -> int | None:
    """None where the machine allows no further process now; not at once again, for it will not soon."""
    try:
        return os.fork()
    except OSError as error:
        log(f"no further process: {error.strerror}")
        time.sleep(0.2)
        return None


def _signal_group(pid: int, number: int) -> None:
    """The group of a child that is not yet waited for, so the number cannot be somebody else's."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        os.kill(pid, number)  # forked a moment ago, not yet a group of its own
