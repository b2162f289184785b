"""What others do on a real pool, and what changes under a job's feet: nothing is lost, nothing runs twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from jobs_app import courier, situation
from jobs_app.errors import RoostError
from jobs_app.models import Attempt, Job, RemoteCopy, Scheduler
from tests.pool.pool import TestPool
from tests.unit.commands.conftest import manage
from tests.unit.manager.conftest import NewApp

from .test_condor_courier import NewJob, manager, new_app, new_job, real
from .test_condor_steering import becomes, constraint, fresh, until

__all__ = ["manager", "new_app", "new_job", "real"]

pytestmark = [pytest.mark.pool, pytest.mark.django_db(transaction=True)]

SECONDS = 120.0

WAITING = """
import time

options = {"seconds": 600.0}

def analysis(sliceno, options):
    print("slice", sliceno, flush=True)
    time.sleep(options.seconds if sliceno == 1 else 0)
    return sliceno

def synthesis(analysis_res):
    return sorted(analysis_res)
"""

READING = """
jobs, datasets = ("source",), ("table",)
options = {"which": 0}

def synthesis(jobs, datasets, options):
    return options.which, jobs.source.load(), datasets.table.job.open("numbers.txt").read()
"""

MAKING = """
options = {"copy": 0}

def synthesis(job):
    with open("numbers.txt", "w") as handle:
        handle.write("1 2 3")
    return 6
