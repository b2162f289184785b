"""Why jobs wait is asked for those that have waited a while, and kept in their rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import pytest
from django.utils import timezone

from jobs_app.courier import Courier
from jobs_app.lifecycle import idle
from jobs_app.models import Attempt, Job
from jobs_app.pools.base import EventKind, PoolUnreachable

from .fake_pool import FakePool

NewJob = Callable[..., Job]
WHY = "No machine has 64 GB of memory; the largest has 2 GB."


@pytest.fixture
def asked(pool: FakePool, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the pool was asked; it always gives the same reason."""
    calls: list[list[str]] = []

    def why_idle(attempts: Sequence[str]) -> Mapping[str, str]:
        calls.append(list(attempts))
        return dict.fromkeys(attempts, WHY)

    monkeypatch.setattr(pool, "why_idle", why_idle, raising=False)
    return calls


def waits(job: Job, courier: Courier, seconds: float = 60) -> Attempt:
    job.execute()
    courier.tick()
    Attempt.objects.filter(job=job).update(sent=timezone.now() - timedelta(seconds=seconds))
    return Attempt.objects.get(job=job)


def test_who_waits_is_told_why_and_not_asked_again_at_once(
    new_job: NewJob, courier: Courier, asked: list[list[str]]
) -> None:
    attempt = waits(new_job(), courier)
    idle.explain(courier.link)
    idle.explain(courier.link)
    attempt.refresh_from_db()
    assert attempt.idle == WHY
    assert asked == [[attempt.token]]


def test_nobody_wonders_about_the_first_seconds(
    new_job: NewJob, courier: Courier, asked: list[list[str]]
) -> None:
    waits(new_job(), courier, seconds=3)
    idle.explain(courier.link)
    assert asked == []


def test_what_runs_waits_for_nothing(
    new_job: NewJob, courier: Courier, pool: FakePool, asked: list[list[str]]
) -> None:
    job = new_job()
    waits(job, courier)
    pool.happens(job, EventKind.STARTED)
    courier.tick()
    idle.explain(courier.link)
    assert asked == []


def test_a_pool_that_does_not_answer_leaves_the_row_as_it_is(
    new_job: NewJob, courier: Courier, pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def why_idle(attempts: Sequence[str]) -> Mapping[str, str]:
        raise PoolUnreachable("gone")

    monkeypatch.setattr(pool, "why_idle", why_idle, raising=False)
    attempt = waits(new_job(), courier)
    idle.explain(courier.link)
    attempt.refresh_from_db()
    assert (attempt.idle, attempt.idle_asked) == ("", None)
    assert courier.link.scheduler.failures == 1
