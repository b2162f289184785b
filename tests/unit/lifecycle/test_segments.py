"""The files in which pools say what happened: damaged ones, old ones."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from jobs_app import courier as couriers
from jobs_app import health
from jobs_app.courier import Courier
from jobs_app.lifecycle import reconcile
from jobs_app.lifecycle.link import SEGMENT_AGE
from jobs_app.models import Attempt, AttemptPhase, Job, Scheduler, Segment
from jobs_app.pools.base import Events, Garbled, Snapshot
from jobs_app.pools.embedded.journal import SEGMENTS_STAY, Journal
from jobs_app.pools.embedded.places import Places
from jobs_app.states import SliceState

from .fake_pool import FakePool
from .test_send import attempt_of, time_passes

NewJob = Callable[..., Job]


@pytest.fixture
def damage(pool: FakePool, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    damaged: set[str] = set()
    follow = pool.follow

    def garbled(segment: str, offset: int, wait: float = 0.0) -> Events:
        if segment in damaged:
            raise Garbled(f"line 7 of {segment} is no event")
        return follow(segment, offset, wait)

    monkeypatch.setattr(pool, "follow", garbled)
    return damaged.add


def tick(courier: Courier) -> None:
    time_passes(courier)
    courier._look_again()
    courier._looked = 0.0
    courier._unreadable = {pk: (times, 0.0) for pk, (times, _) in courier._unreadable.items()}
    courier.tick()


def test_a_damaged_segment_is_left_and_the_pool_itself_is_asked(
    new_job: NewJob, courier: Courier, pool: FakePool, damage: Callable[[str], None]
) -> None:
    old, new = new_job("old"), new_job("new")
    old.execute()
    tick(courier)
    damage(Segment.objects.get().name)
    for _ in range(couriers.DAMAGED_AFTER):
        tick(courier)
    segment = Segment.objects.get()
    assert (segment.open, segment.damaged) == (False, f"line 7 of {segment.name} is no event")
    assert courier.link.scheduler.failures == 0
    said = f"The event log {segment.name} cannot be read, so its jobs are asked about: {segment.damaged}"
    assert said in health.of(Scheduler.objects.get())["troubles"]

    token = attempt_of(old).token
    pool.snapshots[token] = Snapshot(token, {"run": bytes([SliceState.DONE])}, finished=True)
    Attempt.objects.update(sent=timezone.now() - timedelta(seconds=2 * reconcile.EVERY))
    new.execute()
    for _ in range(2):
        reconcile.want(courier.link)
        tick(courier)
    tick(courier)
    assert old.status == "Complete"
    pool.runs(new)
    tick(courier)
    tick(courier)
    assert new.status == "Complete"


def test_what_could_not_be_read_once_is_read_again(
    new_job: NewJob, courier: Courier, pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = new_job()
    job.execute()
    tick(courier)
    with monkeypatch.context() as patch:

        def garbled(*_: object) -> Events:
            raise Garbled("half an answer")

        patch.setattr(pool, "follow", garbled)
        tick(courier)
    pool.runs(job)
    tick(courier)
    tick(courier)
    assert job.status == "Complete"
    assert Segment.objects.get().damaged == ""


def test_no_batch_logs_into_a_segment_that_the_pool_may_remove(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    first, second = new_job("first"), new_job("second")
    first.execute()
    tick(courier)
    Segment.objects.update(created=timezone.now() - SEGMENT_AGE - timedelta(minutes=1))
    second.execute()
    tick(courier)
    assert attempt_of(second).phase == AttemptPhase.SENT
    assert attempt_of(first).batch.segment != attempt_of(second).batch.segment  # type: ignore[union-attr]
    assert SEGMENT_AGE.total_seconds() < SEGMENTS_STAY


def test_the_embedded_pool_drops_segments_of_no_batch_when_they_are_old(tmp_path: Path) -> None:
    places = Places(tmp_path)
    places.make()
    journal = Journal(places)
    for name in ("old", "wanted", "young"):
        places.segment(name).write_text("x\n")
    for name in ("old", "wanted"):
        long_ago = places.segment(name).stat().st_mtime - SEGMENTS_STAY - 60
        os.utime(places.segment(name), (long_ago, long_ago))
    journal.drop_old_segments({"wanted"})
    assert sorted(path.name for path in places.events.iterdir()) == ["wanted", "young"]
