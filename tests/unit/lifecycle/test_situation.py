"""What is known beside a job's state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from jobs_app import situation
from jobs_app.courier import Courier
from jobs_app.jobdir import facts
from jobs_app.lifecycle import holds
from jobs_app.lifecycle.usage import Keeper, without
from jobs_app.models import Attempt, History, Job, Scheduler
from jobs_app.pools.base import Event, EventKind, Events, Refused, Resources, Selection, Usage
from jobs_app.states import SliceState

from .fake_pool import FakePool
from .test_send import time_passes

NewJob = Callable[..., Job]


@pytest.fixture
def running(new_job: NewJob, courier: Courier, pool: FakePool) -> Job:
    """Of three slices the first two run."""
    job = new_job(num_jobs=3, memory=128)
    job.execute()
    courier.tick()
    pool.happens(job, EventKind.STARTED, slice=0, count=2, host="exec1")
    courier.tick()
    return job


def said(job: Job) -> dict[str, str]:
    return {badge.kind: badge.text for badge in situation.badges(job)}


def test_nothing_is_said_beside_a_job_that_is_as_it_should_be(running: Job) -> None:
    assert said(running) == {}


def test_what_was_asked_is_said_until_it_is_done(running: Job, courier: Courier) -> None:
    running.stop(slices=[0, 1])
    assert said(running) == {"asked": "Will be stopped (slices 0-1) in a moment."}
    courier.tick()
    assert said(running) == {}


def test_what_a_pool_out_of_reach_was_asked_says_when_it_was_last_heard_of(
    running: Job, courier: Courier, pool: FakePool
) -> None:
    pool.breaks_before = {"hold", "follow"}
    running.pause()
    courier.tick()
    text = said(running)["asked"]
    assert text.startswith("Will be paused when embedded answers again; last heard of it ")
    pool.breaks_before = set()
    time_passes(courier)
    courier.tick()
    assert said(running) == {}
    assert [verb for verb, _ in pool.told] == ["hold"]


def test_a_pool_that_does_not_answer_is_named(running: Job, courier: Courier, pool: FakePool) -> None:
    pool.breaks_before = {"follow"}
    courier.tick()
    assert said(running)["unreachable"].startswith("embedded does not answer; last heard of it ")


def test_a_pool_that_lets_nobody_in_is_not_said_to_answer_soon(running: Job, courier: Courier) -> None:
    paused = "Not let in, so a person must act: the key is refused."
    Scheduler.objects.update(failures=2, paused=paused, paused_by="access", paused_since=timezone.now())
    text = said(running)["unreachable"]
    assert text.startswith("embedded stands still since ")
    assert text.endswith(paused)
    assert len(situation.badges(running)) == 1


def test_unknown_has_its_age(running: Job) -> None:
    Attempt.objects.update(unknown_since=timezone.now() - timedelta(hours=2))
    assert said(running)["unknown"] == (
        "embedded does not know this job, for 2:00:00 now; its last state is shown. If the pool has lost it "
        "for good: stop it, and resubmit it."
    )
    Attempt.objects.update(unknown_since=timezone.now() - timedelta(minutes=1))
    assert said(running)["unknown"].endswith("its last state is shown.")


def test_why_it_waits_is_said(running: Job) -> None:
    Attempt.objects.update(idle="No machine has 64 GB of memory; the largest has 2 GB.")
    assert said(running)["idle"].startswith("No machine has 64 GB")


def test_why_it_waits_is_not_said_of_a_paused_job_with_stopped_slices(running: Job) -> None:
    Attempt.objects.update(idle="All 2 machines that would do are busy.")
    Job.objects.update(_status="PAS", slices_running=0, slices_held=1)
    assert said(Job.objects.get(pk=running.pk)) == {}


def test_a_hold_that_the_pool_refuses_is_given_up_and_said(
    running: Job, courier: Courier, pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(selection: Selection, reason: str) -> None:
        raise Refused("so many cannot wait on hold")

    monkeypatch.setattr(pool, "hold", refuse)
    running.pause(slices=[1])
    courier.tick()
    assert running.status == "Running"
    assert running.status_message == "The pool refused that: so many cannot wait on hold"
    assert said(running) == {}


def test_effects_that_no_log_tells_are_recorded(
    running: Job, courier: Courier, pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remove(selection: Selection, reason: str) -> list[Event]:
        return [Event(EventKind.REMOVED, selection.attempt, 0.0, "run", 2, 1, reason=reason)]

    monkeypatch.setattr(pool, "remove", remove)
    running.stop(slices=[2])
    courier.tick()
    assert bytes(running.slice_states()) == bytes(
        [SliceState.RUNNING, SliceState.RUNNING, SliceState.REMOVED]
    )


def test_new_limits_for_some_slices_leave_the_job_as_it_is(
    running: Job, courier: Courier, pool: FakePool
) -> None:
    running.resume(slices=[1], memory="1 GB")
    courier.tick()
    assert pool.limits == [Resources(memory_mb=1024)]
    assert pool.told[0] == ("change", Selection(Attempt.objects.get(job=running).token, "run", (1,)))
    assert Job.objects.get(pk=running.pk).parameters["memory"] == 128


# --- slices -----------------------------------------------------------------------------------------------


def ended(job: Job, number: int, **known: object) -> Event:
    token = Attempt.objects.get(job=job).token
    return Event(EventKind.ENDED, token, 50.0, "run", number, **known)  # type: ignore[arg-type]


def test_what_a_slice_used_is_read_back(running: Job) -> None:
    paths = running.paths.attempt(1)
    token = Attempt.objects.get(job=running).token
    used = Usage(cpus_used=0.5, cpus=1, memory_used=70, memory=64, disk_used=9, disk=10)
    started = Event(EventKind.STARTED, token, 40.0, "run", 0, host="exec1")
    Keeper().keep([started, ended(running, 0, exit_code=0, usage=used)])
    facts.write(paths.facts, "run", 0, facts.Fact(SliceState.DONE, start=41, end=49, cpu_seconds=3))
    first, second, third = situation.slices(running)
    assert (first.host, first.start, first.end) == ("exec1", 40.0, None)  # its row says that it runs
    assert (first.cpus_used, first.memory_used, first.memory, first.disk_used) == (0.5, 70, 64, 9)
    assert (second.host, third.state) == ("", SliceState.WAITING)


@pytest.mark.parametrize(
    ("known", "exit_code", "signal"),
    [
        ({"exit_code": 0}, 0, None),
        ({"exit_code": 3}, 3, None),
        ({"exit_code": 255}, 255, None),
        ({"signal": 9}, None, 9),
    ],
)
def test_how_a_slice_ended_is_known_before_its_results_are_here(
    running: Job,
    courier: Courier,
    pool: FakePool,
    known: dict[str, int],
    exit_code: int | None,
    signal: int | None,
) -> None:
    pool.happens(running, EventKind.ENDED, slice=0, **known)
    courier.tick()
    Keeper().keep([ended(running, 0, **known)])
    first, second, _ = situation.slices(running)
    assert (first.exit_code, first.signal, first.end) == (exit_code, signal, 50.0)
    assert (second.exit_code, second.signal) == (None, None)
    token = Attempt.objects.get(job=running).token
    Keeper().keep([Event(EventKind.STARTED, token, 60.0, "run", 0, host="exec2")])
    again = situation.slices(running)[0]
    assert (again.host, again.exit_code, again.signal) == ("exec2", None, None)


def test_slices_that_a_rerun_keeps_still_say_where_they_ran(
    running: Job, courier: Courier, pool: FakePool
) -> None:
    token = Attempt.objects.get(job=running).token
    pool.happens(running, EventKind.STARTED, slice=2, host="exec1")
    for number, exit_code in ((0, 0), (1, 4), (2, 0)):
        pool.happens(running, EventKind.ENDED, slice=number, exit_code=exit_code)
        start = Event(EventKind.STARTED, token, 40.0, "run", number, host=f"exec{number}")
        Keeper().keep([start, ended(running, number, exit_code=exit_code)])
    pool.happens(running, EventKind.FINISHED, data={"ok": False})
    courier.tick()
    assert running.status == "Various-Complete"
    running.rerun_failed()
    courier.tick()
    found = situation.slices(running)
    assert [each.host for each in found] == ["exec0", "", "exec2"]
    assert [each.exit_code for each in found] == [0, None, 0]


def test_those_in_a_state_are_found_however_far_apart_they_are(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job(num_jobs=40)
    job.execute()
    courier.tick()
    token = Attempt.objects.get(job=job).token
    for number in (3, 5, 30):
        pool.happens(job, EventKind.STARTED, slice=number)
        Keeper().keep([Event(EventKind.STARTED, token, 40.0, "run", number, host=f"exec{number}")])
    courier.tick()
    found = situation.slices_in(job, SliceState.RUNNING, first=4)
    assert [(each.number, each.host) for each in found] == [(5, "exec5"), (30, "exec30")]
    assert found == situation.some_slices(job, [5, 30])
    assert situation.slices_in(job, SliceState.RUNNING, count=1)[0].number == 3
    assert situation.slices_in(job, SliceState.HELD) == []


def test_a_job_without_a_directory_is_no_trouble(running: Job, tmp_path: Path) -> None:
    token = "f" * 32
    Keeper().keep([Event(EventKind.STARTED, token, 1.0, "run", 0, host="exec1")])
    running.directory.rename(tmp_path / "away")
    Keeper().keep([ended(running, 0, exit_code=0)])
    assert [each.host for each in situation.slices(running)] == ["", "", ""]


def test_news_of_usage_change_no_row() -> None:
    told = Event(EventKind.USAGE, "a" * 32, 1.0, "run", 0, usage=Usage(memory_used=3))
    start = Event(EventKind.STARTED, "a" * 32, 1.0, "run", 0)
    assert without(Events((told, start), 7)) == Events((start,), 7)


@pytest.mark.parametrize(
    ("numbers", "text"), [([3], "3"), ([7, 8, 9, 3], "3, 7-9"), (range(0, 60, 2), "...")]
)
def test_slices_are_named_as_ranges(numbers: list[int], text: str) -> None:
    assert situation.ranges(numbers).endswith(text)


# --- held -------------------------------------------------------------------------------------------------


def test_every_hold_code_has_a_cure_of_its_own() -> None:
    known = holds.CURES.keys() | holds.LIMITS.keys()
    assert set(range(1, 49)) - {29, 30, 31} <= known
    general = holds.cure(99, 7, {})
    assert all(holds.cure(code, 7, {}) != general for code in known)


@pytest.mark.parametrize(
    ("reason", "code", "limit"),
    [
        ("memory usage exceeded request_memory (hold code 21.102)", 102, "memory"),
        ("disk usage exceeded allocated disk (hold code 21.104)", 104, "disk"),
        ("Job has gone over cgroup memory limit of 128 megabytes (hold code 34)", 34, "memory"),
        ("The job exceeded its allowed job duration (hold code 46)", 46, "wall_time"),
        ("Error from slot1: out of disk space (hold code 34.104)", 34, "disk"),
        ("via condor_hold", 0, ""),
    ],
)
def test_what_a_held_job_has_too_little_of_is_read_from_the_pools_words(
    reason: str, code: int, limit: str
) -> None:
    assert situation.hold_code(reason) == code
    assert holds.limit(code, reason) == limit


@pytest.mark.parametrize(
    ("used", "had", "more"), [(400, 128, 600), (100, 128, 192), (0, 128, 256), (0, 0, 2048)]
)
def test_more_is_half_as_much_again_as_was_used(used: int, had: int, more: int) -> None:
    assert holds.suggested("memory", {"memory": had}, used) == more


def test_a_held_job_is_told_as_much_more_as_what_it_used_takes(
    running: Job, courier: Courier, pool: FakePool
) -> None:
    token = Attempt.objects.get(job=running).token
    used = Event(EventKind.USAGE, token, 1.0, "run", 0, usage=Usage(memory_used=300))
    Keeper().keep([used])
    pool.happens(running, EventKind.HELD, slice=0, count=3, code=34, reason="too much (hold code 34)")
    courier.tick()
    assert running.status == "Held"
    assert f"jobs resume {running.pk} memory=450MB" in running.status_message
    assert f"jobs resume {running.pk} memory=450MB" in History.objects.filter(job=running).last().why


def test_what_the_held_slices_used_most_is_found(running: Job, courier: Courier, pool: FakePool) -> None:
    pool.happens(running, EventKind.HELD, slice=0, count=2, code=34, reason="too much (hold code 34)")
    courier.tick()
    token = Attempt.objects.get(job=running).token
    used = [
        Event(EventKind.USAGE, token, 1.0, "run", n, usage=Usage(memory_used=m))
        for n, m in ((0, 300), (1, 900))
    ]
    Keeper().keep(used)
    assert situation.most_used(running, "memory") == 900
