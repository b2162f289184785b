"""A million slices are 245 rows: paged, counted and searched without reading them all."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs_app.lifecycle import blocks
from jobs_app.models import Attempt, Job, SliceBlock
from jobs_app.pools.base import Step
from jobs_app.states import SliceState

from .conftest import NewJob

pytestmark = pytest.mark.django_db

SIZE = SliceBlock.SIZE


@pytest.fixture
def job(new_job: NewJob) -> Job:
    """Three and a half blocks: failed ones in the first and the last, held ones in the second."""
    states = bytearray([SliceState.DONE]) * (3 * SIZE + SIZE // 2)
    for number in (5, 6, SIZE - 1, 3 * SIZE, 3 * SIZE + 7):
        states[number] = SliceState.FAILED
    states[SIZE + 1] = SliceState.HELD
    job: Job = new_job()
    Job.objects.filter(pk=job.pk).update(number_of_attempts=2)
    former = Attempt.objects.create(job=job, number=1, token="a" * 32)
    blocks.create(former, [Step("run", 10)])
    attempt = Attempt.objects.create(job=job, number=2, token="b" * 32)
    blocks.create(attempt, [Step("run", len(states))], {"run": bytes(states)})
    return Job.objects.get(pk=job.pk)


def test_a_page_may_begin_and_end_anywhere(job: Job) -> None:
    done, failed = bytes([SliceState.DONE]), bytes([SliceState.FAILED])
    assert job.slice_states(first=4, count=4) == done + failed * 2 + done
    assert job.slice_states(first=SIZE - 2, count=4) == done + failed + done + bytes([SliceState.HELD])
    assert job.slice_states(first=3 * SIZE + SIZE // 2 - 1, count=100) == done
    assert job.slice_states(first=99 * SIZE) == b""


def test_a_page_across_blocks_is_as_long_as_asked_for(job: Job) -> None:
    assert len(job.slice_states(first=SIZE - 1, count=SIZE + 2)) == SIZE + 2


def test_the_slices_are_counted(job: Job) -> None:
    counts = job.slice_counts()
    assert (counts.failed, counts.held, counts.total) == (5, 1, 3 * SIZE + SIZE // 2)


def test_failed_and_held_slices_are_found_page_by_page(job: Job) -> None:
    assert job.failed_slices() == [5, 6, SIZE - 1, 3 * SIZE, 3 * SIZE + 7]
    assert job.failed_slices(limit=2) == [5, 6]
    assert job.failed_slices(after=6, limit=2) == [SIZE - 1, 3 * SIZE]
    assert job.failed_slices(after=3 * SIZE + 7) == []
    assert job.held_slices() == [SIZE + 1]
    assert job.slices_in(SliceState.RUNNING) == []


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's plan")
def test_blocks_without_a_failed_slice_are_not_read(job: Job) -> None:
    with CaptureQueriesContext(connection) as queries:
        job.failed_slices()
    (query,) = queries
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
        plan = " ".join(str(row) for row in cursor.fetchall())
    assert "slice_failed" in plan
    assert "SCAN" not in plan


def test_a_job_that_was_never_executed_has_no_slices_yet(new_job: NewJob) -> None:
    assert new_job().slice_states() == b""
    assert new_job().slice_counts().total == 0
    assert new_job().failed_slices() == []
