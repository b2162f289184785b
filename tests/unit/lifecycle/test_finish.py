"""The end of the way: results, the app's own function, the pool's last word."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from jobs_app.courier import Courier
from jobs_app.jobdir import files, manifest
from jobs_app.jobdir.layout import PREPARE, SYNTHESIS
from jobs_app.lifecycle import blocks, lease
from jobs_app.lifecycle.finish import INTERRUPTED, MOST_GARBLED, finish
from jobs_app.lifecycle.sweep import sweep
from jobs_app.lifecycle.work import Work
from jobs_app.models import Attempt, AttemptPhase, Job
from jobs_app.pools.base import EventKind, Garbled, Step

from .fake_pool import FakePool
from .test_send import time_passes

NewJob = Callable[..., Job]

processed: list[int] = []


def process(job: Job) -> None:
    processed.append(job.pk)


def fail(job: Job) -> None:
    raise ArithmeticError(f"no sense in job {job.pk}")


@pytest.fixture(autouse=True)
def _nothing_processed() -> None:
    processed.clear()


@pytest.fixture
def ended(new_job: NewJob, courier: Courier, pool: FakePool) -> Callable[..., Job]:
    """A job of which the pool says that all is over; nobody has finished it yet."""

    def end(function: Any = None, exit_codes: tuple[int, ...] = (0,), **parameters: Any) -> Job:
        job = new_job(num_jobs=len(exit_codes), **parameters)
        job.process_results_function = function
        job.save()
        job.execute()
        courier.tick()
        pool.runs(job, exit_codes)
        return job

    return end


def as_script(job: Job) -> None:
    """As if it had been a script's job with a synthesis only."""
    attempt = Attempt.objects.get(job=job)
    work = Work((Step(SYNTHESIS),), independent=False, script=".roost/source/x.py")
    attempt.blocks.update(step=SYNTHESIS)
    Attempt.objects.filter(pk=attempt.pk).update(work=work.to_json())


def test_the_function_runs_once_with_the_job(ended: Callable[..., Job], courier: Courier) -> None:
    job = ended(process)
    courier.tick()
    courier.tick()
    assert job.status == "Complete"
    assert processed == [job.pk]