"""


def word(job: Job) -> list[str]:
    return [each.state.word for each in situation.slices(job)]


def history(pool: TestPool, job: Job, what: str) -> list[str]:
    """Of all procs that there were of it."""
    said = pool.run("condor_history", "-constraint", constraint(job), "-af", what)
    return sorted(said.split()) + sorted(
        pool.run("condor_q", "-constraint", constraint(job), "-af", what).split()
    )


def test_single_slices_of_a_sweep_are_edited_held_released_and_removed_by_others(
    new_job: NewJob, condor_pool: TestPool
) -> None:
    job = new_job(
        '[ -e go ] || sleep "$1"; echo "$1" > "out.$ROOST_SLICE"', arguments=[["600"], ["601"], ["3"]]
    )
    job.execute()
    until(job, lambda: word(job) == ["Running", "Running", "Done"])
    one = f"{constraint(job)} && RoostSlice == 0"
    other = f"{constraint(job)} && RoostSlice == 1"
    condor_pool.run("condor_qedit", "-constraint", one, "RequestMemory", "77", "JobPrio", "5")
    condor_pool.run("condor_hold", "-reason", "a word with you", "-constraint", one)
    until(job, lambda: word(job)[0] == "Held")
    assert fresh(job).status == "Various"
    condor_pool.run("condor_rm", "-reason", "no room", "-constraint", other)
    until(job, lambda: word(job)[1] == "Removed")
    becomes(job, "Held")
    assert "a word with you" in job.status_message
    condor_pool.run("condor_qedit", "-constraint", one, "Arguments", '"3"', "Args", '"3"')
    condor_pool.run("condor_release", "-constraint", one)
    until(job, lambda: word(job)[0] == "Running")
    job.stop(slices=[0])
    assert job.wait(timeout=SECONDS)
    assert word(job) == ["Removed", "Removed", "Done"]
    assert job.cached_status == "Various-Complete"
    assert history(condor_pool, job, "RoostSlice") == ["0", "1", "2"]


@pytest.mark.parametrize("form", ["one-proc", "own-dag"])
def test_a_part_of_a_script_that_others_hold_release_and_remove_is_shown_as_what_it_is(
    new_app: NewApp, real: Scheduler, alice: User, settings: Any, condor_pool: TestPool, form: str
) -> None:
    settings.ROOST_ONE_PROC_SLICES = 8 if form == "one-proc" else 0
    jobs = new_app(scripts={"a_waiting.py": WAITING}).get_job_manager()
    job = jobs.create_job(
        "wait", alice, job_type="SCRIPT", method="waiting", slices=2, cpus=2, scheduler=real
    )
    job.execute()
    until(job, lambda: situation.slices(job)[1].state.word == "Running")
    assert job.attempts.get().form == form
    part = constraint(job) + (' && RoostStep == "analysis" && RoostSlice == 1' if form == "own-dag" else "")
    condor_pool.run("condor_hold", "-reason", "a word with you", "-constraint", part)
    becomes(job, "Held")
    assert "a word with you" in job.status_message
    condor_pool.run("condor_release", "-constraint", part)
    until(job, lambda: situation.slices(job)[1].state.word == "Running")
    condor_pool.run("condor_rm", "-reason", "no room", "-constraint", part)
    assert job.wait(timeout=SECONDS)
    assert job.cached_status == "Aborted", job.status_message
    assert "Done" not in [each.state.word for each in situation.slices(job, "synthesis")]


def test_what_may_stay_for_a_day_goes_after_it(new_job: NewJob, condor_pool: TestPool) -> None:
    job = new_job("echo result > result", results="after 1 days")
    job.execute()
    assert job.wait(timeout=SECONDS)
    token = job.attempts.get().token

    def there() -> bool:
        return token in condor_pool.run("sh", "-c", "ls ~/roost/attempts")

    _tick(job)
    assert there()
    RemoteCopy.objects.filter(token=token).update(due=timezone.now() - timedelta(seconds=1))
    _until(lambda: not there(), lambda: _tick(job))
    assert not RemoteCopy.objects.filter(token=token).exists()
    assert (job.directory / "result").read_text() == "result\n"


def _tick(job: Job) -> None:
    with courier.lend_a_hand(job.attempts.get().scheduler_id or 0) as round_:
        assert round_ is not None
        round_(0.2)


def _until(condition: Callable[[], bool], work: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        work()


def test_what_another_job_left_is_read_there_and_travels_once(
    new_app: NewApp, real: Scheduler, alice: User, condor_pool: TestPool
) -> None:
    jobs = new_app(scripts={"a_making.py": MAKING, "a_reading.py": READING}).get_job_manager()
    source, table = (jobs.build("making", copy=copy, scheduler=real, user=alice) for copy in (1, 2))
    first = jobs.build("reading", source=source, table=table, which=1, scheduler=real, user=alice)
    assert first.load() == (1, 6, "1 2 3")
    before = _contents(condor_pool)
    second = jobs.build("reading", source=source, table=table, which=2, scheduler=real, user=alice)
    assert second.load() == (2, 6, "1 2 3")
    new = _contents(condor_pool).keys() - before.keys()
    assert not [name for name in new if _says(condor_pool, name, "1 2 3")]


def _contents(pool: TestPool) -> dict[str, int]:
    """What lies there by its hash, and how many names it has."""
    said = pool.run("sh", "-c", "find ~/roost/files -type f -printf '%f %n\\n'")
    return {name: int(links) for name, links in (line.split() for line in said.splitlines())}


def _says(pool: TestPool, name: str, text: str) -> bool:
    return pool.run("sh", "-c", f"find ~/roost/files -name {name} -exec cat {{}} +") == text


# --- races ------------------------------------------------------------------------------------------------


@contextmanager
def couriers(scheduler: Scheduler, number: int) -> Iterator[None]:
    """As in as many processes, all of which would be the one."""
    stop = threading.Event()

    def work() -> None:
        try:
            courier.run(scheduler, stop)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)


def eventually(condition: Callable[[], bool]) -> None:
    _until(condition, lambda: time.sleep(0.1))


def test_jobs_that_many_couriers_want_and_that_go_while_they_are_sent_run_once_or_never(
    new_job: NewJob, real: Scheduler, condor_pool: TestPool
) -> None:
    jobs = [new_job(f"echo {number}") for number in range(12)]
    before = condor_pool.logins()
    with couriers(real, 3):
        for number, job in enumerate(jobs):
            job.execute()
            if number % 3 == 1:
                job.stop()
            if number % 3 == 2:
                _delete_as_soon_as_it_goes(job)
        kept = [job for number, job in enumerate(jobs) if number % 3 != 2]
        eventually(lambda: all(fresh(job).is_final for job in kept))
        eventually(lambda: not Attempt.objects.exclude(phase="final").exists())
    assert [job.status for job in jobs[::3]] == ["Complete"] * 4
    assert {job.status for job in jobs[1::3]} <= {"Aborted", "Complete"}
    for job in kept:
        assert len(history(condor_pool, job, "ClusterId")) <= 1
    assert condor_pool.logins() <= before + 1


def _delete_as_soon_as_it_goes(job: Job) -> None:
    job.stop()

    def gone() -> bool:
        try:
            job.delete()
        except RoostError:
            return False
        return True

    eventually(gone)


def test_a_scheduler_may_be_renamed_and_reached_by_another_way_while_a_job_runs(
    new_job: NewJob, real: Scheduler, condor_pool: TestPool
) -> None:
    job = new_job('sleep 6; echo "as ever"')
    with couriers(real, 1):
        job.execute()
        eventually(lambda: fresh(job).status == "Running")
        assert manage("schedulers", "remove", "real").code == 5
        Scheduler.objects.filter(pk=real.pk).update(name="ruby")
        assert manage("schedulers", "edit", "ruby", "--user", "mallory").code == 0
        eventually(lambda: Scheduler.objects.get().paused_by == "access")
        assert fresh(job).status == "Running"
        assert "Not let in" in {badge.kind: badge.text for badge in situation.badges(job)}["unreachable"]
        assert manage("schedulers", "edit", "ruby", "--user", condor_pool.user).code == 0
        eventually(lambda: fresh(job).is_final)
    assert job.status == "Complete"
    assert (job.directory / "OUTPUT" / "0").read_text() == "as ever\n"
    assert len(history(condor_pool, job, "ClusterId")) == 1
