"""A job's way, from execute() to its end, on a pool that does as it is told."""

from __future__ import annotations

from collections.abc import Callable

from jobs_app.courier import Courier
from jobs_app.models import Attempt, History, Job
from jobs_app.pools.base import EventKind

from .fake_pool import FakePool

NewJob = Callable[..., Job]


def test_a_job_runs_from_execute_to_complete(new_job: NewJob, courier: Courier, pool: FakePool) -> None:
    job = new_job()
    job.execute()
    assert job.status == "Submitted"
    courier.tick()
    pool.runs(job)
    courier.tick()
    assert job.status == "Complete"
    assert (job.slices_done, job.slices_total) == (1, 1)
    assert job.start_time is not None
    assert job.completion_time is not None


def test_every_step_is_in_the_history(new_job: NewJob, courier: Courier, pool: FakePool) -> None:
    job = new_job()
    job.execute()
    courier.tick()
    pool.happens(job, EventKind.STARTED)
    courier.tick()
    pool.runs(job)
    courier.tick()
    steps = History.objects.filter(job=job).values_list("before", "after", "actor", "attempt")
    assert list(steps) == [
        ("PEN", "SUB", "program", 1),
        ("SUB", "RUN", "pool embedded", 1),
        ("RUN", "COM", "pool embedded", 1),
    ]


def test_a_finished_attempt_is_forgotten_by_the_pool(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job()
    job.execute()
    courier.tick()
    pool.runs(job)
    courier.tick()
    courier.close()
    assert pool.forgotten == [Attempt.objects.get(job=job).token]
