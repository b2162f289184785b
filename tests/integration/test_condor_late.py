"""A job that a real HTCondor makes little by little: what is done reaches slices that are no procs yet."""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from jobs_app.pools.base import Event, EventKind, Refused, Resources, Selection, Sending, Step, Task
from jobs_app.pools.condor import CondorPool
from jobs_app.pools.shell.base import Running, Shell
from tests.pool.pool import TestPool

from .test_condor_pool import account, finished, follow, of_kind, open_pool, pool, sending

__all__ = ["account", "open_pool", "pool"]

pytestmark = pytest.mark.pool

SLICES, AT_ONCE = 60, 8
Whose = Callable[..., list[str]]


@pytest.fixture
def task(tmp_path: Path) -> Task:
    """Sixty slices of which eight are procs at a time, and which no slot takes."""
    directory = tmp_path / "job"
    directory.mkdir()
    return Task(
        attempt=secrets.token_hex(16),
        job=42,
        number=1,
        directory=str(directory),
        steps=(Step("run", SLICES),),
        executable="/bin/true",
        concurrency=AT_ONCE,
        resources=Resources(memory_mb=64),
        attributes={"requirements": "RoostGo =?= true"},
    )


@pytest.fixture
def of(condor_pool: TestPool, task: Task) -> Whose:
    """An attribute of each of the task's procs in the queue."""

    def of(name: str, *options: str) -> list[str]:
        constraint = f'RoostAttempt == "{task.attempt}"'
        return condor_pool.run("condor_q", *options, "-constraint", constraint, "-af", name).split()

    return of


def sent(pool: CondorPool, task: Task, of: Whose) -> Sending:
    """When its first slices are procs."""
    batch = sending(task)
    pool.send(batch)
    until(lambda: len(of("RoostSlice")) == AT_ONCE)
    return batch


