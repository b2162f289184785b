"""Many jobs handed over at once stand as if each had been executed by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs_app.errors import NotAllowed, QuotaExceeded, WrongState
from jobs_app.lifecycle import execute, execute_jobs
from jobs_app.models import Attempt, AttemptPhase, History, Job, RetentionRule, SliceBlock

NewJob = Callable[..., Job]

OWN = {"id", "address", "statepoint", "name", "creation_time", "execute_time", "workspace"}
OF_ATTEMPT = {"id", "job_id", "token", "created"}


def row(job: Job) -> dict[str, Any]:
    found = Job.objects.filter(pk=job.pk).values().get()
    return {name: value for name, value in found.items() if name not in OWN}


def attempt(job: Job) -> dict[str, Any]:
    found = Attempt.objects.filter(job=job).values().get()
    return {name: value for name, value in found.items() if name not in OF_ATTEMPT}


def history(job: Job) -> list[tuple[Any, ...]]:
    lines = History.objects.filter(job=job)
    return list(lines.values_list("attempt", "user", "actor", "before", "after", "why"))


def blocks(job: Job) -> list[tuple[Any, ...]]:
    rows = SliceBlock.objects.filter(attempt__job=job)
    return [
        (step, first, bytes(states)) for step, first, states in rows.values_list("step", "first", "states")
    ]


def test_they_stand_as_if_each_had_been_executed_alone(new_job: NewJob, alice: User) -> None:
    single = new_job("single", num_jobs=3)
    execute(single, alice)
    several = [new_job(f"job {number}", num_jobs=3) for number in range(5)]
    execute_jobs(several, alice)
    for job in several:
        assert (row(job), attempt(job), history(job), blocks(job)) == (
            row(single),
            attempt(single),
            history(single),
            blocks(single),
        )
        assert job.directory.is_dir()
        assert job.cached_status == "Submitted"


def test_each_has_a_token_and_a_directory_of_its_own(new_job: NewJob) -> None:
    jobs = [new_job(f"job {number}") for number in range(5)]
    execute_jobs(jobs)
    assert len(set(Attempt.objects.values_list("token", flat=True))) == 5
    assert len({job.directory for job in jobs}) == 5


def test_all_or_none(new_job: NewJob) -> None:
    first, taken, last = (new_job(name) for name in ("first", "taken", "last"))
    execute(Job.objects.get(pk=taken.pk))
    with pytest.raises(WrongState, match="taken"):
        execute_jobs([first, taken, last])
    assert {first.status, last.status} == {"Pending"}
    assert Attempt.objects.count() == 1


def test_one_that_waits_for_others_is_blocked(new_job: NewJob) -> None:
    before = new_job("before")
    after = new_job("after", after=[before])
    execute_jobs([before, after])
    assert Attempt.objects.get(job=after).phase == AttemptPhase.BLOCKED
    assert Attempt.objects.get(job=before).phase == AttemptPhase.WAITING
    assert after.status_message == "Waits for other jobs."


def test_a_stranger_may_not(new_job: NewJob, charlie: User) -> None:
    job = new_job()
    with pytest.raises(NotAllowed):
        execute_jobs([job], charlie)
    assert job.status == "Pending"


def test_limits_hold_within_them_too(new_job: NewJob) -> None:
    RetentionRule.objects.create(max_active=2)
    jobs = [new_job(f"job {number}") for number in range(3)]
    with pytest.raises(QuotaExceeded):
        execute_jobs(jobs)
    assert [job.status for job in jobs] == ["Submitted", "Submitted", "Pending"]
