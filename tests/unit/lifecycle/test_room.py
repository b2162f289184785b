"""Whose turn it is: limits of a pool and of its users, and nobody waits for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from jobs_app.courier import Courier
from jobs_app.lifecycle import room
from jobs_app.models import Attempt, AttemptPhase, Job, Scheduler, UserLimit

from .fake_pool import FakePool

NewJob = Callable[..., Job]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SAY_EVERY", 0.0)
    monkeypatch.setattr(room, "COUNTED", 0.0)
    room._blocked.clear()


@pytest.fixture
def execute(new_job: NewJob) -> Callable[..., Job]:
    def execute(user: User, **what: Any) -> Job:
        job = new_job(f"{user}'s", **what)
        Job.objects.filter(pk=job.pk).update(user=user)
        job.refresh_from_db()
        job.execute()
        return job

    return execute


def limit(**limits: int) -> None:
    Scheduler.objects.update(**limits)


def tick(courier: Courier) -> None:
    courier._look_again()
    courier.tick()


def phase(job: Job) -> str:
    return job.attempts.order_by("-number")[0].phase


Execute = Callable[..., Job]


def test_who_has_as_many_slices_as_allowed_waits_and_is_told_why(
    execute: Execute, courier: Courier, pool: FakePool, alice: User, bob: User
) -> None:
    limit(max_slices_per_user=5)
    jobs = [execute(alice, num_jobs=2) for _ in range(3)]
    others = execute(bob)
    tick(courier)
    assert [phase(job) for job in jobs] == ["sent", "sent", "waiting"]
    assert phase(others) == "sent"
    assert jobs[2].status == "Submitted"
    assert jobs[2].status_message == "Waits: alice has 4 of 5 slices on embedded."


def test_what_is_over_leaves_room_for_what_waits(
    execute: Execute, courier: Courier, pool: FakePool, alice: User
) -> None:
    limit(max_slices_per_user=2)
    first, second = execute(alice, num_jobs=2), execute(alice, num_jobs=2)
    tick(courier)
    assert phase(second) == "waiting"
    pool.runs(first, (0, 0))
    tick(courier)
    tick(courier)
    assert first.status == "Complete"
    assert phase(second) == "sent"
    pool.happens(second, "started")
    tick(courier)
    assert (second.status, second.status_message) == ("Running", "")


def test_slices_that_are_over_do_not_count(
    execute: Execute, courier: Courier, pool: FakePool, alice: User
) -> None:
    limit(max_slices_per_user=3)
    first = execute(alice, num_jobs=3)
    tick(courier)
    second = execute(alice)
    pool.happens(first, "started", slice=0)
    pool.happens(first, "ended", slice=0, exit_code=0)
    tick(courier)
    tick(courier)
    assert phase(second) == "sent"


def test_a_user_may_have_a_limit_of_their_own(
    execute: Execute, courier: Courier, pool: FakePool, alice: User, bob: User
) -> None:
    limit(max_attempts_per_user=1)
    UserLimit.objects.create(scheduler=courier.link.scheduler, user=bob, max_attempts=3)
    hers, his = [execute(alice) for _ in range(4)], [execute(bob) for _ in range(4)]
    tick(courier)
    assert [phase(job) for job in hers].count("sent") == 1
    assert [phase(job) for job in his].count("sent") == 3
    assert his[3].status_message == "Waits to be sent to embedded."
    his[3].refresh_status()
    assert his[3].status_message == "Waits: bob has 3 of 3 jobs on embedded."


def test_the_pool_s_own_limit_is_shared_fairly(
    execute: Execute, courier: Courier, pool: FakePool, alice: User, bob: User
) -> None:
    limit(max_slices=8)
    hers = [execute(alice) for _ in range(20)]
    his = [execute(bob, num_jobs=2) for _ in range(20)]
    tick(courier)
    assert [phase(job) for job in hers].count("sent") == 4
    assert [phase(job) for job in his].count("sent") == 2
    assert hers[19].status_message == "Waits to be sent to embedded."
    hers[19].refresh_status()
    assert hers[19].status_message == "Waits: 8 of 8 slices are on embedded."


def test_who_comes_late_gets_what_becomes_free(
    execute: Execute, courier: Courier, pool: FakePool, alice: User, bob: User
) -> None:
    limit(max_attempts=4)
    hers = [execute(alice) for _ in range(8)]
    tick(courier)
    his = [execute(bob) for _ in range(4)]
    for job in hers[:2]:
        pool.runs(job)
    tick(courier)
    tick(courier)
    assert [phase(job) for job in his].count("sent") == 2
    assert [phase(job) for job in hers].count("sent") == 2


def test_a_large_job_is_not_overtaken_for_ever(
    execute: Execute,
    courier: Courier,
    pool: FakePool,
    alice: User,
    bob: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limit(max_slices=4)
    his = execute(bob, num_jobs=2)
    small = [execute(alice) for _ in range(6)]
    tick(courier)
    large = execute(bob, num_jobs=4)
    for job in small[:4]:
        pool.runs(job)
        tick(courier)
    tick(courier)
    assert [phase(job) for job in (large, *small[4:])] == ["waiting", "sent", "sent"]
    late = [execute(alice) for _ in range(2)]
    monkeypatch.setattr(room, "PATIENCE", 0.0)
    for job in (his, *small[4:]):
        pool.runs(job, (0,) * job.slices_total)
        tick(courier)
    tick(courier)
    assert [phase(job) for job in (large, *late)] == ["sent", "waiting", "waiting"]


def test_a_job_larger_than_the_limit_goes_alone(
    execute: Execute, courier: Courier, pool: FakePool, alice: User
) -> None:
    limit(max_slices_per_user=3)
    small, large = execute(alice), execute(alice, num_jobs=10)
    tick(courier)
    assert (phase(small), phase(large)) == ("sent", "waiting")
    pool.runs(small)
    tick(courier)
    tick(courier)
    assert phase(large) == "sent"


def test_a_limit_of_zero_lets_nothing_through(
    execute: Execute, courier: Courier, pool: FakePool, alice: User
) -> None:
    limit(max_attempts=0)
    job = execute(alice)
    tick(courier)
    assert phase(job) == "waiting"


def test_a_user_s_most_urgent_goes_first_and_takes_nothing_from_others(
    execute: Execute, courier: Courier, pool: FakePool, alice: User, bob: User
) -> None:
    limit(max_attempts_per_user=1)
    usual, urgent, his = execute(alice), execute(alice, priority=7), execute(bob)
    tick(courier)
    assert [phase(job) for job in (usual, urgent, his)] == ["waiting", "sent", "sent"]


def test_what_was_refused_in_company_gets_its_turn_though_new_jobs_keep_coming(
    execute: Execute, courier: Courier, pool: FakePool, alice: User
) -> None:
    good, bad = execute(alice), execute(alice)
    pool.refuses = {bad.pk}
    for _ in range(8):
        execute(alice)
        tick(courier)
    assert bad.status == "Error"
    assert phase(good) == "sent"


def test_what_cannot_be_sent_for_a_reason_of_its_own_keeps_saying_that(
    execute: Execute, courier: Courier, pool: FakePool, alice: User
) -> None:
    limit(max_attempts=0)
    job = execute(alice)
    Attempt.objects.update(failures=1)
    Job.objects.filter(pk=job.pk).update(status_message="The disk is full.")
    tick(courier)
    job.refresh_status()
    assert job.status_message == "The disk is full."


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's plans")
def test_choosing_reads_the_index_of_what_waits_and_sorts_nothing(db: None) -> None:
    with connection.cursor() as cursor:
        for statement, values in (
            (room._OWNER_AFTER, [1, 0]),
            (room._WAITING, [1, 1, "", 0, 0, 0, 5]),
            (room._LOADS, [1]),
        ):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", values)
            plan = " ".join(row[3] for row in cursor.fetchall())
            assert "attempt_next" in plan or "attempt_to_do" in plan, plan
            assert "SCAN" not in plan, plan
            if statement != room._LOADS:
                assert "TEMP B-TREE" not in plan, plan


def test_a_move_between_choosing_and_sending_is_seen(
    execute: Execute, courier: Courier, pool: FakePool, alice: User
) -> None:
    from jobs_app.lifecycle import send

    job = execute(alice)
    found = send._next_waiting(courier.link)
    other = Scheduler.objects.create(name="other")
    Attempt.objects.update(scheduler=other)
    _, claimed = send._claim(courier.link, [attempt.pk for attempt in found])
    assert claimed == 0
    assert phase(job) == AttemptPhase.WAITING


def test_what_was_just_sent_counts_before_the_rows_are_counted_again(
    execute: Execute, courier: Courier, pool: FakePool, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "COUNTED", 3600.0)
    limit(max_attempts=3)
    jobs = [execute(alice) for _ in range(2)]
    tick(courier)
    jobs += [execute(alice) for _ in range(3)]
    courier.tick()
    assert [phase(job) for job in jobs].count("sent") == 3
