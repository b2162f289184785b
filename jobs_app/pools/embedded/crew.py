"""The processes that work for the attempts: started, heard of, killed, adopted, mourned."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from jobs_app.killpoints import reach

from . import live, sessions
from .connection import Connection
from .leader import LOST_THE_RACE
from .log import log
from .loop import Loop
from .places import Places
from .plan import Kill, Outcome, Plan, Start
from .record import outcome_of_death, record_failure, recorded
from .wire import task_message
from .work import Part, Run, Work

_DEATHS_IN_A_ROW = 4  # of a leader, before its script is said to be the cause
_LOOK_AGAIN_SECONDS = 0.01
_PATIENCE_SECONDS = 1.0  # with a leader that does not speak, before it is killed
_MOST_IDLE = 16  # leaders that wait for their attempt's next turn


class Nursery(Protocol):
    """Where leaders are forked."""

    pid: int

    def fork(self, wanted: Mapping[str, Any]) -> None: ...


@dataclass
class Crew:
    """Who works for one attempt."""

    work: Work
    connection: Connection | None = None
    pid: int = 0
    pidfd: int = -1
    expected: bool = False  # a leader was asked for, or lives, and will say hello
    loaded: bool = False
    retired: bool = False  # told to go because too many wait; the next one starts when it is gone
    deaths: int = 0
    unsent: list[Start] = field(default_factory=list)
    orphans: dict[Part, int] = field(default_factory=dict)  # parts whose leader is dead: their pidfd


class Crews:
    def __init__(self, places: Places, plan: Plan, loop: Loop, nursery: Nursery) -> None:
        self._places, self._plan, self._loop = places, plan, loop
        self._nursery = nursery
        self._crews: dict[str, Crew] = {}

    def recover(self) -> None:
        """Finds who still works for the attempts, and what has ended while no daemon lived."""
        for token in sorted(self._plan.unfinished):
            if self._plan.works[token].running:
                self._find(self._crew(token))
        for path in self._places.live.iterdir():
            if path.name not in self._plan.unfinished:
                path.unlink()

    def _crew(self, token: str) -> Crew:
        if token not in self._crews:
            self._crews[token] = Crew(self._plan.works[token])
        return self._crews[token]

    def __len__(self) -> int:
        return len(self._crews)

    # -- what the plan wants

    def start(self, action: Start) -> None:
        crew = self._crews.pop(action.attempt, None) or Crew(self._plan.works[action.attempt])
        self._crews[action.attempt] = crew  # the last one in the order of their starts
        crew.unsent.append(action)
        self._advance(crew)
        self._retire()

    def _retire(self) -> None:
        """Of very many attempts that take turns, not each one's leader stays; it can be forked again."""
        idle = [crew for crew in self._crews.values() if crew.connection and not crew.work.running]
        for crew in idle[: max(0, len(idle) - _MOST_IDLE)]:
            if crew.connection is not None and not crew.retired:
                crew.retired = True
                crew.connection.send({"do": "dismiss"})

    def _advance(self, crew: Crew) -> None:
        """Sends what can be sent; asks for a leader if there is none."""
        if crew.connection is not None and not crew.retired:
            for action in crew.unsent:
                crew.connection.send(self._order(crew, action))
            crew.unsent.clear()
        elif crew.unsent and not crew.expected and crew.connection is None:
            crew.expected, crew.loaded = True, False
            task = task_message(crew.work.task)
            self._nursery.fork({"attempt": crew.work.token, "task": {**task, "arguments": ()}})

    def _order(self, crew: Crew, action: Start) -> dict[str, Any]:
        if crew.work.graph is not None:
            return {
                "do": "start",
                **action.part._asdict(),
                "tries": action.tries,
                "arguments": self._row(crew, action),
            }
        rows = crew.work.task.arguments
        row = rows[action.part.slice if len(rows) > 1 else 0] if rows else ()
        return {"do": "start", **action.part._asdict(), "tries": action.tries, "arguments": row}

    @staticmethod
    def _row(crew: Crew, action: Start) -> tuple[str, ...]:
        node = crew.work.graph.node_of(action.part.slice) if crew.work.graph else None
        rows = node.arguments if node else ()
        if node is None or len(rows) < 2:
            return rows[0] if rows else ()
        return rows[action.part.slice - node.first]

    def kill(self, action: Kill) -> None:
        crew = self._crews.get(action.attempt)
        if crew is None or action.part not in crew.work.running:
            return
        waiting = [start for start in crew.unsent if start.part == action.part]
        if action.part in crew.orphans:
            self._kill_orphan(crew, action.part)
        elif waiting:
            crew.unsent.remove(waiting[0])
            self._plan.lost(action.attempt, action.part, waiting[0].tries, time.time())
        elif crew.connection is not None and crew.loaded:
            crew.connection.send({"do": "kill", **action.part._asdict(), "hard": action.hard})
        elif crew.connection is not None:
            self._kill_leader(crew)  # it loads its script, and cannot obey
        else:
            self._loop.later(_PATIENCE_SECONDS, lambda: self._kill_if_silent(crew, action.part))

    def _kill_if_silent(self, crew: Crew, part: Part) -> None:
        if part in crew.work.wishes and crew.connection is None:
            self._kill_leader(crew)

    def _kill_leader(self, crew: Crew) -> None:
        if crew.pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(crew.pidfd, signal.SIGKILL)

    def dismiss(self, token: str) -> None:
        crew = self._crews.pop(token, None)
        if crew is not None:
            self._forget_process(crew)
            if crew.connection is not None:
                crew.connection.send({"do": "dismiss"})
        self._places.crew(token).unlink(missing_ok=True)

    # -- what leaders say

    def hello(self, connection: Connection, message: Mapping[str, Any]) -> None:
        work = self._plan.works.get(message["attempt"])
        if work is None or work.finished:
            connection.send({"do": "dismiss"})
            self._places.crew(message["attempt"]).unlink(missing_ok=True)
            return
        crew = self._crew(work.token)
        self._forget_process(crew)
        connection.leads = work.token
        crew.connection, crew.pid, crew.loaded = connection, message["pid"], message["loaded"]
        crew.expected = False
        self._know_process(crew, own=message["parent"] == self._nursery.pid)
        self._compare(crew, {Part(step, sliceno) for step, sliceno, _ in message["running"]})
        self._advance(crew)
        reach("pool.hello")

    def _compare(self, crew: Crew, running: set[Part]) -> None:
        unsent = {action.part for action in crew.unsent}
        for part in list(crew.work.running):
            if part not in running | unsent | crew.orphans.keys():
                self._settle(crew, part)
            elif part in crew.work.wishes:
                self.kill(Kill(crew.work.token, part))

    def loaded(self, connection: Connection, message: Mapping[str, Any]) -> None:  # noqa: ARG002
        crew = self._crews.get(message["attempt"])
        if crew is not None:
            crew.loaded = True
            self._compare_wishes(crew)

    def _compare_wishes(self, crew: Crew) -> None:
        for part in list(crew.work.wishes):
            self.kill(Kill(crew.work.token, part))

    def ended(self, connection: Connection, message: Mapping[str, Any]) -> None:  # noqa: ARG002
        token, part = message["attempt"], Part(message["step"], message["slice"])
        if token in self._crews:
            self._crews[token].deaths = 0
        if message["outcome"] is None:
            self._plan.lost(token, part, message["tries"], time.time())
        else:
            self._plan.ended(token, part, message["tries"], Outcome(*message["outcome"]))

    # -- deaths

    def hung_up(self, connection: Connection) -> None:
        """A leader that has closed its connection is dead or of no more use."""
        crew = self._crews.get(connection.leads)
        if crew is None or crew.connection is not connection:
            return
        crew.connection = None
        crew.expected = True  # nobody new before this one is surely dead
        if crew.pidfd >= 0:
            self._kill_leader(crew)
        else:
            self._mourn(crew, None)

    def died(self, token: str, pid: int, status: int) -> None:
        """The zygote says so of a leader that it has forked."""
        crew = self._crews.get(token)
        if crew is None or (crew.connection is not None and crew.pid != pid):
            return
        if status == LOST_THE_RACE and crew.connection is None:
            self._find(crew)
        elif status != LOST_THE_RACE:
            self._mourn(crew, status)

    def unforked(self, token: str, reason: str) -> None:
        log(f"no leader could be forked for {token}: {reason}")
        crew = self._crews.get(token)
        if crew is not None:
            self._loop.later(1.0, lambda: self._mourn(crew, None))

    def _mourn(self, crew: Crew, status: int | None) -> None:
        """The leader is dead, how is known or not. Its parts may live."""
        reach("pool.leader-died")
        crew.connection, crew.expected = None, False
        self._forget_process(crew)
        crew.deaths += not crew.retired
        crew.retired = False
        at_fault = not crew.loaded and status is not None and status != -signal.SIGKILL
        if at_fault or crew.deaths >= _DEATHS_IN_A_ROW:
            self._blame(crew, status)
        self._find(crew)

    def _blame(self, crew: Crew, status: int | None) -> None:
        """A script that takes its leader with it has failed: the first part that waited for it says so."""
        alive = {place.part for place in live.held(self._places.crew(crew.work.token)).values()}
        parts = [part for part in crew.work.running if part not in alive | crew.orphans.keys()]
        if not parts or parts[0] in crew.work.wishes:
            return
        part = parts[0]
        tries = crew.work.running[part].tries
        where = " while the script was loaded" if not crew.loaded else " in the process that leads its parts"
        outcome = outcome_of_death(-signal.SIGKILL if status is None else status, where)
        crew.unsent = [action for action in crew.unsent if action.part != part]
        crew.deaths = 0
        self._leave_record(crew, part, tries, outcome)
        self._plan.ended(crew.work.token, part, tries, outcome)

    def _leave_record(self, crew: Crew, part: Part, tries: int, outcome: Outcome) -> None:
        try:
            record_failure(crew.work.task, part, tries, outcome)
        except OSError as error:
            log(f"no record of {part} in {crew.work.task.directory}: {error}")

    def _find(self, crew: Crew) -> None:
        """Who of this attempt lives? Takes note of them, and settles what has become of the others."""
        if crew.connection is not None or self._crews.get(crew.work.token) is not crew:
            return
        places = live.held(self._places.crew(crew.work.token))
        if any(place.pid == 0 for place in places.values()):
            self._loop.later(_LOOK_AGAIN_SECONDS, lambda: self._find(crew))
            return
        if live.LEADER in places:
            self._expect(crew, places[live.LEADER])
            return
        crew.expected = False
        for number, place in places.items():
            if number != live.LEADER:
                self._adopt(crew, place)
        unsent = {action.part for action in crew.unsent}
        for part in list(crew.work.running):
            if part not in unsent | crew.orphans.keys():
                self._settle(crew, part)
        self._advance(crew)

    def _expect(self, crew: Crew, place: live.Place) -> None:
        crew.expected, crew.pid = True, place.pid
        self._forget_process(crew)
        self._know_process(crew, own=False)
        self._compare_wishes(crew)

    def _know_process(self, crew: Crew, *, own: bool) -> None:
        try:
            crew.pidfd = os.pidfd_open(crew.pid)
        except ProcessLookupError:
            crew.pidfd = -1
            if not own:
                self._loop.later(_LOOK_AGAIN_SECONDS, lambda: self._find(crew))
            return
        if not own:  # the zygote tells of its own
            self._loop.watch(crew.pidfd, lambda: self._mourn(crew, None))

    def _forget_process(self, crew: Crew) -> None:
        if crew.pidfd >= 0:
            self._loop.unwatch(crew.pidfd)
            os.close(crew.pidfd)
            crew.pidfd = -1

    def _settle(self, crew: Crew, part: Part) -> None:
        """The part does not run: it has left a record of its end, or it is lost."""
        run = crew.work.running[part]
        outcome = self._recorded(crew, part, run)
        token = crew.work.token
        if outcome is None:
            self._plan.lost(token, part, run.tries, time.time(), "its process was lost")
        else:
            self._plan.ended(token, part, run.tries, outcome)

    def _recorded(self, crew: Crew, part: Part, run: Run) -> Outcome | None:
        try:
            return recorded(crew.work.task, part, run.tries)
        except OSError as error:
            log(f"the record of {part} in {crew.work.task.directory} cannot be read: {error}")
            return None

    # -- orphans

    def _adopt(self, crew: Crew, place: live.Place) -> None:
        """A part whose leader is dead goes on; who watches it now is the daemon itself."""
        if place.part in crew.orphans or place.part not in crew.work.running:
            return
        if live.birth(place.pid) != place.born:
            self._end_leftovers(crew, place)
            return
        pidfd = os.pidfd_open(place.pid)
        crew.orphans[place.part] = pidfd
        self._loop.watch(pidfd, lambda: self._bury_orphan(crew, place))
        if place.part in crew.work.wishes:
            self._kill_orphan(crew, place.part)

    def _end_leftovers(self, crew: Crew, place: live.Place) -> None:
        """The part is dead, but something that it has started is not."""
        crew.orphans[place.part] = -1
        sessions.kill(place.pid)
        self._loop.later(_LOOK_AGAIN_SECONDS, lambda: self._bury_orphan(crew, place))

    def _kill_orphan(self, crew: Crew, part: Part) -> None:
        for place in live.held(self._places.crew(crew.work.token)).values():
            if place.part == part and live.birth(place.pid) == place.born:
                sessions.kill(place.pid)

    def _bury_orphan(self, crew: Crew, place: live.Place) -> None:
        pidfd = crew.orphans.pop(place.part)
        if pidfd >= 0:
            self._loop.unwatch(pidfd)
            os.close(pidfd)
        held = place in live.held(self._places.crew(crew.work.token)).values()
        if held or sessions.has_survivors(place.pid):
            self._end_leftovers(crew, place)
        elif place.part in crew.work.running:
            self._settle(crew, place.part)
