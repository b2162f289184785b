"""Job scripts as DAGs on a real HTCondor: a job's own DAG, one for a batch, and what may happen to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs_app.manager import JobManager
from jobs_app.models import Job, Scheduler
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
    manager: JobManager = new_app(scripts={"a_summing.py": SUMMING}).get_job_manager()

    def new(slices: int = 4, **options: Any) -> Job:
        job = manager.create_job(
            "sum", alice, job_type="SCRIPT", method="summing", slices=slices, options=options, scheduler=real
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
