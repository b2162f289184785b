"""What the pool knows against what was recorded, where nothing was heard for long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from jobs_app.courier import Courier
from jobs_app.lifecycle import reconcile as reconciling
from jobs_app.lifecycle.link import Link
from jobs_app.lifecycle.reconcile import EVERY, Seen, is_due, reconcile
from jobs_app.models import Attempt, Batch, Job, Scheduler, Segment
from jobs_app.pools.base import EventKind, Refused, Snapshot, Task
from jobs_app.states import SliceState

from .fake_pool import FakePool

NewJob = Callable[..., Job]


@pytest.fixture
def silent(new_job: NewJob, courier: Courier, pool: FakePool) -> Job:
    """A running job of two slices of which nothing was heard for an hour."""
    job = new_job(num_jobs=2)
    job.execute()
    courier.tick()
    pool.happens(job, EventKind.STARTED)
    courier.tick()
    Attempt.objects.update(sent=timezone.now() - timedelta(hours=1))
    return job


def token(job: Job) -> str:
    return Attempt.objects.get(job=job).token


def test_a_job_that_the_pool_does_not_know_is_unknown_not_finished(silent: Job, courier: Courier) -> None:
    seen = reconcile(courier.link, {})
    reconcile(courier.link, seen)
    assert silent.status == "Running"
    assert silent.status_message.startswith("The pool does not know this job (asked ")
    since = Attempt.objects.get(job=silent).unknown_since
    assert since is not None
    reconcile(courier.link, {})
    assert Attempt.objects.get(job=silent).unknown_since == since


def test_a_stopped_job_that_the_pool_does_not_know_any_more_is_over(silent: Job, courier: Courier) -> None:
    silent.stop()
    courier.tick()
    for _ in range(2):
        reconcile(courier.link, {})
        assert silent.status == "Running"
    an_hour_ago = timezone.now() - timedelta(hours=1)
    Attempt.objects.update(removal_told=an_hour_ago, unknown_since=an_hour_ago)
    reconcile(courier.link, {})
    courier._looked = 0.0
    courier.tick()
    assert silent.status == "Aborted"
    assert silent.attempts.get().blocks.get().removed == 2


def test_a_stopped_job_of_a_pool_that_was_set_up_anew_is_over_without_its_folder(
    silent: Job, courier: Courier, pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(task: Task, into: Path) -> bool:
        raise Refused("tar: roost/attempts/1: Cannot open: No such file or directory")

    monkeypatch.setattr(pool, "fetch", refuse)
    silent.stop()
    courier.tick()
    reconcile(courier.link, {})
    an_hour_ago = timezone.now() - timedelta(hours=1)
    Attempt.objects.update(removal_told=an_hour_ago, unknown_since=an_hour_ago)
    reconcile(courier.link, {})
    courier._looked = 0.0
    courier.tick()
    assert silent.status == "Aborted"
    assert Scheduler.objects.get().failures == 0


def test_results_that_a_pool_refuses_are_no_fault_of_its_link(
    silent: Job, courier: Courier, pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(task: Task, into: Path) -> bool:
        raise Refused("tar: roost/attempts/1: Cannot open: Permission denied")

    monkeypatch.setattr(pool, "fetch", refuse)
    pool.happens(silent, EventKind.ENDED, slice=0, count=2, exit_code=0)
    pool.happens(silent, EventKind.FINISHED, data={"ok": True})
    courier.tick()
    assert silent.status == "Running"
    assert "Permission denied (It will be tried again.)" in silent.status_message
    assert Scheduler.objects.get().failures == 0


def test_a_pool_that_was_told_and_has_not_removed_a_job_is_told_again(
    silent: Job, courier: Courier, pool: FakePool
) -> None:
    silent.stop()
    courier.tick()
    assert [verb for verb, _ in pool.told] == ["remove"] * 1
    pool.snapshots[token(silent)] = Snapshot(token(silent), {"run": bytes([1, 1])})
    reconcile(courier.link, {})
    courier.tick()
    assert [verb for verb, _ in pool.told] == ["remove"] * 1
    Attempt.objects.update(removal_told=timezone.now() - timedelta(hours=1))
    reconcile(courier.link, {})
    courier.tick()
    assert [verb for verb, _ in pool.told] == ["remove"] * 2


def test_couriers_that_die_soon_do_not_keep_the_pool_from_being_asked(silent: Job, courier: Courier) -> None:
    reconcile(courier.link, {})
    assert not is_due(courier.link)
    next_one = Link(Scheduler.objects.get(pk=courier.link.scheduler.pk))
    assert not is_due(next_one)
    Scheduler.objects.update(reconciled=timezone.now() - timedelta(seconds=EVERY + 1))
    next_one.look_again()
    assert is_due(next_one)
    Scheduler.objects.update(reconciled=timezone.now() + timedelta(hours=3))  # by a clock that was wrong
    next_one.look_again()
    assert is_due(next_one)


def test_a_job_that_is_known_again_says_so(silent: Job, courier: Courier, pool: FakePool) -> None:
    reconcile(courier.link, {})
    pool.snapshots[token(silent)] = Snapshot(token(silent), {"run": bytes([1, 0])})
    reconcile(courier.link, {})
    assert (silent.status, silent.status_message) == ("Running", "")
    assert Attempt.objects.get(job=silent).unknown_since is None


def test_news_of_the_end_that_were_lost_are_believed_at_the_second_look(
    silent: Job, courier: Courier, pool: FakePool
) -> None:
    ended = bytes([SliceState.DONE, SliceState.FAILED])
    pool.snapshots[token(silent)] = Snapshot(token(silent), {"run": ended}, finished=True)
    seen = reconcile(courier.link, {})
    assert silent.status == "Running"
    assert reconcile(courier.link, seen) == {}
    courier._looked = 0.0
    courier.tick()
    assert silent.status == "Various-Complete"
    assert (silent.slices_done, silent.slices_failed) == (1, 1)


HELD = SliceState.HELD


def test_a_hold_of_which_nothing_was_heard_is_believed_at_the_second_look(
    silent: Job, courier: Courier, pool: FakePool
) -> None:
    hold = (34, "Job has gone over its memory limit")
    pool.snapshots[token(silent)] = Snapshot(token(silent), {"run": bytes([HELD, HELD])}, hold=hold)
    seen = reconcile(courier.link, {})
    assert silent.status == "Running"
    assert reconcile(courier.link, seen) == {}
    assert silent.status == "Held"
    assert "memory limit" in silent.status_message
    assert silent.slices_held == 2


def test_what_changes_between_two_looks_is_left_to_the_news(
    silent: Job, courier: Courier, pool: FakePool
) -> None:
    pool.snapshots[token(silent)] = Snapshot(token(silent), {"run": bytes([HELD, 0])})
    seen = reconcile(courier.link, {})
    pool.snapshots[token(silent)] = Snapshot(token(silent), {"run": bytes([1, HELD])})
    reconcile(courier.link, seen)
    assert silent.status == "Running"


def test_what_has_ended_here_stays_as_it_is(silent: Job, courier: Courier, pool: FakePool) -> None:
    pool.happens(silent, EventKind.ENDED, slice=0, exit_code=0)
    courier.tick()
    pool.snapshots[token(silent)] = Snapshot(token(silent), {"run": bytes([1, 0])})
    reconcile(courier.link, reconcile(courier.link, {}))
    assert silent.status == "Various"
    assert silent.slices_done == 1


def test_a_job_that_was_sent_a_moment_ago_is_not_asked_about(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job()
    job.execute()
    courier.tick()
    reconcile(courier.link, {})
    assert "query" not in pool.calls
    assert "not know" not in Job.objects.get(pk=job.pk).status_message


def test_each_of_very_many_jobs_comes_to_its_turn(
    new_job: NewJob, courier: Courier, pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "AT_ONCE", 3)
    jobs = [new_job(num_jobs=1) for _ in range(8)]
    for job in jobs:
        job.execute()
    courier.tick()
    Attempt.objects.update(sent=timezone.now() - timedelta(hours=1))
    for job in jobs:
        pool.snapshots[token(job)] = Snapshot(token(job), {"run": bytes([SliceState.WAITING])})
    pool.snapshots[token(jobs[-1])] = Snapshot(
        token(jobs[-1]), {"run": bytes([SliceState.DONE])}, finished=True
    )
    seen: Seen = {}
    for _ in range(3):  # all are asked about, three at a time, and the last one has to be seen twice
        assert jobs[-1].status == "Submitted"
        seen = reconcile(courier.link, seen)
    assert list(seen) == [token(jobs[-1])]
    reconcile(courier.link, seen)
    courier._looked = 0.0
    courier.tick()
    assert jobs[-1].status == "Complete"


def test_those_of_which_no_log_tells_leave_places_for_the_others(
    new_job: NewJob, courier: Courier, pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "AT_ONCE", 4)
    asked: list[str] = []
    monkeypatch.setattr(pool, "query", lambda tokens: asked.extend(tokens) or {})
    unheard, others = [[new_job() for _ in range(6)] for _ in range(2)]
    for some in (unheard, others):
        for job in some:
            job.execute()
        courier.tick()
    Attempt.objects.update(sent=timezone.now() - timedelta(hours=1))
    lost = Segment.objects.create(scheduler=courier.link.scheduler, name="lost", damaged="it is gone")
    batches = Attempt.objects.filter(job__in=unheard).values_list("batch", flat=True)
    Batch.objects.filter(pk__in=list(batches)).update(segment=lost)
    for _ in range(4):
        reconcile(courier.link, {})
    assert {*asked} == {*map(token, [*unheard, *others])}


def test_a_pool_out_of_reach_makes_no_job_unknown(silent: Job, courier: Courier, pool: FakePool) -> None:
    pool.breaks_before = {"query"}
    assert reconcile(courier.link, {"kept": True}) == {"kept": True}
    assert Job.objects.get(pk=silent.pk).status_message == ""
    assert courier.link.scheduler.failures == 1
