"""Jobs on a real pool: held, idle, steered while it is out of reach, changed behind our back."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs_app import situation
from jobs_app.courier import Courier, lend_a_hand
from jobs_app.errors import JobHeld
from jobs_app.lifecycle import idle
from jobs_app.models import Attempt, AttemptPhase, Job, Scheduler
from jobs_app.pools.condor.acting import Acting
from jobs_app.states import SliceState
from tests.pool.pool import TestPool

from .test_condor_courier import NewJob, manager, new_app, new_job, real

__all__ = ["manager", "new_app", "new_job", "real"]

pytestmark = [pytest.mark.pool, pytest.mark.django_db(transaction=True)]

SECONDS = 90.0
GREEDY = "import time; block = b'x' * (300 << 20); time.sleep(600)"


def until(job: Job, condition: Callable[[], bool], seconds: float = SECONDS) -> None:
    """As one who waits for it, until something else is so."""
    deadline = time.monotonic() + seconds
    with lend_a_hand(job.attempts.get().scheduler_id or 0) as round_:
        assert round_ is not None
        while not condition():
            assert time.monotonic() < deadline, (job.status, job.status_message)
            round_(0.2)


def becomes(job: Job, status: str) -> None:
    until(job, lambda: job.status == status)


def fresh(job: Job) -> Job:
    job.refresh_status()
    return job


def constraint(job: Job) -> str:
    return f'RoostAttempt == "{job.attempts.latest("number").token}"'


def kinds(job: Job) -> dict[str, str]:
    return {badge.kind: badge.text for badge in situation.badges(job)}


def test_a_job_that_took_too_much_memory_says_what_helps_and_goes_on_with_it(new_job: NewJob) -> None:
    once = f'grep -q "^RequestMemory = 600" .job.ad || exec python3 -c "{GREEDY}"; echo done > result'
    job = new_job(once, memory=64)
    job.execute()
    with pytest.raises(JobHeld):
        job.wait(timeout=SECONDS)
    assert "memory" in job.status_message
    # Twice what it asked for, or more if HTCondor had measured by then what it took.
    advised = re.search(rf"jobs resume {job.pk} memory=(\d+)MB", job.status_message)
    assert advised is not None
    assert int(advised[1]) >= 128
    reason = job.attempts.get().reason
    assert situation.hold_code(reason) in (34, 102)
    assert situation.most_used(job, "memory") > 128
    job.resume(memory="600 MB")
    assert job.wait(timeout=SECONDS)
    assert job.cached_status == "Complete"
    (slice_,) = situation.slices(job)
    assert slice_.memory == 600
    assert slice_.host.startswith("exec")


def test_each_slice_tells_where_and_when_it_ran_and_what_it_used(new_job: NewJob) -> None:
    job = new_job('[ "$ROOST_SLICE" != 1 ] || exit 3', num_jobs=3, memory=70)
    began = time.time()
    job.execute()
    assert job.wait(timeout=SECONDS)
    found = situation.slices(job)
    assert [each.state for each in found] == [SliceState.DONE, SliceState.FAILED, SliceState.DONE]
    assert [each.exit_code for each in found] == [0, 3, 0]
    for each in found:
        assert each.host.startswith("exec")
        assert each.memory == 70
        assert each.cpus == 1
        assert each.disk
        assert began - 2 < (each.start or 0) <= (each.end or 0) < time.time() + 2


@pytest.mark.parametrize(
    ("program", "parameters", "status"),
    [
        ("exit 1", {}, "Error"),
        ("kill -9 $$", {}, "Error"),
        ('grep -q "^NumJobCompletions = 1" .job.ad', {"retries": 2}, "Complete"),
        ("exit 4", {"retries": 1}, "Error"),
    ],
)
def test_exit_code_and_signal_of_the_last_try_decide(
    new_job: NewJob, program: str, parameters: dict[str, Any], status: str
) -> None:
    job = new_job(program, **parameters)
    job.execute()
    assert job.wait(timeout=SECONDS)
    assert job.cached_status == status


def test_a_job_may_ask_to_be_held_for_an_exit_code(new_job: NewJob) -> None:
    rule = {"on_exit_hold": "ExitCode == 3", "on_exit_hold_reason": '"it wants to be looked at"'}
    job = new_job("exit 3", attributes=rule)
    job.execute()
    with pytest.raises(JobHeld, match="it wants to be looked at"):
        job.wait(timeout=SECONDS)
    job.stop()
    assert job.wait(timeout=SECONDS)
    assert job.cached_status == "Aborted"


def test_many_jobs_are_paused_resumed_and_stopped_with_one_command_each(
    new_job: NewJob, real: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int]] = []
    on_all = Acting.on_all

    def spied(acting: Acting, verb: str, attempts: Sequence[str], reason: str) -> list[str]:
        done = on_all(acting, verb, attempts, reason)
        told.append((verb, len(done)))
        return done

    monkeypatch.setattr(Acting, "on_all", spied)
    never = {"requirements": "False"}
    jobs = [new_job("true", attributes=never) for _ in range(5)]
    jobs.append(new_job("true", num_jobs=9, attributes={**never, "max_idle": 2}))  # a factory
    for job in jobs:
        job.execute()
    until(jobs[0], lambda: all(job.attempts.get().phase == AttemptPhase.SENT for job in jobs))
    steps: list[tuple[Callable[[Job], None], str]] = [
        (Job.pause, "Paused"),
        (Job.resume, "Submitted"),
        (Job.stop, "Aborted"),
    ]
    for verb, status in steps:
        for job in jobs:
            verb(job)
        until(jobs[0], lambda: not Attempt.objects.exclude(wish="").exists())
        for job in jobs:
            becomes(job, status)
    assert told == [("hold", 5), ("release", 5), ("remove", 5)]


def test_why_a_job_waits_is_said_in_plain_words_and_with_less_it_goes_on(
    new_job: NewJob, real: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {
        new_job("true", memory="64 GB"): "No machine has 64 GB of memory; the largest has 2 GB.",
        new_job("true", cpus=9): "No machine has 9 cores; the largest has 4.",
        new_job("true", attributes={"requirements": 'OpSys == "WINDOWS"'}): (
            'No slot matches OpSys == "WINDOWS".'
        ),
    }
    for job in wanted:
        job.execute()
    monkeypatch.setattr(idle, "SOON", idle.SOON * 0)
    courier = Courier(real)
    assert courier.take()
    try:
        deadline = time.monotonic() + SECONDS
        said: dict[Job, str] = {}
        while said != wanted:
            assert time.monotonic() < deadline, said
            courier.tick(0.5)
            idle.explain(courier.link)
            said = {job: kinds(job).get(situation.IDLE, "") for job in wanted}
    finally:
        courier.close()
    large, wide, other = wanted
    other.stop()
    for job in (large, wide):
        name, most = idle.fitting(wanted[job]) or ("", 0)
        job.change_limits(**{name: most})
        assert job.wait(timeout=SECONDS)
        assert (job.cached_status, kinds(job)) == ("Complete", {})


def test_a_job_waits_for_busy_machines_and_says_how_many_are_ahead(
    new_job: NewJob, real: Scheduler, condor_pool: TestPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = new_job("sleep 600", num_jobs=8)
    first.execute()
    until(first, lambda: fresh(first).slices_running == 8)
    left = ("condor_status", "-constraint", "PartitionableSlot", "-af", "Cpus")
    until(first, lambda: condor_pool.run(*left).split() == ["0", "0"])
    second = new_job("true", num_jobs=2)
    second.execute()
    monkeypatch.setattr(idle, "SOON", idle.SOON * 0)
    until(second, lambda: second.attempts.get().sent is not None)
    courier = Courier(real)
    assert courier.take()
    try:
        idle.explain(courier.link)
    finally:
        courier.close()
    assert "busy" in kinds(second)[situation.IDLE]
    for job in (first, second):
        job.stop()
        assert job.wait(timeout=SECONDS)


def test_what_is_asked_of_a_pool_out_of_reach_is_remembered_and_said(
    new_job: NewJob, real: Scheduler, condor_pool: TestPool
) -> None:
    real.options = {"seconds": {"probe": 1, "answer": 2, "connect": 2}}
    real.save()
    job = new_job("sleep 600")
    job.execute()
    becomes(job, "Running")
    condor_pool.cut("ap")
    try:
        job.stop()
        until(job, lambda: bool(Scheduler.objects.get(pk=real.pk).failures))
        said = kinds(job)[situation.ASKED]
        assert said.startswith("Will be stopped when real answers again; last heard of it ")
        assert job.status == "Running"
    finally:
        condor_pool.restore("ap")
    becomes(job, "Aborted")
    assert kinds(job) == {}


def test_an_administrators_hold_release_and_removal_are_shown(new_job: NewJob, condor_pool: TestPool) -> None:
    job = new_job("sleep 600", num_jobs=2)
    job.execute()
    becomes(job, "Running")
    condor_pool.run("condor_hold", "-reason", "the admin wants a word", "-constraint", constraint(job))
    becomes(job, "Held")
    assert "the admin wants a word" in job.status_message
    assert "Somebody held it by hand" in job.status_message
    condor_pool.run("condor_release", "-constraint", constraint(job))
    becomes(job, "Running")
    condor_pool.run("condor_rm", "-reason", "no room for it", "-constraint", constraint(job))
    assert job.wait(timeout=SECONDS)
    assert job.cached_status == "Aborted"
    assert "no room for it" in job.status_message


def test_chosen_slices_are_stopped_and_run_again(new_job: NewJob, alice: User) -> None:
    job = new_job(
        'echo "$ROOST_SLICE" > "made.$ROOST_SLICE"; [ "$ROOST_SLICE" != 2 ] || sleep 600', num_jobs=4
    )
    job.execute()
    until(job, lambda: fresh(job).slices_done == 3)
    job.stop(slices=[2])
    assert job.wait(timeout=SECONDS)
    assert [each.state.word for each in situation.slices(job)] == ["Done", "Done", "Removed", "Done"]
    job.resubmit(user=alice, slices=[0, 1])
    assert job.wait(timeout=SECONDS)
    assert [each.state.word for each in situation.slices(job)] == ["Done", "Done", "Removed", "Done"]
    assert Attempt.objects.get(job=job, number=2).sent is not None
    started = [each.start or 0 for each in situation.slices(job)]
    assert max(started[2:]) < min(started[:2])
