"""What somebody needs from a pool now: asked in a row, answered by the courier."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from jobs_app import courier as couriers
from jobs_app.compute import embedded
from jobs_app.courier import Courier
from jobs_app.errors import BadParameter, NoAnswer
from jobs_app.lifecycle import errands, link, nudge
from jobs_app.models import Errand, Scheduler
from jobs_app.pools.base import Pool, PoolUnreachable, Refused

from .fake_pool import FakePool

Answerer = Callable[[Pool], dict[str, Any]]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answerer], list[dict[str, Any]]]:
    """Says how errands of the kind "test" are answered; the questions that came."""

    def serve(answer: Answerer) -> list[dict[str, Any]]:
        seen: list[dict[str, Any]] = []

        def handler(errand: Errand) -> Answerer:
            seen.append(errand.question)
            return answer

        monkeypatch.setitem(errands._handlers, "test", handler)
        return seen

    return serve


@pytest.fixture
def working(pool: FakePool, transactional_db: None) -> Iterator[Scheduler]:
    """A scheduler whose courier works in a thread, as in serve."""
    scheduler, stop = embedded(), threading.Event()

    def work() -> None:
        couriers.run(scheduler, stop)
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        while not nudge.address(scheduler.pk).exists():
            time.sleep(0.01)
        yield scheduler
    finally:
        stop.set()
        nudge.nudge(scheduler.pk)
        thread.join(60)


def test_who_asks_where_no_courier_works_does_its_work(
    pool: FakePool, transactional_db: None, served: Any
) -> None:
    seen = served(lambda _: {"free": 7})
    assert errands.ask(embedded(), "test", {"path": "/data"}) == {"free": 7}
    assert seen == [{"path": "/data"}]


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Couriers do nothing by themselves."""
    monkeypatch.setattr(couriers, "LOOK_EVERY", 1200.0)


def test_a_working_courier_answers_when_it_is_asked_and_not_when_it_looks_next(
    seldom: None, working: Scheduler, served: Any
) -> None:
    served(lambda _: {"free": 7})
    for number in range(5):
        assert errands.ask(working, "test", {"number": number}, wait=60) == {"free": 7}


def test_what_takes_long_keeps_no_other_errand_waiting(working: Scheduler, served: Any) -> None:
    slow = threading.Event()
    served(lambda _: {"waited": slow.wait(60)})
    first = threading.Thread(target=_ask_and_disconnect, args=(working, "test"))
    first.start()
    _until(lambda: Errand.objects.filter(state=Errand.TAKEN).exists())
    served(lambda _: {"quick": True})
    assert errands.ask(working, "test", {"other": 1}, wait=50) == {"quick": True}
    slow.set()
    first.join(60)


def test_two_who_ask_the_same_share_one_errand(working: Scheduler, served: Any) -> None:
    go = threading.Event()
    seen = served(lambda _: {"went": go.wait(60)})
    first = threading.Thread(target=_ask_and_disconnect, args=(working, "test", 60.0))
    first.start()
    _until(lambda: len(seen) == 1)
    second = threading.Thread(target=_ask_and_disconnect, args=(working, "test", 180.0))
    second.start()
    _until(lambda: Errand.objects.get().until > timezone.now() + timedelta(seconds=90))
    go.set()
    for thread in (first, second):
        thread.join(60)
    assert Errand.objects.get().state == Errand.ANSWERED
    assert len(seen) == 1


def test_the_pools_no_comes_back_in_its_own_words(
    pool: FakePool, transactional_db: None, served: Any
) -> None:
    def refuse(_: Pool) -> dict[str, Any]:
        raise Refused("/data: no such place")

    served(refuse)
    with pytest.raises(Refused, match="/data: no such place"):
        errands.ask(embedded(), "test")


def test_an_error_of_ours_stays_one(pool: FakePool, transactional_db: None, served: Any) -> None:
    def refuse(_: Pool) -> dict[str, Any]:
        raise BadParameter("What is that?")

    served(refuse)
    with pytest.raises(BadParameter, match="What is that"):
        errands.ask(embedded(), "test")


def test_a_pool_out_of_reach_is_said_at_once(pool: FakePool, transactional_db: None, served: Any) -> None:
    def cut(_: Pool) -> dict[str, Any]:
        raise PoolUnreachable("no route to host")

    seen = served(cut)
    for _ in range(2):
        with pytest.raises(PoolUnreachable, match="no route to host"):  # no NoAnswer
            errands.ask(embedded(), "test", {}, wait=300)
        Scheduler.objects.update(retry_at=timezone.now() + timedelta(minutes=1))
    assert len(seen) == 1


def test_nobody_answers_and_that_is_said(courier: Courier, served: Any) -> None:
    seen = served(lambda _: {})
    with pytest.raises(NoAnswer, match="Nobody has answered for scheduler"):
        errands.ask(courier.link.scheduler, "test", wait=0.2)
    time.sleep(0.05)
    courier.tick()
    assert not seen
    assert not Errand.objects.exists()


def test_a_new_courier_answers_what_a_dead_one_had_taken_up(
    pool: FakePool, transactional_db: None, served: Any
) -> None:
    served(lambda _: {"by": "the new one"})
    scheduler = embedded()
    until = timezone.now() + timedelta(seconds=30)
    errand = Errand.objects.create(scheduler=scheduler, kind="test", state=Errand.TAKEN, until=until)
    courier = Courier(scheduler)
    assert courier.take()

    def answered() -> bool:
        courier.tick()
        return _state(errand) == Errand.ANSWERED

    try:
        _until(answered)
    finally:
        courier.close()


def test_an_errand_of_no_known_kind_is_an_error(pool: FakePool, transactional_db: None) -> None:
    with pytest.raises(Exception, match="Nobody knows how to answer an errand of the kind 'nonsense'"):
        errands.ask(embedded(), "nonsense")


def test_a_worker_takes_its_turn_for_an_errand_alone(transactional_db: None, monkeypatch: Any) -> None:
    monkeypatch.setitem(link.OPENERS, "embedded", lambda _: FakePool())
    scheduler = embedded()
    until = timezone.now() + timedelta(seconds=30)
    assert couriers.with_work() == []
    Errand.objects.create(scheduler=scheduler, kind="test", digest="1", until=until)
    assert couriers.with_work() == [scheduler.pk]


def _ask_and_disconnect(scheduler: Scheduler, kind: str, wait: float = 60.0) -> None:
    from django.db import connections

    try:
        errands.ask(scheduler, kind, wait=wait)
    finally:
        connections.close_all()


def _state(errand: Errand) -> str:
    errand.refresh_from_db()
    return errand.state


def _until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
