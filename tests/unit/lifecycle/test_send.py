"""Sending happens once, whatever breaks."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from jobs_app.courier import Courier
from jobs_app.lifecycle import link
from jobs_app.lifecycle.link import PAUSE_AFTER
from jobs_app.models import Attempt, AttemptPhase, Batch, Job
from jobs_app.pools.base import Garbled

from .fake_pool import FakePool

NewJob = Callable[..., Job]


def time_passes(courier: Courier) -> None:
    """The time of the next try has come."""
    row = courier.link.scheduler
    row.retry_at = timezone.now() - timedelta(seconds=1)
    row.save(update_fields=["retry_at"])
    Attempt.objects.exclude(retry_at=None).update(retry_at=row.retry_at)


def attempt_of(job: Job) -> Attempt:
    return Attempt.objects.get(job=job)


def test_jobs_that_wait_together_are_sent_in_one_batch(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    jobs = [new_job(f"job {number}") for number in range(5)]
    for job in jobs:
        job.execute()
    courier.tick()
    assert pool.calls.count("send") == 1
    assert sorted(pool.sent_jobs()) == sorted(job.pk for job in jobs)


def test_the_most_urgent_goes_first(new_job: NewJob, courier: Courier, pool: FakePool) -> None:
    usual, urgent = new_job("usual"), new_job("urgent", priority=5)
    usual.execute()
    urgent.execute()
    courier.tick()
    assert pool.sent_jobs() == [urgent.pk, usual.pk]


def test_a_send_whose_answer_was_lost_is_adopted_not_repeated(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job()
    job.execute()
    pool.breaks_after = {"send"}
    courier.tick()
    assert attempt_of(job).phase == AttemptPhase.SENDING
    pool.breaks_after = set()
    time_passes(courier)
    courier.tick()
    assert attempt_of(job).phase == AttemptPhase.SENT
    assert len(pool.batches) == 1
    assert pool.calls.count("send") == 1


def test_a_send_that_surely_had_no_effect_is_repeated_under_the_same_token(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job()
    job.execute()
    pool.breaks_before = {"send"}
    courier.tick()
    token = Batch.objects.get().token
    pool.breaks_before = set()
    time_passes(courier)
    courier.tick()
    assert list(pool.batches) == [token]
    assert attempt_of(job).phase == AttemptPhase.SENT


def test_a_pool_out_of_reach_is_not_asked_again_at_once(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    new_job().execute()
    pool.breaks_before = {"send", "look"}
    for _ in range(5):
        courier.tick()
    assert len(pool.calls) == 1
    assert courier.link.scheduler.retry_at > timezone.now()


def test_a_link_that_fails_again_and_again_pauses_the_scheduler_and_a_probe_resumes_it(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job()
    job.execute()
    pool.breaks_before = {"send", "look"}
    for _ in range(PAUSE_AFTER):
        courier.tick()
        time_passes(courier)
    scheduler = courier.link.scheduler
    scheduler.refresh_from_db()
    assert "connection broke" in scheduler.paused
    assert job.status == "Submitted"
    pool.breaks_before = set()
    courier.tick()
    scheduler.refresh_from_db()
    assert (scheduler.paused, scheduler.failures, scheduler.last_error) == ("", 0, "")
    assert attempt_of(job).phase == AttemptPhase.SENT


def test_what_is_out_of_reach_is_tried_later_each_time_and_not_when_all_others_try(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = timezone.now()
    monkeypatch.setattr(link.timezone, "now", lambda: now)
    for failures, longest in ((1, 1.0), (4, 8.0), (40, link.LONGEST_PAUSE)):
        waits = [(link.back_off(failures) - now).total_seconds() for _ in range(50)]
        assert longest / 2 <= min(waits) <= max(waits) <= longest
        assert max(waits) - min(waits) > longest / 10


def test_nothing_is_sent_while_an_administrator_has_paused_the_scheduler(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    courier.link.scheduler.paused = "moving to a new building"
    courier.link.scheduler.save()
    new_job().execute()
    courier.tick()
    assert pool.batches == {}


def test_a_refused_job_ends_with_the_pools_own_words(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job()
    pool.refuses = {job.pk}
    job.execute()
    courier.tick()
    assert job.status == "Error"
    assert f"no room for job {job.pk}" in job.status_message


def test_a_refused_job_does_not_take_its_company_along(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    good, bad, other = new_job("good"), new_job("bad"), new_job("other")
    pool.refuses = {bad.pk}
    for job in (good, bad, other):
        job.execute()
    for _ in range(4):
        courier.tick()
    assert bad.status == "Error"
    assert sorted(pool.sent_jobs()) == [good.pk, other.pk]


def test_a_pool_that_takes_the_rest_is_not_asked_again(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    good, bad = new_job("good"), new_job("bad")
    pool.refuses, pool.takes_the_rest = {bad.pk}, True
    for job in (good, bad):
        job.execute()
    courier.tick()
    assert bad.status == "Error"
    assert f"no room for job {bad.pk}" in bad.status_message
    assert pool.sent_jobs() == [good.pk]
    assert pool.calls.count("send") == 1


def test_a_job_whose_directory_was_removed_ends_with_an_error_that_names_it(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job, other = new_job(), new_job("other")
    job.execute()
    other.execute()
    shutil.rmtree(job.directory)
    courier.tick()
    assert job.status == "Error"
    assert str(job.directory) in job.status_message
    assert pool.sent_jobs() == [other.pk]


def test_nothing_is_prepared_behind_a_link_that_leads_out_of_the_jobs_directory(
    new_job: NewJob, courier: Courier, pool: FakePool, home: Path
) -> None:
    """Programs that ran there before may have left anything."""
    job = new_job()
    job.execute()
    (home / "elsewhere").mkdir()
    shutil.rmtree(job.directory / ".roost")
    (job.directory / ".roost").symlink_to(home / "elsewhere")
    courier.tick()
    job.refresh_from_db()
    assert job.cached_status == "Error"
    assert "through a link" in job.status_message
    assert list((home / "elsewhere").iterdir()) == []


def test_a_job_that_cannot_be_prepared_is_tried_again_and_stands_in_nobodys_way(
    new_job: NewJob, courier: Courier, pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, other = new_job(), new_job("other")
    job.execute()
    other.execute()
    spec = job.paths.attempt(1).root
    spec.parent.mkdir(parents=True)
    spec.write_text("a file where a folder should be")
    courier.tick()
    attempt = attempt_of(job)
    assert (attempt.phase, attempt.failures) == (AttemptPhase.WAITING, 1)
    assert attempt.last_error
    assert pool.sent_jobs() == [other.pk]
    spec.unlink()
    time_passes(courier)
    courier.tick()
    assert attempt_of(job).phase == AttemptPhase.SENT


def test_a_batch_that_nobody_can_find_out_about_keeps_no_other_one_back(
    new_job: NewJob, courier: Courier, pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, other = new_job("stuck"), new_job("other")
    stuck.execute()
    pool.breaks_after = {"send"}
    courier.tick()
    pool.breaks_after = set()

    def garbled(token: str) -> None:
        raise Garbled("what became of it cannot be read")

    other.execute()
    time_passes(courier)
    with monkeypatch.context() as patch:
        patch.setattr(pool, "look", garbled)
        courier.tick()
    assert attempt_of(other).phase == AttemptPhase.SENT
    batch = attempt_of(stuck).batch
    assert batch is not None
    assert batch.remote_id == ""
    courier._settle_at = 0.0
    courier.tick()
    batch.refresh_from_db()
    assert batch.remote_id == "batch-1"
