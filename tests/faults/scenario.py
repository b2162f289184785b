"""Several jobs in flight, one process killed, everything started again: what must be true then."""

from __future__ import annotations

import json
import os
import pickle
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs_app.pools.base import Event, EventKind, Sending, Task
from jobs_app.pools.embedded.client import EmbeddedPool
from jobs_app.pools.embedded.wire import read_record
from jobs_app.states import SliceState
from tests.embedded import SEGMENT, Attempts, end_all, fact, processes, wait_for

from .driver import sendings
from .points import Kill

REPOSITORY = Path(__file__).parents[2]
_LONGEST = 90.0

# Each part holds a lock while it runs: if two ran at once, the second would say so.
_GUARD = """
import fcntl, os, time
def alone(name):
    handle = open(f".lock-{name}", "w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        open("OVERLAP", "a").write(name)
    return handle
"""
_THREE_STEPS = (
    _GUARD
    + """
def prepare():
    lock = alone("prepare")
    return 10
def analysis(sliceno, prepare_res):
    lock = alone(f"analysis-{sliceno}")
    time.sleep(0.01)
    return prepare_res + sliceno
def synthesis(analysis_res):
    lock = alone("synthesis")
    return sum(analysis_res)
"""
)
_WITH_SUBJOB = (
    _GUARD
    + """
from jobs_app.script.subjobs import build
def synthesis():
    lock = alone("synthesis")
    return str(build("sub", options={"x": 1}))
"""
)
_FAILS = (
    _GUARD
    + """
def analysis(sliceno):
    lock = alone(f"analysis-{sliceno}")
    if sliceno == 1:
        raise ValueError("this slice never works")
def synthesis():
    raise AssertionError("never reached")
"""
)
_ONCE_BAD = (
    "exec 9>.lock-$ROOST_SLICE; flock -n 9 || echo $ROOST_SLICE >> OVERLAP; "
    "test -e tried-$ROOST_SLICE || { touch tried-$ROOST_SLICE; test $ROOST_SLICE != 2 || exit 4; }; "
    "sleep 0.01; echo slice $ROOST_SLICE"
)


@dataclass(frozen=True)
class Jobs:
    steps: tuple[Task, Task]
    subjob: Task
    fails: Task
    executable: Task
    held: Task

    @property
    def all(self) -> tuple[Task, ...]:
        return (*self.steps, self.subjob, self.fails, self.executable, self.held)


class Scenario:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.pool = EmbeddedPool(root / "pool", slots=3)
        self.attempts = Attempts(root / "jobs", self.pool)
        self.jobs = self._make()
        first, second = self.jobs.all[:3], self.jobs.all[3:]
        batches = sendings(*(Sending(secrets.token_hex(8), SEGMENT, tasks) for tasks in (first, second)))
        (root / "orders.json").write_text(json.dumps({"batches": batches, "hold": self.jobs.held.attempt}))

    def _make(self) -> Jobs:
        make = self.attempts
        return Jobs(
            steps=(make.script(_THREE_STEPS, 3, retries=3), make.script(_THREE_STEPS, 2, retries=3)),
            subjob=make.script(_WITH_SUBJOB, retries=3),
            fails=make.script(_FAILS, 3, retries=1),
            executable=make.shell(_ONCE_BAD, slices=4, retries=4),
            held=make.shell("sleep 0.02; echo done", slices=2, retries=3),
        )

    # -- running

    @property
    def marker(self) -> Path:
        return self.root / "killed"

    def run(self, kills: Sequence[Kill]) -> bool:
        """Whether the first kill happened."""
        at = ",".join(map(str, kills))
        kill = {"ROOST_KILL_AT": at, "ROOST_KILL_ONCE": str(self.marker)}
        environment = {**os.environ, **kill, "ROOST_POOL_CHECKPOINT": "9"}
        while self._drive(environment) == -9:
            pass
        return self.marker.exists()

    def _drive(self, environment: Mapping[str, str]) -> int:
        driver = subprocess.run(
            [sys.executable, "-m", "tests.faults.driver", str(self.root)],
            cwd=REPOSITORY,
            env=dict(environment),
            capture_output=True,
            text=True,
            timeout=_LONGEST,
            check=False,
        )
        assert driver.returncode in (0, -9), driver.stderr[-3000:] + self.log()
        return driver.returncode

    def log(self) -> str:
        log = self.pool.places.log
        return log.read_text()[-3000:] if log.exists() else "no log"

    def end(self) -> None:
        end_all(self.root, self.pool)

    # -- what must be true

    def check(self) -> None:
        self.pool.close()
        events = self._events()
        for task in self.jobs.all:
            mine = [event for event in events if event.attempt == task.attempt]
            check_story(task, mine)
            self._check_snapshot(task, mine)
            assert not (Path(task.directory) / "OVERLAP").exists(), (
                f"a part of {task.directory} ran twice at once"
            )
        self._check_results()
        wait_for(self._nobody_works, 5.0)

    def _events(self) -> list[Event]:
        """What the driver has heard is what stands in the segment: nothing lost, nothing doubled."""
        kept = json.loads((self.root / "kept.json").read_text())
        heard = [read_record(line.encode()) for line in kept["events"]]
        lines = self.pool.places.segment(SEGMENT).read_bytes()[: kept["offset"]].splitlines()
        written = [record for record in map(read_record, lines) if isinstance(record, Event)]
        assert heard == written
        return written

    def _check_snapshot(self, task: Task, events: list[Event]) -> None:
        seen = json.loads((self.root / "seen.json").read_text())[task.attempt]
        for step in task.steps:
            assert bytes.fromhex(seen[step.name]) == final_states(step.name, step.slices, events)

    def _check_results(self) -> None:
        for task, expected in zip(self.jobs.steps, (33, 21), strict=True):
            assert result(task) == expected
        assert result(self.jobs.subjob) == "test-1"
        well = {task.attempt: outcome(task, self._events()) for task in self.jobs.all}
        assert [task.attempt for task in self.jobs.all if not well[task.attempt]] == [self.jobs.fails.attempt]
        for sliceno in range(4):
            assert (
                Path(self.jobs.executable.directory) / "OUTPUT" / str(sliceno)
            ).read_text() == f"slice {sliceno}\n"

    def _nobody_works(self) -> bool:
        """Besides daemon and zygote."""
        return len(processes(self.root)) <= 2 and not list(self.pool.places.live.iterdir())