def until(condition: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def let_go(condor_pool: TestPool, batch: Sending, pool: CondorPool) -> None:
    cluster = (pool.look(batch.token) or pytest.fail("it is not there")).remote_id
    condor_pool.run("condor_qedit", cluster, "RoostGo", "true")


def numbers(events: list[Event], kind: EventKind) -> set[int]:
    found = of_kind(events, kind)
    return {number for event in found for number in range(event.slice, event.slice + event.count)}


def test_a_pause_stops_the_making_and_says_so_of_every_slice(pool: CondorPool, task: Task, of: Whose) -> None:
    batch = sent(pool, task, of)
    told = list(pool.hold(Selection(task.attempt), "Paused by alice."))
    assert numbers(told, EventKind.HELD) == set(range(AT_ONCE, SLICES))
    heard, _ = follow(pool, batch.segment, lambda events: len(numbers(events, EventKind.HELD)) == AT_ONCE)
    assert numbers(heard + told, EventKind.HELD) == set(range(SLICES))
    assert of("JobMaterializePaused", "-factory") == ["1"]
    again = list(pool.release(Selection(task.attempt)))
    assert numbers(again, EventKind.RELEASED) == set(range(AT_ONCE, SLICES))
    assert of("JobMaterializePaused", "-factory") == ["0"]
    until(lambda: of("JobStatus") == ["1"] * AT_ONCE)
    pool.remove(Selection(task.attempt), "enough seen")


def test_a_stop_ends_what_was_never_made(pool: CondorPool, task: Task, of: Whose) -> None:
    batch = sent(pool, task, of)
    pool.remove(Selection(task.attempt), "Stopped by alice.")
    events, _ = follow(pool, batch.segment, finished)
    assert numbers(events, EventKind.REMOVED) == set(range(SLICES))
    assert of("ClusterId", "-factory") == []


def test_chosen_slices_are_stopped_before_they_are_made(
    pool: CondorPool, task: Task, of: Whose, condor_pool: TestPool
) -> None:
    """Slices 0 and 1 are procs, the others are not; none of them ever runs."""
    batch = sent(pool, task, of)
    chosen = (0, 1, 30, 31, 32, 50)
    told = list(pool.remove(Selection(task.attempt, "run", chosen), "Stopped by alice."))
    told += pool.remove(Selection(task.attempt, "run", (55,)), "Stopped by alice.")
    assert numbers(told, EventKind.REMOVED) == {30, 31, 32, 50, 55}
    let_go(condor_pool, batch, pool)
    events, _ = follow(pool, batch.segment, finished)
    assert numbers(events, EventKind.REMOVED) == {*chosen, 55}
    assert numbers(events, EventKind.ENDED) == set(range(SLICES)) - {*chosen, 55}


def test_chosen_slices_are_held_as_they_come_and_go_on_when_they_are_released(
    pool: CondorPool, task: Task, of: Whose, condor_pool: TestPool
) -> None:
    batch = sent(pool, task, of)
    told = list(pool.hold(Selection(task.attempt, "run", (2, 40, 41)), "Paused by alice."))
    assert [(event.slice, event.count) for event in told] == [(40, 2)]
    let_go(condor_pool, batch, pool)
    events, offset = follow(
        pool, batch.segment, lambda events: numbers(events, EventKind.HELD) == {2, 40, 41}
    )
    until(lambda: sorted(map(int, of("RoostSlice"))) == [2, 40, 41])
    pool.release(Selection(task.attempt, "run", (40,)))
    until(lambda: sorted(map(int, of("RoostSlice"))) == [2, 41])
    pool.release(Selection(task.attempt))
    events, _ = follow(pool, batch.segment, finished, offset)
    assert events[-1].data["ok"]


def test_only_chosen_slices_of_a_paused_job_go_on(
    pool: CondorPool, task: Task, of: Whose, condor_pool: TestPool
) -> None:
    batch = sent(pool, task, of)
    pool.hold(Selection(task.attempt), "Paused by alice.")
    let_go(condor_pool, batch, pool)
    told = list(pool.release(Selection(task.attempt, "run", (1, 20))))
    assert numbers(told, EventKind.RELEASED) == {20}
    follow(pool, batch.segment, lambda events: numbers(events, EventKind.ENDED) == {1, 20})
    until(lambda: set(of("JobStatus")) == {"5"})
    pool.remove(Selection(task.attempt), "enough seen")


def test_new_limits_reach_slices_that_are_no_procs_yet(
    pool: CondorPool, task: Task, of: Whose, condor_pool: TestPool
) -> None:
    sent(pool, task, of)
    pool.change(Selection(task.attempt), Resources(memory_mb=100))
    assert of("RequestMemory") == ["100"] * AT_ONCE
    pool.change(Selection(task.attempt, "run", (3, 12)), Resources(memory_mb=300))
    pool.remove(Selection(task.attempt, "run", tuple(range(3))), "to let others come")
    pool.remove(Selection(task.attempt, "run", tuple(range(4, 9))), "to let others come")
    until(lambda: "12" in of("RoostSlice"))
    sizes = dict(zip(of("RoostSlice"), of("RequestMemory"), strict=True))
    assert (sizes["3"], sizes["12"], sizes["11"]) == ("300", "300", "100")
    pool.remove(Selection(task.attempt), "enough seen")


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that are run from now on."""
    commands: list[str] = []
    start = Shell._started

    def counting(shell: Shell, argv: Sequence[str]) -> AbstractContextManager[Running]:
        commands.append(shlex.join(argv))
        return start(shell, argv)

    monkeypatch.setattr(Shell, "_started", counting)
    return commands


def test_a_hundred_thousand_slices_are_steered_by_a_few_commands(
    pool: CondorPool, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = sending(replace(task, steps=(Step("run", 100_000),)))
    pool.send(batch)
    commands = counted(monkeypatch)
    told = list(
        pool.hold(Selection(task.attempt, "run", tuple(range(0, 100_000, 2))[:5_000]), "every second")
    )
    assert sum(event.count for event in told) >= 4_990
    pool.hold(Selection(task.attempt, "run", tuple(range(10_001, 12_000))), "a long range")
    with pytest.raises(Refused, match="Pause or resume the job as a whole"):
        pool.hold(Selection(task.attempt, "run", tuple(range(20_000, 90_000))), "too many")
    pool.hold(Selection(task.attempt), "all")
    pool.release(Selection(task.attempt))
    pool.remove(Selection(task.attempt), "enough seen")
    assert len(commands) < 60
    events, _ = follow(pool, batch.segment, finished)
    assert len(numbers(events, EventKind.REMOVED)) == 100_000


def test_a_description_that_htcondor_does_not_understand_is_refused_before_anything_is_submitted(
    pool: CondorPool, task: Task, condor_pool: TestPool
) -> None:
    bad = replace(task, concurrency=0, attributes={"universe": "container"})
    with pytest.raises(Refused, match="container jobs require a container_image"):
        pool.send(sending(bad))
    good = replace(bad, attributes={"container_image": "docker://debian:12"})
    answer = pool.send(sending(good))
    text, attempts, name = answer.descriptions[0]
    assert name == "0.sub"
    assert "container_image = docker://debian:12\n" in text
    assert list(attempts) == [task.attempt]
    assert "WantContainer" in condor_pool.run("condor_q", answer.remote_id, "-long")
    pool.remove(Selection(task.attempt), "no engine here")