def test_results_that_never_come_as_they_were_made_stay_there_and_the_job_says_so(
    ended: Callable[..., Job], courier: Courier, pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def garbled(*_: object) -> bool:
        raise Garbled("Slice 0 sent half of a file.")

    job = ended()
    monkeypatch.setattr(pool, "fetch", garbled)
    for _ in range(MOST_GARBLED):
        time_passes(courier)
        courier._looked = 0.0
        courier.tick()
        assert job.status == "Running"
        assert job.status_message.endswith("Slice 0 sent half of a file. (It will be tried again.)")
    assert courier.link.scheduler.failures == 0
    time_passes(courier)
    courier._looked = 0.0
    courier.tick()
    assert job.status == "Error"
    token = job.attempts.get().token
    assert (
        f"half of a file. They stay on {courier.link.scheduler}, below attempts/{token}."
        in job.status_message
    )
    courier._forget()
    assert token not in pool.forgotten


def test_the_function_runs_also_when_some_slices_failed(ended: Callable[..., Job], courier: Courier) -> None:
    job = ended(process, (0, 1))
    courier.tick()
    assert job.status == "Various-Complete"
    assert processed == [job.pk]


def test_the_function_does_not_run_when_nothing_came_out(ended: Callable[..., Job], courier: Courier) -> None:
    job = ended(process, (1,))
    courier.tick()
    assert job.status == "Error"
    assert processed == []


def test_a_failing_function_makes_an_error_with_its_traceback(
    ended: Callable[..., Job], courier: Courier
) -> None:
    job = ended(fail)
    courier.tick()
    assert job.status == "Error"
    reason = Attempt.objects.get(job=job).reason
    assert "The results are here" in reason
    assert f"ArithmeticError: no sense in job {job.pk}" in reason
    assert job.directory.is_dir()


def test_a_function_whose_process_died_is_reported_and_not_run_again(
    ended: Callable[..., Job], courier: Courier
) -> None:
    job = ended(process)
    dead = lease.new_holder().replace(f":{os.getpid()}:", ":999999999:")
    courier.tick()
    Attempt.objects.filter(job=job).update(phase=AttemptPhase.PROCESSING, holder=dead, status="")
    Job.objects.filter(pk=job.pk).update(_status="RUN")
    processed.clear()
    sweep()
    assert job.status == "Error"
    assert job.status_message == INTERRUPTED
    assert processed == []


def test_a_function_that_runs_long_on_this_host_is_left_alone(
    ended: Callable[..., Job], courier: Courier
) -> None:
    job = ended()
    Attempt.objects.filter(job=job).update(phase=AttemptPhase.PROCESSING, holder=lease.new_holder())
    sweep()
    assert Attempt.objects.get(job=job).phase == AttemptPhase.PROCESSING


def test_what_a_dead_process_was_fetching_is_fetched_by_another(
    ended: Callable[..., Job], courier: Courier, pool: FakePool
) -> None:
    job = ended(process)
    Attempt.objects.filter(job=job).update(holder="elsewhere:1:2:3")
    courier.tick()
    assert job.status == "Running"
    sweep()
    courier._looked = 0.0
    courier.tick()
    assert job.status == "Complete"


def test_a_fetch_that_fails_loses_nothing(
    ended: Callable[..., Job], courier: Courier, pool: FakePool
) -> None:
    job = ended()
    pool.breaks_before = {"fetch"}
    courier.tick()
    assert job.status == "Running"
    assert "the connection broke (It will be tried again.)" in job.status_message
    pool.breaks_before = set()
    time_passes(courier)
    courier._look_again()
    courier._looked = 0.0
    courier.tick()
    assert job.status == "Complete"


def test_finishing_twice_finishes_once(ended: Callable[..., Job], courier: Courier, pool: FakePool) -> None:
    job = ended(process)
    courier.tick()
    assert finish(Attempt.objects.get(job=job).pk, courier.link, lease.new_holder()) is False
    assert processed == [job.pk]


def test_a_directory_that_is_gone_is_an_error_that_says_where_it_was(
    ended: Callable[..., Job], courier: Courier
) -> None:
    job = ended()
    shutil.rmtree(job.directory)
    courier.tick()
    assert job.status == "Error"
    assert str(job.directory) in job.status_message


def test_a_file_that_is_not_as_the_manifest_says_is_named(
    ended: Callable[..., Job], courier: Courier
) -> None:
    job = ended()
    as_script(job)
    (job.directory / "result.txt").write_text("all of it")
    manifest.write(job.paths, manifest.build(job.directory, ["result.txt"]))
    (job.directory / "result.txt").write_text("half")
    Attempt.objects.get(job=job).blocks.update(states=bytes([2]), waiting=0, done=1)
    courier.tick()
    assert job.status == "Error"
    assert "result.txt has 4 bytes instead of 9" in job.status_message


def test_the_error_of_the_first_failing_part_is_what_the_user_reads(
    ended: Callable[..., Job], courier: Courier
) -> None:
    job = ended(exit_codes=(0, 1, 1))
    files_of = job.paths.attempt(1)
    files_of.error("run", 1).parent.mkdir(parents=True)
    files.write_json(files_of.error("run", 1), {"message": "the magnet melted", "type": "HeatError"})
    courier.tick()
    job.refresh_status()
    assert job.status_message == "Slice 1 failed: HeatError: the magnet melted (1 more slice failed.)"


def test_a_part_without_slices_is_called_by_its_step(
    ended: Callable[..., Job], courier: Courier, pool: FakePool, new_job: NewJob
) -> None:
    job = new_job()
    job.execute()
    work = Work((Step(PREPARE), Step(SYNTHESIS)), independent=False, script=".roost/source/x.py")
    attempt = Attempt.objects.get(job=job)
    attempt.blocks.all().delete()
    blocks.create(attempt, work.steps)
    Attempt.objects.filter(pk=attempt.pk).update(work=work.to_json())
    courier.tick()
    pool.happens(job, EventKind.ENDED, step=PREPARE, exit_code=2)
    pool.happens(job, EventKind.SKIPPED, step=SYNTHESIS)
    pool.happens(job, EventKind.FINISHED, data={"ok": False})
    courier.tick()
    assert job.status == "Error"
    assert job.status_message.startswith("The step prepare failed: it ended with exit code 2")


def test_the_size_of_the_directory_is_known_afterwards(ended: Callable[..., Job], courier: Courier) -> None:
    job = ended()
    (job.directory / "big").write_bytes(bytes(100_000))
    courier.tick()
    assert 100_000 < (Job.objects.get(pk=job.pk).size_bytes or 0) < 110_000