def result(task: Task) -> object:
    return pickle.loads((Path(task.directory) / "result.pickle").read_bytes())


def outcome(task: Task, events: list[Event]) -> bool:
    (finished,) = (e for e in events if e.attempt == task.attempt and e.kind == EventKind.FINISHED)
    return bool(finished.data["ok"])


def check_story(task: Task, events: list[Event]) -> None:
    """Each slice starts, ends or is lost, in turn; it ends once; and nothing happens after the end."""
    kinds = [event.kind for event in events]
    assert kinds.count(EventKind.ACCEPTED) == 1
    assert kinds[0] == EventKind.ACCEPTED
    assert kinds.count(EventKind.FINISHED) == 1
    assert kinds[-1] == EventKind.FINISHED
    for step in task.steps:
        for sliceno in range(step.slices):
            _check_slice(task, step.name, sliceno, [e for e in events if _is_about(e, step.name, sliceno)])


_AFTER: Mapping[str, frozenset[EventKind]] = {
    "waiting": frozenset({EventKind.STARTED, EventKind.HELD, EventKind.SKIPPED, EventKind.REMOVED}),
    "running": frozenset({EventKind.ENDED, EventKind.EVICTED, EventKind.HELD, EventKind.REQUEST}),
    "held": frozenset({EventKind.RELEASED, EventKind.SKIPPED}),
    "over": frozenset(),
}


def _check_slice(task: Task, step: str, sliceno: int, events: list[Event]) -> None:
    state, tries = "waiting", 0
    for event in events:
        assert event.kind in _AFTER[state], f"{event} while {state}"
        if event.kind == EventKind.STARTED:
            assert event.tries == tries + 1
            tries = event.tries
        state = _state_after(event, state)
    assert state == "over", f"{step} {sliceno} is {state}: {events}"
    _check_fact(task, step, sliceno, events[-1])


def _check_fact(task: Task, step: str, sliceno: int, last: Event) -> None:
    recorded = fact(task, step, sliceno)
    if last.kind == EventKind.ENDED:
        assert recorded is not None
        well = last.exit_code == 0 and not last.signal
        assert recorded.state == (SliceState.DONE if well else SliceState.FAILED)
        assert recorded.tries == last.tries


def _state_after(event: Event, state: str) -> str:
    match event.kind:
        case EventKind.STARTED:
            return "running"
        case EventKind.ENDED:
            return "waiting" if event.will_retry else "over"
        case EventKind.EVICTED | EventKind.RELEASED:
            return "waiting"
        case EventKind.HELD:
            return "held"
        case EventKind.SKIPPED | EventKind.REMOVED:
            return "over"
    return state


def _is_about(event: Event, step: str, sliceno: int) -> bool:
    return event.step == step and event.slice <= sliceno < event.slice + event.count


def final_states(step: str, slices: int, events: list[Event]) -> bytes:
    """The states that the events tell."""
    return bytes(_final_state([e for e in events if _is_about(e, step, i)][-1]) for i in range(slices))


def _final_state(event: Event) -> SliceState:
    if event.kind != EventKind.ENDED:
        return SliceState[event.kind.name]
    return SliceState.DONE if event.exit_code == 0 and not event.signal else SliceState.FAILED
