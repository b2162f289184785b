"""A courier's turn in a Celery worker: messages may come twice, late, or where a courier works already."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from jobs_app import courier as couriers
from jobs_app.compute import embedded
from jobs_app.lifecycle import lease, link
from jobs_app.lifecycle.nudge import Bell
from jobs_app.models import Attempt, AttemptPhase, Job, Scheduler

from .fake_pool import FakePool

NewJob = Callable[..., Job]


@pytest.fixture(autouse=True)
def _stays() -> Iterator[None]:
    yield
    couriers.leaving.clear()
    couriers._couriers.__dict__.clear()


@pytest.fixture
def waiting(new_job: NewJob, pool: FakePool) -> Job:
    job = new_job()
    job.execute()
    return job


def in_a_thread(work: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        work()
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.django_db(transaction=True)
def test_the_same_message_twice_makes_one_courier_and_the_second_one_wakes_it(
    waiting: Job, pool: FakePool
) -> None:
    pk = embedded().pk
    thread = in_a_thread(lambda: couriers.work_a_while(pk))
    while not Attempt.objects.filter(phase=AttemptPhase.SENT).exists():
        thread.join(0.01)
    assert couriers.work_a_while(pk) is False
    couriers.leaving.set()
    thread.join(60)
    assert pool.calls.count("send") == 1


def test_who_finds_a_courier_at_work_rings_its_bell(db: None, pool: FakePool) -> None:
    scheduler = embedded()
    assert lease.take(scheduler.pk, "elsewhere:1:2:3")
    bell = Bell(scheduler.pk)
    try:
        assert not bell.wait(0)
        assert couriers.work_a_while(scheduler.pk) is False
        assert bell.wait(60)
    finally:
        bell.close()


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_asked_to_end_gives_the_lease_back_at_once(waiting: Job, pool: FakePool) -> None:
    pk = embedded().pk
    left: list[bool] = []
    thread = in_a_thread(lambda: left.append(couriers.work_a_while(pk)))
    while not Attempt.objects.filter(phase=AttemptPhase.SENT).exists():
        thread.join(0.01)
    couriers.leaving.set()
    thread.join(60)
    assert left == [True]  # there is work left for another worker
    assert Scheduler.objects.get(pk=pk).courier_until is None
    assert couriers.work_a_while(pk) is True


def test_a_turn_ends_when_others_have_nobody(
    waiting: Job, pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(link.OPENERS, "condor", lambda _: pool)
    turn = couriers._Turn(embedded().pk)
    turn._begun -= couriers.TURN + 1
    turn._looked -= 60
    assert not turn.is_set()
    other = Scheduler.objects.create(name="other")
    Attempt.objects.create(job=waiting, number=2, token="f" * 32, scheduler=other)
    turn._looked -= 60
    assert turn.is_set()
    held = timezone.now() + timedelta(seconds=20)
    Scheduler.objects.filter(pk=other.pk).update(courier="elsewhere:1:2:3", courier_until=held)
    turn._looked -= 60
    assert not turn.is_set()
