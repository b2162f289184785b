"""Jobs from create_job to their results, on a real HTCondor over SSH."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs_app import situation
from jobs_app.courier import lend_a_hand
from jobs_app.errors import JobHeld
from jobs_app.manager import JobManager
from jobs_app.models import CondorJob, Job, Scheduler, ScriptJob
from jobs_app.sdk.compute import create_scheduler
from tests.pool.gate import Gate
from tests.pool.pool import TestPool
from tests.pool.waiting import wait_until
from tests.unit.manager.conftest import NewApp, new_app

__all__ = ["new_app"]

pytestmark = [pytest.mark.pool, pytest.mark.django_db(transaction=True)]

SECONDS = 90.0

SUMMING = '''
"""Adds numbers."""

options = {"upto": 10}

def prepare(options):
    print("prepared for", options.upto)
    return options.upto

def analysis(sliceno, slices, prepare_res):
    return sum(range(sliceno, prepare_res, slices))

def synthesis(analysis_res, job):
    total = sum(analysis_res)
    job.json_save({"total": total}, "total.json")
    return total
'''

FAILING = """
def analysis(sliceno):
    if sliceno == 1:
        raise ValueError("slice one is unlucky")
"""


@pytest.fixture
def real(condor_pool: TestPool, db: None) -> Scheduler:
    scheduler = create_scheduler(
        "real",
        host=condor_pool.host,
        username=condor_pool.user,
        private_key_path=str(condor_pool.key),
        host_key=condor_pool.host_key,
    )
    scheduler.save()
    return scheduler


@pytest.fixture
def manager(new_app: NewApp) -> JobManager:
    return new_app(scripts={"a_summing.py": SUMMING, "a_failing.py": FAILING}).get_job_manager()


NewJob = Callable[..., Job]


@pytest.fixture
def new_job(manager: JobManager, real: Scheduler, alice: User, tmp_path: Path) -> NewJob:
    def new(program: str, **parameters: Any) -> CondorJob:
        path = tmp_path / f"program-{Job.objects.count()}"
        path.write_text(f"#!/bin/sh\n{program}\n")
        path.chmod(0o755)
        job = manager.create_job(
            "work", alice, job_type="CONDORJOB", executable=str(path), scheduler=real, **parameters
        )
        job.save()
        assert isinstance(job, CondorJob)
        return job

    return new


def test_an_executable_runs_there_and_its_results_are_here(new_job: NewJob) -> None:
    job = new_job('echo "slice $ROOST_SLICE"; echo "$1" > "result.$ROOST_SLICE"', num_jobs=3, arguments="a b")
    job.execute()
    assert job.wait(timeout=SECONDS)
    assert job.cached_status == "Complete"
    assert job.slices_done == 3
    assert (job.directory / "result.2").read_text() == "a\n"
    assert (job.directory / "OUTPUT" / "1").read_text() == "slice 1\n"


def test_some_slices_fail_and_the_job_says_which(new_job: NewJob) -> None:
    job = new_job('[ "$ROOST_SLICE" != 1 ] || exit 3', num_jobs=3)
    job.execute()
    assert job.wait(timeout=SECONDS)
    assert job.cached_status == "Various-Complete"
    assert job.status_message == "Slice 1 failed: it ended with exit code 3."


def test_a_job_script_runs_there_as_it_does_here(manager: JobManager, real: Scheduler, alice: User) -> None:
    job = manager.create_job(
        "sum", alice, job_type="SCRIPT", method="summing", slices=4, options={"upto": 100}, scheduler=real
    )
    job.save()
    job.execute()
    assert job.wait(timeout=SECONDS)
    assert (job.cached_status, job.status_message) == ("Complete", "")
    assert isinstance(job, ScriptJob)
    assert json.loads((job.directory / "total.json").read_text()) == {"total": 4950}
    assert (job.directory / "OUTPUT" / "prepare").read_text() == "prepared for 100\n"
    assert (job.directory / "post.json").exists()


def test_a_job_script_that_fails_there_shows_its_error(
    manager: JobManager, real: Scheduler, alice: User
) -> None:
    job = manager.create_job("fails", alice, job_type="SCRIPT", method="failing", slices=3, scheduler=real)
    job.save()
    job.execute()
    assert job.wait(timeout=SECONDS)
    assert job.cached_status == "Error"
    assert "slice one is unlucky" in job.status_message


def test_many_jobs_go_in_one_call(new_job: NewJob, condor_pool: TestPool) -> None:
    jobs = [new_job(f"echo {number} > number") for number in range(12)]
    for job in jobs:
        job.execute()
    for number, job in enumerate(jobs):
        assert job.wait(timeout=SECONDS)
        assert (job.directory / "number").read_text() == f"{number}\n"
    assert len({job.attempts.get().batch.remote_id for job in jobs}) == 1


def in_queue(job: Job, pool: TestPool) -> list[str]:
    """The states of its procs, as HTCondor numbers them."""
    constraint = f'RoostAttempt == "{job.attempts.get().token}"'
    return pool.run("condor_q", "-constraint", constraint, "-af", "JobStatus").split()


def run_until(job: Job, running: int) -> None:
    """As one who waits for it, until so many of its slices run."""
    deadline = time.monotonic() + SECONDS
    while job.slices_running < running:
        assert time.monotonic() < deadline, (job.cached_status, job.status_message)
        assert not job.wait(timeout=0.3)
        job.refresh_from_db()


def test_a_stopped_job_is_removed_there(new_job: NewJob, condor_pool: TestPool) -> None:
    job = new_job("sleep 600", num_jobs=2)
    job.execute()
    run_until(job, 2)
    assert in_queue(job, condor_pool) == ["2", "2"]
    job.stop()
    assert job.wait(timeout=SECONDS)
    assert job.cached_status == "Aborted"
    assert in_queue(job, condor_pool) == []


def test_a_paused_job_is_held_there_and_goes_on_when_it_is_resumed(
    new_job: NewJob, condor_pool: TestPool
) -> None:
    gate = Gate(condor_pool)
    job = new_job(f"{gate.wait}; echo over > result")
    job.execute()
    run_until(job, 1)
    job.pause()
    with pytest.raises(JobHeld):
        job.wait(timeout=SECONDS)
    assert in_queue(job, condor_pool) == ["5"]
    gate.open()
    job.resume()
    assert job.wait(timeout=SECONDS)
    assert job.cached_status == "Complete"
    assert (job.directory / "result").read_text() == "over\n"


def test_what_ended_while_nobody_looked_is_known_afterwards(new_job: NewJob, condor_pool: TestPool) -> None:
    job = new_job('[ "$ROOST_SLICE" != 1 ] || exit 3; echo x > "result.$ROOST_SLICE"', num_jobs=3)
    job.execute()
    with lend_a_hand(job.attempts.get().scheduler_id or 0) as round_:
        assert round_ is not None
        wait_until(lambda: round_(0.1) or job.attempts.get().sent, SECONDS, "the job to be sent")
    wait_until(lambda: not in_queue(job, condor_pool), SECONDS, "its end on the pool", every=0.5)
    over = time.time()
    assert not job.is_final
    assert job.wait(timeout=SECONDS)
    assert [slice_.exit_code for slice_ in situation.slices(job)] == [0, 3, 0]
    assert all(slice_.start and slice_.start <= (slice_.end or 0) <= over for slice_ in situation.slices(job))
    assert sorted(path.name for path in job.directory.glob("result.*")) == ["result.0", "result.2"]


def test_what_htcondor_refuses_is_an_error_in_its_words_and_the_others_run(new_job: NewJob) -> None:
    bad, good = new_job("true", attributes={"requirements": "((("}), new_job("true")
    for job in (bad, good):
        job.execute()
    assert good.wait(timeout=SECONDS)
    assert bad.wait(timeout=SECONDS)
    assert (bad.cached_status, good.cached_status) == ("Error", "Complete")
    assert "requirements" in bad.status_message.lower()


def test_one_login_serves_all_that_is_done(new_job: NewJob, condor_pool: TestPool) -> None:
    new_job("true").execute()
    before = condor_pool.logins()
    for _ in range(3):
        job = new_job("echo x > y")
        job.execute()
        assert job.wait(timeout=SECONDS)
    assert condor_pool.logins() <= before + 1
