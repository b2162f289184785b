"""Nothing more is sent to a scheduler: a person said so, or it is sick."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from jobs_app import health, situation
from jobs_app.courier import Courier
from jobs_app.errors import Invalid, WrongState
from jobs_app.lifecycle import pausing
from jobs_app.lifecycle.actors import Actor
from jobs_app.lifecycle.link import PAUSE_AFTER
from jobs_app.models import Attempt, AttemptPhase, Batch, Job, Scheduler
from jobs_app.pools.base import AccessDenied, EventKind

from .fake_pool import FakePool
from .test_send import attempt_of, time_passes

NewJob = Callable[..., Job]
ROOT = Actor("root")


@pytest.fixture
def other(db: None) -> Scheduler:
    return Scheduler.objects.create(name="other")


def tick(courier: Courier) -> None:
    courier._look_again()
    courier._swept = 0.0
    courier.tick()


def denied(*_: Any) -> None:
    raise AccessDenied("ncar shows another host key than the pinned one")


# --- by hand ----------------------------------------------------------------------------------------------


def test_what_runs_on_a_drained_scheduler_goes_on_and_nothing_new_is_sent(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    before, after = new_job("before"), new_job("after")
    before.execute()
    tick(courier)
    pausing.drain(courier.link.scheduler, ROOT, "new disks")
    after.execute()
    pool.runs(before)
    tick(courier)
    assert before.status == "Complete"
    assert attempt_of(after).phase == AttemptPhase.WAITING
    after.refresh_status()
    assert after.status_message.startswith("Waits: embedded is being drained since ")
    assert after.status_message.endswith("UTC: new disks (root).")


def test_a_drained_scheduler_sends_again_when_it_is_resumed(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job()
    pausing.drain(courier.link.scheduler, ROOT)
    job.execute()
    tick(courier)
    assert pausing.resume(courier.link.scheduler).startswith("embedded is being drained since")
    job.refresh_status()
    assert job.status_message == "Waits to be sent to embedded."
    tick(courier)
    assert attempt_of(job).phase == AttemptPhase.SENT
    assert pausing.resume(courier.link.scheduler) == ""


def test_a_batch_that_the_pool_never_got_goes_back_while_it_is_drained(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job()
    job.execute()
    pool.breaks_before = {"send"}
    courier.tick()
    assert attempt_of(job).phase == AttemptPhase.SENDING
    pool.breaks_before = set()
    pausing.drain(courier.link.scheduler, ROOT)
    time_passes(courier)
    tick(courier)
    assert attempt_of(job).phase == AttemptPhase.WAITING
    assert pool.batches == {}
    pausing.resume(courier.link.scheduler)
    tick(courier)
    assert attempt_of(job).phase == AttemptPhase.SENT
    assert len(pool.batches) == 1
    assert Batch.objects.exclude(refused="").get().refused.startswith("Not sent: embedded is being drained")


# --- moving -----------------------------------------------------------------------------------------------


def test_what_waits_is_moved_and_what_runs_stays(
    new_job: NewJob, courier: Courier, pool: FakePool, other: Scheduler
) -> None:
    running, first = new_job("running"), new_job("first")
    blocked = new_job("blocked", after=[first])
    running.execute()
    tick(courier)
    pausing.drain(courier.link.scheduler, ROOT)
    first.execute()
    blocked.execute()
    assert pausing.move_waiting(courier.link.scheduler, other, ROOT) == 2
    where = {job.name: attempt_of(job).scheduler for job in (running, first, blocked)}
    assert where == {"running": courier.link.scheduler, "first": other, "blocked": other}
    first.refresh_from_db()
    assert (first.scheduler, first.status_message) == (other, "Waits to be sent to other.")
    assert blocked.status_message == "Waits for other jobs."
    why = "Moved from embedded to other by root."
    assert first.history.filter(why=why, actor="root").exists()


def test_nothing_is_moved_to_where_nothing_is_sent(courier: Courier, other: Scheduler) -> None:
    here = courier.link.scheduler
    with pytest.raises(Invalid, match="itself"):
        pausing.move_waiting(here, here, ROOT)
    pausing.drain(other, ROOT)
    with pytest.raises(WrongState, match="Nothing is moved to other: other is being drained"):
        pausing.move_waiting(here, other, ROOT)
    other.kind = Scheduler.EXTERNAL
    with pytest.raises(Invalid, match="only calls in"):
        pausing.move_waiting(here, other, ROOT)


# --- by itself --------------------------------------------------------------------------------------------


def test_a_pool_that_does_not_let_us_in_is_paused_at_once_and_not_tried_again(
    new_job: NewJob, courier: Courier, pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = new_job()
    job.execute()
    monkeypatch.setattr(pool, "send", denied)
    tick(courier)
    scheduler = courier.link.scheduler
    assert (scheduler.paused_by, scheduler.failures) == (Scheduler.BY_ACCESS, 1)
    assert "another host key" in scheduler.paused
    calls = len(pool.calls)
    time_passes(courier)
    for _ in range(3):
        tick(courier)
    assert len(pool.calls) == calls
    assert job.status == "Submitted"


def test_only_a_person_resumes_what_did_not_let_us_in(
    new_job: NewJob, courier: Courier, pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = new_job()
    job.execute()
    with monkeypatch.context() as patch:
        patch.setattr(pool, "send", denied)
        tick(courier)
    time_passes(courier)
    tick(courier)
    assert attempt_of(job).phase == AttemptPhase.SENDING
    pausing.resume(courier.link.scheduler)
    tick(courier)
    assert attempt_of(job).phase == AttemptPhase.SENT
    scheduler = Scheduler.objects.get(pk=courier.link.scheduler.pk)
    assert (scheduler.paused, scheduler.paused_by, scheduler.paused_since) == ("", "", None)


def test_an_administrator_s_pause_is_not_ended_by_a_probe(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    new_job().execute()
    tick(courier)
    Scheduler.objects.update(paused="moving", paused_by=Scheduler.BY_HAND)
    pool.breaks_before = {"follow"}
    for _ in range(PAUSE_AFTER + 1):
        time_passes(courier)
        tick(courier)
    pool.breaks_before = set()
    time_passes(courier)
    tick(courier)
    scheduler = Scheduler.objects.get(pk=courier.link.scheduler.pk)
    assert (scheduler.paused, scheduler.failures) == ("moving", 0)


def test_jobs_that_wait_for_a_sick_pool_say_so_and_those_on_it_show_the_last_that_is_known(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    running, waiting = new_job("running"), new_job("waiting")
    running.execute()
    tick(courier)
    pool.happens(running, EventKind.STARTED)
    courier._vitals._written = 0.0
    tick(courier)
    pool.breaks_before = {"send", "look", "follow", "query"}
    waiting.execute()
    for _ in range(PAUSE_AFTER):
        time_passes(courier)
        tick(courier)
    tick(courier)
    assert running.status == "Running"
    (badge,) = situation.badges(running)
    assert badge.text.startswith("embedded does not answer; last heard of it ")
    assert waiting.status == "Submitted"
    pausing.drain(courier.link.scheduler, ROOT)
    Attempt.objects.filter(phase=AttemptPhase.SENDING).update(phase=AttemptPhase.WAITING, batch=None)
    tick(courier)
    waiting.refresh_status()
    assert waiting.status_message.startswith("Waits: embedded is paused since ")
    assert "Not in reach: " in waiting.status_message


# --- health -----------------------------------------------------------------------------------------------


def test_health_counts_what_is_where_and_how_long_sending_took(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    first, second = new_job("first", num_jobs=3), new_job("second")
    first.execute()
    tick(courier)
    pausing.drain(courier.link.scheduler, ROOT)
    second.execute()
    now = timezone.now()
    Batch.objects.update(created=now - timedelta(seconds=4), sent=now - timedelta(seconds=1.5))
    known = health.of(Scheduler.objects.get())
    assert (known["queue"]["waiting"], known["queue"]["on_pool"], known["queue"]["fetching"]) == (1, 1, 0)
    assert known["users"] == {"alice": {"attempts": 1, "slices": 3}}
    assert known["submit"] == {"batches": 1, "p50": 2.5, "p99": 2.5}
    assert known["sends"] is False
    assert known["draining"]["since"] is not None
    assert known["troubles"][0].startswith("embedded is being drained since ")


def test_health_tells_who_the_courier_is_and_that_none_works(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    import os

    new_job().execute()
    known = health.of(Scheduler.objects.get())
    assert known["courier"]["alive"]
    assert known["courier"]["pid"] == os.getpid()
    courier.release()
    known = health.of(Scheduler.objects.get())
    assert not known["courier"]["alive"]
    assert known["troubles"] == ["No courier works for embedded, and 1 jobs need one."]


def test_health_tells_how_old_our_view_is_and_how_late_events_are_recorded(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job()
    job.execute()
    tick(courier)
    pool.runs(job)
    courier._vitals._written = 0.0
    tick(courier)
    view = health.of(Scheduler.objects.get())["view"]
    assert 0 <= view["age"] < 30
    assert 0 <= view["lag"]["p50"] < 30
    assert view["lag"]["readings"] == 2


def test_of_a_pool_that_was_silent_for_long_health_says_so(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    new_job().execute()
    tick(courier)
    long_ago = timezone.now() - timedelta(minutes=10)
    Scheduler.objects.update(health={"read": long_ago.isoformat()})
    assert "Nothing was read from embedded for 60" in health.of(Scheduler.objects.get())["troubles"][0]


def test_a_budget_of_logins_that_is_used_up_is_a_trouble(db: None, other: Scheduler) -> None:
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    Scheduler.objects.update(login_hour=now, logins_in_hour=20, logins_today=21)
    known = health.of(Scheduler.objects.get())
    assert known["logins"] == {"today": 21, "this_hour": 20, "per_hour": 20}
    assert known["troubles"] == ["All 20 logins of this hour are used up."]
