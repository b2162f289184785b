"""Job scripts as DAGs on a real HTCondor: a job's own DAG, one for a batch, and what may happen to them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs_app import conf, inspection
from jobs_app.errors import JobHeld
from jobs_app.lifecycle import live
from jobs_app.manager import JobManager
from jobs_app.models import Job, Scheduler, ScriptJob
from jobs_app.pools.base import Resources, Selection
from jobs_app.pools.condor import CondorPool
from jobs_app.pools.condor.opening import AccountAt, open_condor
from jobs_app.sdk.compute import create_scheduler
from tests.pool.pool import TestPool
from tests.unit.manager.conftest import NewApp, new_app

__all__ = ["new_app"]

pytestmark = [pytest.mark.pool, pytest.mark.django_db(transaction=True)]

SECONDS = 120.0

SUMMING = """
import time

from jobs_app.script import status

options = {"upto": 10, "early": False, "fails": -1, "seconds": 0.0, "uneven": False}

def prepare(options, job):
    with open("shared.txt", "w") as handle:
        handle.write("for all")
    if options.early:
        job.finish_early("nothing to do")
    print("prepared for", options.upto)
    return options.upto

def analysis(sliceno, slices, prepare_res, options):
    with status("slice %d sleeps" % sliceno):
        time.sleep(options.seconds * (3 if options.uneven and sliceno % 2 else 1))
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

