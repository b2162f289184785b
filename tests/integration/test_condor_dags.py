"""Job scripts as DAGs on a real HTCondor: a job's own DAG, one for a batch, and what may happen to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs_app.manager import JobManager
from jobs_app.models import Job, Scheduler, ScriptJob
from jobs_app.sdk.compute import create_scheduler
from tests.pool.pool import TestPool
from tests.unit.manager.conftest import NewApp, new_app

__all__ = ["new_app"]

pytestmark = [pytest.mark.pool, pytest.mark.django_db(transaction=True)]

SECONDS = 120.0

SUMMING = """
options = {"upto": 10, "early": False, "fails": -1}

def prepare(options, job):
    with open("shared.txt", "w") as handle:
        handle.write("for all")
    if options.early:
        job.finish_early("nothing to do")
    print("prepared for", options.upto)
    return options.upto

def analysis(sliceno, slices, prepare_res, options):
    assert open("shared.txt").read() == "for all"
    if sliceno == options.fails:
        raise ValueError("slice %d is unlucky" % sliceno)
    print("slice", sliceno)
    with open("part.%d" % sliceno, "w") as handle:
        handle.write(str(sliceno))
    return sum(range(sliceno, prepare_res, slices))

def synthesis(analysis_res, slices, job):
    parts = [int(open("part.%d" % number).read()) for number in range(slices)]
    total = sum(analysis_res)
    job.json_save({"total": total, "parts": parts}, "total.json")
    return total
"""

ASKING = """
from jobs_app.script.subjobs import build

jobs = ("source",)

def prepare(job):
    with open("times", "w") as handle:
        handle.write("prepared")
    first, second = build("summing", upto=4), build("summing", upto=5)
    return first.load() + second.load()

def analysis(sliceno, prepare_res):
    return prepare_res

def synthesis(analysis_res, prepare_res, jobs):
    third = build("summing", upto=6).load()
    return prepare_res + third + jobs.source.load()
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


NewJob = Callable[..., Job]


@pytest.fixture
def new_job(new_app: NewApp, real: Scheduler, alice: User, settings: Any) -> NewJob:
    """A script job that is too large for one slot."""
    settings.ROOST_ONE_PROC_SLICES = 0
    manager: JobManager = new_app(scripts={"a_summing.py": SUMMING, "a_asking.py": ASKING}).get_job_manager()

    def new(slices: int = 4, method: str = "summing", jobs: Any = None, **options: Any) -> Job:
        job = manager.create_job(
            "sum",
            alice,
            job_type="SCRIPT",
            method=method,
            slices=slices,
            options=options,
            scheduler=real,
            **({"jobs": jobs} if jobs else {}),
        )
        job.save()
        return job

    return new


def test_a_large_script_runs_as_a_dag_and_all_that_its_parts_left_is_here(new_job: NewJob) -> None:
    job = new_job(4, upto=100)
    job.execute()
    assert job.wait(timeout=SECONDS)
    assert (job.cached_status, job.status_message) == ("Complete", "")
    assert job.slices_done == 4
    total = json.loads((job.directory / "total.json").read_text())
    assert total == {"total": 4950, "parts": [0, 1, 2, 3]}
    assert (job.directory / "OUTPUT" / "prepare").read_text() == "prepared for 100\n"
    assert (job.directory / "OUTPUT" / "2").read_text() == "slice 2\n"
    assert (job.directory / "part.3").read_text() == "3"
    manifest = json.loads((job.directory / ".roost" / "manifest.json").read_text())
    assert set(manifest["files"]) == {"result.pickle", "total.json"}


def test_a_script_that_finishes_early_runs_nothing_more(new_job: NewJob) -> None:
    job = new_job(4, early=True)
    job.execute()
    assert job.wait(timeout=SECONDS)
    assert (job.cached_status, job.status_message) == ("Complete", "")
    assert (job.directory / "post.json").exists()
    assert (job.directory / "shared.txt").read_text() == "for all"
    assert not (job.directory / "part.0").exists()


def test_a_slice_that_fails_leaves_its_siblings_alone_and_only_it_runs_again(
    new_job: NewJob, condor_pool: TestPool
) -> None:
    job = new_job(4, fails=2)
    job.execute()
    assert job.wait(timeout=SECONDS)
    assert job.cached_status == "Error"
    assert "slice 2 is unlucky" in job.status_message
    assert (job.slices_done, job.slices_failed) == (3, 1)
    assert (job.directory / "OUTPUT" / "3").read_text() == "slice 3\n"

    source = job.directory / ".roost" / "source" / "a_summing.py"
    source.write_text(source.read_text().replace("raise ValueError", "print"))
    job.rerun_failed()
    job.refresh_from_db()
    assert job.wait(timeout=SECONDS)
    assert (job.cached_status, job.status_message) == ("Complete", "")
    assert json.loads((job.directory / "total.json").read_text())["total"] == 45
    ran = condor_pool.run(
        "condor_history", "-constraint", f'RoostAttempt == "{job.attempts.last().token}"', "-af", "RoostStep"
    )
    assert sorted(ran.split()) == ["analysis", "synthesis", "undefined"]


def test_middling_jobs_that_are_sent_together_share_a_dag(new_job: NewJob) -> None:
    good, bad, other = new_job(3), new_job(3, fails=0), new_job(3, upto=7)
    for job in (good, bad, other):
        job.execute()
    for job in (good, bad, other):
        assert job.wait(timeout=SECONDS)
    assert [job.cached_status for job in (good, bad, other)] == ["Complete", "Error", "Complete"]
    assert json.loads((other.directory / "total.json").read_text())["total"] == 21
    attempts = [job.attempts.get() for job in (good, bad, other)]
    assert {attempt.form for attempt in attempts} == {"batch-dag"}
    assert len({attempt.batch.remote_id for attempt in attempts}) == 1


@pytest.mark.parametrize("in_a_row", [1, 8], ids=["own-dag", "one-proc"])
def test_a_part_that_builds_jobs_holds_no_slot_while_it_waits_and_reads_what_they_left(
    new_job: NewJob, settings: Any, in_a_row: int
) -> None:
    settings.ROOST_SLICES = 1
    settings.ROOST_ONE_PROC_SLICES = in_a_row
    source = new_job(1, upto=3)
    source.execute()
    assert source.wait(timeout=SECONDS)
    job = new_job(2, method="asking", jobs={"source": source.jobid})
    job.execute()
    assert job.wait(timeout=2 * SECONDS)
    assert (job.cached_status, job.status_message) == ("Complete", "")
    assert isinstance(job, ScriptJob)
    assert job.load() == (6 + 10) + 15 + 3
    assert job.attempts.get().form == ("one-proc" if in_a_row > 1 else "own-dag")
    held = [change for change in job.history.all() if change.after in ("HLD", "PAS")]
    assert held == []
