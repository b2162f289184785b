"""Where a million jobs are over, nothing on a new job's way reads them: each look goes by an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from jobs_app.courier import Courier
from jobs_app.lifecycle import sweep
from jobs_app.manager import JobManager
from jobs_app.models import Attempt, Job
from jobs_app.pools.base import EventKind

from .fake_pool import FakePool

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's plans")

# Tables that grow with the jobs. Of the others there are a few rows.
LARGE = ("job", "attempt", "batch", "history", "sliceblock", "jobdependency", "jobuse", "job_groups")

SMALL = (
    "attempt_wish",
    "batch_unsent",
    "attempt_next",
    "attempt_forget",
)  # indexes of what is to be done only

NewJob = Callable[..., Job]


@contextmanager
def looking() -> Iterator[dict[str, Any]]:
    """The plan of each statement that reads or changes rows."""
    asked: dict[str, Any] = {}

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(("SELECT", "UPDATE", "DELETE")):
            asked.setdefault(sql, params[0] if many and params else params)
        return execute(sql, params, many, context)

    plans: dict[str, Any] = {}
    with connection.execute_wrapper(note):
        yield plans
    with connection.cursor() as cursor:
        for sql, params in asked.items():
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
            plans[sql] = [row[3] for row in cursor.fetchall()]


def scans(plans: dict[str, list[str]]) -> list[str]:
    tables = {f"jobs_app_{name}" for name in LARGE}
    return [
        f"{step}: {sql}"
        for sql, plan in plans.items()
        for step in plan
        if _table(step, sql) in tables and _reads_all(step)
    ]


def _reads_all(step: str) -> bool:
    """Also by an index that finds almost all rows."""
    if step.startswith("SCAN"):
        return "INDEX" not in step
    unselective = step.endswith(("(scheduler_id=?)", "(project_id=?)", "(template_id=?)"))
    return unselective and not any(name in step for name in SMALL)


def _table(step: str, sql: str) -> str:
    """SQLite names a table by its alias in the statement."""
    name = step.split()[1]
    words = sql.replace('"', "").replace(")", " ").split()
    named = [words[at - 1] for at, word in enumerate(words) if word == name and at]
    return next((table for table in named if table.startswith("jobs_app_")), name)


@pytest.mark.django_db
def test_a_scan_would_be_noticed() -> None:
    with looking() as plans:
        Job.objects.filter(description="x").first()
        Attempt.objects.filter(reason="x").update(reason="y")
        Job.objects.filter(project=1).exclude(name="x").exists()
    assert len(scans(plans)) == 3


def test_a_jobs_way_scans_nothing(new_job: NewJob, courier: Courier, pool: FakePool) -> None:
    with looking() as plans:
        job = new_job()
        job.execute()
        courier.tick()
        pool.happens(job, EventKind.STARTED)
        courier.tick()
        pool.runs(job)
        courier.tick()
        assert job.status == "Complete"
    assert len(plans) > 20
    assert scans(plans) == []


def test_stopping_and_trying_again_scans_nothing(new_job: NewJob, courier: Courier, pool: FakePool) -> None:
    with looking() as plans:
        job = new_job()
        job.execute()
        job.stop()
        job.resubmit()
        courier.tick()
        job.pause()
        courier.tick()
    assert scans(plans) == []


def test_the_sweeper_scans_nothing(new_job: NewJob, courier: Courier) -> None:
    with looking() as plans:
        sweep.sweep()
    assert scans(plans) == []


def test_the_managers_questions_scan_nothing(new_job: NewJob, alice: Any) -> None:
    job = new_job()
    manager = JobManager.__new__(JobManager)
    manager.label = job.app
    with looking() as plans:
        list(manager.list_jobs()[:100])
        list(manager.list_jobs(user=alice, order_by="-id")[:100])
        list(manager.list_jobs(filters={"status": "RUN"})[:100])
        manager.get_job(job.pk)
        job.failed_slices()
        job.slice_counts()
        _ = job.status
    assert scans(plans) == []