PRYING = """
import os
from pathlib import Path

def synthesis():
    folder = Path(os.environ["_CONDOR_SCRATCH_DIR"])
    return [os.environ.get("_CONDOR_CHIRP_CONFIG"), *map(str, folder.rglob(".chirp*"))]
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
    manager: JobManager = new_app(
        scripts={"a_summing.py": SUMMING, "a_asking.py": ASKING, "a_prying.py": PRYING}
    ).get_job_manager()

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


def test_a_large_script_runs_as_a_dag_of_its_own(
    new_job: NewJob, condor_pool: TestPool, settings: Any
) -> None:
    """Three at once: one that runs through, one that prepare ends, and one of which a slice fails."""
    settings.ROOST_BATCH_DAG_SLICES = 0
    through, early, fails = new_job(4, upto=100), new_job(4, early=True), new_job(4, fails=2)
    for job in (through, early, fails):
        job.execute()
    for job in (through, early, fails):
        assert job.wait(timeout=SECONDS)
        assert job.attempts.get().form == "own-dag"
    check_what_its_parts_left(through)
    check_that_nothing_more_ran(early)
    check_that_its_siblings_went_on(fails)
    check_that_only_what_is_missing_runs_again(fails, condor_pool)


def check_what_its_parts_left(job: Job) -> None:
    assert (job.cached_status, job.status_message, job.slices_done) == ("Complete", "", 4)
    total = json.loads((job.directory / "total.json").read_text())
    assert total == {"total": 4950, "parts": [0, 1, 2, 3]}
    assert (job.directory / "OUTPUT" / "prepare").read_text() == "prepared for 100\n"
    assert (job.directory / "OUTPUT" / "2").read_text() == "slice 2\n"
    assert (job.directory / "part.3").read_text() == "3"
    manifest = json.loads((job.directory / ".roost" / "manifest.json").read_text())
    assert set(manifest["files"]) == {"result.pickle", "total.json"}


def check_that_nothing_more_ran(job: Job) -> None:
    assert (job.cached_status, job.status_message) == ("Complete", "")
    assert (job.directory / "post.json").exists()
    assert (job.directory / "shared.txt").read_text() == "for all"
    assert not (job.directory / "part.0").exists()


def check_that_its_siblings_went_on(job: Job) -> None:
    assert job.cached_status == "Error"
    assert "slice 2 is unlucky" in job.status_message
    assert (job.slices_done, job.slices_failed) == (3, 1)
    assert (job.directory / "OUTPUT" / "3").read_text() == "slice 3\n"


def check_that_only_what_is_missing_runs_again(job: Job, pool: TestPool) -> None:
    source = job.directory / ".roost" / "source" / "a_summing.py"
    source.write_text(source.read_text().replace("raise ValueError", "print"))
    job.rerun_failed()
    assert job.wait(timeout=SECONDS)
    assert (job.cached_status, job.status_message) == ("Complete", "")
    assert json.loads((job.directory / "total.json").read_text())["total"] == 45
    token = job.attempts.latest("number").token
    ran = pool.run("condor_history", "-constraint", f'RoostAttempt == "{token}"', "-af", "RoostStep")
    assert sorted(ran.split()) == ["analysis", "synthesis", "undefined"]


def test_middling_jobs_that_are_sent_together_share_a_dag_and_nothing_else(
    new_job: NewJob, condor_pool: TestPool
) -> None:
    good, fails, stopped, paused = (
        new_job(3),
        new_job(3, fails=0),
        new_job(3, seconds=60),
        new_job(3, seconds=8),
    )
    for job in (good, fails, stopped, paused):
        job.execute()
    wait_for(stopped, lambda: bool(stopped.slices_running))
    wait_for(paused, lambda: bool(paused.slices_running))
    stopped.stop()
    paused.pause()
    with pytest.raises(JobHeld):
        paused.wait(timeout=SECONDS)
    assert paused.cached_status == "Paused"
    assert in_queue(paused, condor_pool, "JobStatus != 5") == []
    for job in (good, fails, stopped):
        assert job.wait(timeout=SECONDS)
    assert in_queue(stopped, condor_pool) == []
    paused.resume()
    assert paused.wait(timeout=SECONDS)
    ended = [job.cached_status for job in (good, fails, stopped, paused)]
    assert ended == ["Complete", "Error", "Aborted", "Complete"]
    attempts = [job.attempts.get() for job in (good, fails, stopped, paused)]
    assert {attempt.form for attempt in attempts} == {"batch-dag"}
    assert len({attempt.batch_id for attempt in attempts}) == 1


def in_queue(job: Job, pool: TestPool, more: str = "true") -> list[str]:
    """The steps of its procs; a DAGMan is "undefined"."""
    constraint = f'RoostAttempt == "{job.attempts.get().token}" && {more}'
    return sorted(pool.run("condor_q", "-constraint", constraint, "-af", "RoostStep").split())


def wait_for(job: Job, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{job.cached_status}: {job.status_message}"
        assert not job.wait(timeout=0.5)
        job.refresh_from_db()


def test_a_part_that_builds_jobs_holds_no_slot_while_it_waits_and_reads_what_they_left(
    new_job: NewJob, settings: Any
) -> None:
    """As a DAG, because it has more than one slice a core; and in one proc."""
    settings.ROOST_SLICES = 1
    settings.ROOST_ONE_PROC_SLICES = 1
    source = new_job(1, upto=3)
    source.execute()
    assert source.wait(timeout=SECONDS)
    jobs = [new_job(slices, method="asking", jobs={"source": source.jobid}) for slices in (2, 1)]
    for job in jobs:
        job.execute()
    for job in jobs:
        assert job.wait(timeout=SECONDS)
        assert (job.cached_status, job.status_message) == ("Complete", "")
        assert isinstance(job, ScriptJob)
        assert job.load() == (6 + 10) + 15 + 3
        assert not job.history.filter(after__in=("HLD", "PAS")).exists()
    assert [job.attempts.get().form for job in jobs] == ["own-dag", "one-proc"]


@pytest.fixture
def pool(condor_pool: TestPool) -> Iterator[CondorPool]:
    account = AccountAt(
        condor_pool.host, condor_pool.user, condor_pool.port, str(condor_pool.key), condor_pool.host_key
    )
    opened = open_condor(account, "roost", conf.submit_folders())
    yield opened
    opened.close()


def test_a_dag_whose_record_was_lost_is_found_by_what_it_has_in_the_queue(
    new_job: NewJob, condor_pool: TestPool, pool: CondorPool
) -> None:
    """And a slice of it that is removed takes none of its siblings along."""
    job = new_job(3, seconds=6)
    job.execute()
    wait_for(job, lambda: bool(job.slices_running))
    attempt = job.attempts.get()
    assert attempt.batch is not None
    condor_pool.run("rm", f"/home/roost/roost/sent/{attempt.batch.token}/0.0.done")
    found = pool.look(attempt.batch.token)
    assert found is not None
    assert (found.remote_id, found.forms) == (attempt.batch.remote_id, {attempt.token: "own-dag"})
    assert not pool.query([attempt.token])[attempt.token].finished

    pool.remove(Selection(attempt.token, "analysis", (1,)), "not needed")
    assert job.wait(timeout=SECONDS)
    assert (job.cached_status, job.slices_done) == ("Aborted", 2)
    assert (job.directory / "part.2").exists()
    assert not (job.directory / "part.1").exists()


def test_new_limits_reach_also_what_a_dag_has_not_submitted_yet(
    new_job: NewJob, condor_pool: TestPool, pool: CondorPool
) -> None:
    job = new_job(2, seconds=6)
    job.execute()
    wait_for(job, lambda: bool(job.slices_running))
    token = job.attempts.get().token
    pool.change(Selection(token), Resources(memory_mb=300, wall_seconds=700))
    pool.change(Selection(token), Resources(memory_mb=333))
    assert job.wait(timeout=SECONDS)
    assert (job.cached_status, job.status_message) == ("Complete", "")
    last = f'RoostAttempt == "{token}" && RoostStep == "synthesis"'
    limits = condor_pool.run(
        "condor_history", "-constraint", last, "-af", "RequestMemory", "AllowedJobDuration"
    )
    assert limits.split() == ["333", "700"]


def test_a_script_in_one_proc_tells_how_far_it_is_and_what_it_says(new_job: NewJob, settings: Any) -> None:
    settings.ROOST_ONE_PROC_SLICES = 8
    job = new_job(4, seconds=4)
    job.execute()
    said: set[tuple[str, str]] = set()

    def half_way() -> bool:
        live.look(job)
        said.update(inspection.saying(job))
        return job.slices_done == 2

    wait_for(job, half_way)
    assert not job.is_final
    assert said & {(str(number), f"slice {number} sleeps") for number in range(4)}
    assert job.wait(timeout=SECONDS)
    assert (job.cached_status, job.slices_done) == ("Complete", 4)


def test_a_script_has_no_way_to_the_account_s_files_nor_to_what_its_own_job_is(
    new_job: NewJob, settings: Any
) -> None:
    """Chirp would be one, wherever the access point's administrator has not closed it."""
    settings.ROOST_ONE_PROC_SLICES = 8
    job = new_job(1, method="prying")
    job.execute()
    assert job.wait(timeout=SECONDS)
    assert job.cached_status == "Complete", job.status_message
    assert job.load() == [None]  # type: ignore[attr-defined]


