"""What stays of an attempt on its pool after its results are here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs_app.courier import Courier
from jobs_app.errors import BadParameter
from jobs_app.lifecycle import copies, link
from jobs_app.models import Job, RemoteCopy, Scheduler
from jobs_app.parameters import results
from jobs_app.pools.base import PoolUnreachable

from .fake_pool import FakePool

Ended = Callable[..., Job]


@pytest.fixture
def far(pool: FakePool, monkeypatch: pytest.MonkeyPatch, db: None) -> Courier:
    """A courier of a pool from which results have to be fetched."""
    monkeypatch.setitem(link.OPENERS, Scheduler.CONDOR, lambda _: pool)
    courier = Courier(Scheduler.objects.create(name="far", kind=Scheduler.CONDOR))
    assert courier.take()
    return courier


@pytest.fixture
def ended(new_job: Callable[..., Job], far: Courier, pool: FakePool) -> Ended:
    def end(exit_code: int = 0, **parameters: Any) -> Job:
        job = new_job(**parameters)
        job.scheduler = far.link.scheduler
        job.execute()
        far.tick()
        pool.runs(job, [exit_code])
        far.tick()
        job.refresh_status()
        assert job.is_final
        return job

    return end


def look(courier: Courier) -> None:
    courier._looked = 0.0
    courier.tick()


def test_nothing_stays_unless_somebody_says_so(ended: Ended, far: Courier, pool: FakePool) -> None:
    job = ended()
    look(far)
    assert pool.forgotten == [job.attempts.get().token]
    assert not RemoteCopy.objects.exists()


def test_on_success_what_failed_stays(ended: Ended, far: Courier, pool: FakePool) -> None:
    good, bad = ended(results="on success"), ended(1, results="on success")
    look(far)
    assert pool.forgotten == [good.attempts.get().token]
    assert RemoteCopy.objects.get().token == bad.attempts.get().token


def test_the_setting_counts_where_the_job_says_nothing(
    ended: Ended, far: Courier, pool: FakePool, settings: Any
) -> None:
    settings.ROOST_RESULTS = "keep"
    ended()
    look(far)
    assert pool.forgotten == []


def test_after_so_many_days_it_goes(ended: Ended, far: Courier, pool: FakePool) -> None:
    job = ended(results="after 3 days")
    look(far)
    assert pool.forgotten == []
    due = RemoteCopy.objects.get().due
    assert due is not None
    assert timedelta(days=2.9) < due - timezone.now() < timedelta(days=3.1)
    RemoteCopy.objects.update(due=timezone.now())
    look(far)
    assert pool.forgotten == [job.attempts.get().token]


def test_with_the_job_its_copy_goes_too(ended: Ended, far: Courier, pool: FakePool) -> None:
    job = ended(results="keep")
    token = job.attempts.get().token
    job.delete()
    assert copies.waiting_for(far.link.scheduler.pk)
    look(far)
    assert pool.forgotten == [token]


def test_a_pool_out_of_reach_drops_it_later(
    ended: Ended, far: Courier, pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(_: object) -> None:
        raise PoolUnreachable("no route")

    with monkeypatch.context() as patch:
        patch.setattr(pool, "forget", unreachable)
        job = ended(results="after 0 days")
        look(far)
    assert RemoteCopy.objects.count() == 1
    Scheduler.objects.update(retry_at=None)
    far.link.look_again()
    look(far)
    assert pool.forgotten == [job.attempts.get().token]


def test_nothing_is_dropped_before_the_job_is_over(ended: Ended, far: Courier, pool: FakePool) -> None:
    job = ended(results="keep")
    job.attempts.update(phase="fetching")
    RemoteCopy.objects.update(due=timezone.now())
    assert copies.drop(far.link) == 0
    assert pool.forgotten == []


@pytest.mark.parametrize("wrong", ["never", "after days", "after 3 weeks", "keep\n", "after -1 days"])
def test_another_word_is_refused(wrong: str) -> None:
    with pytest.raises(BadParameter):
        results(wrong)