def test_what_htcondor_would_refuse_of_a_dag_s_nodes_is_refused_before_anything_begins(
    new_job: NewJob, condor_pool: TestPool
) -> None:
    job = new_job(3)
    job.parameters["attributes"] = {"requirements": "((("}
    job.save()
    job.execute()
    assert job.wait(timeout=SECONDS)
    assert job.cached_status == "Error"
    assert "requirements" in job.status_message.lower()
    assert in_queue(job, condor_pool) == []


def test_slices_of_a_host_that_dies_and_a_dagman_that_dies_go_on_and_finished_ones_do_not(
    new_job: NewJob, condor_pool: TestPool
) -> None:
    job = new_job(8, seconds=4, uneven=True)
    job.execute()
    wait_for(job, lambda: job.slices_done > 0)
    done, constraint = (
        job.slices_done,
        f'RoostAttempt == "{job.attempts.get().token}" && RoostStep == "analysis"',
    )
    running = f"{constraint} && JobStatus == 2"
    where = condor_pool.run("condor_q", "-constraint", running, "-af", "RemoteHost").split()
    host = where[0].partition("@")[2].partition(".")[0]
    condor_pool.run("sh", "-c", "kill -9 $(pgrep condor_dagman || pgrep -f condor_scheduniv)", user="root")
    condor_pool.kill(host)
    try:
        assert job.wait(timeout=2 * SECONDS)
    finally:
        condor_pool.start(host)
        condor_pool.wait_ready()
    assert (job.cached_status, job.slices_done) == ("Complete", 8)
    again = f"{constraint} && NumJobStarts > 1"
    tried = condor_pool.run("condor_history", "-constraint", again, "-af", "RoostSlice").split()
    assert 0 < len(tried) <= 8 - done
    assert len(condor_pool.run("condor_history", "-constraint", constraint, "-af", "RoostSlice").split()) == 8
