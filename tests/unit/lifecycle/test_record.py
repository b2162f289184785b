"""What the pool says becomes rows: both events and offset, once, whatever comes twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from jobs_app.courier import Courier
from jobs_app.lifecycle import actors
from jobs_app.lifecycle.link import live_segments
from jobs_app.lifecycle.record import Overtaken, record, record_patiently
from jobs_app.models import Attempt, AttemptPhase, History, Job, Scheduler, Segment, SliceBlock
from jobs_app.pools.base import Event, EventKind, Events
from jobs_app.states import SliceState

from .fake_pool import FakePool

NewJob = Callable[..., Job]

POOL = actors.pool("embedded")


@pytest.fixture
def sent(new_job: NewJob, courier: Courier, pool: FakePool) -> Callable[..., tuple[Job, str]]:
    """A job on the pool, and its token."""

    def send(**parameters: object) -> tuple[Job, str]:
        job = new_job(**parameters)
        job.execute()
        courier.tick()
        return job, Attempt.objects.get(job=job).token

    return send


def segment() -> Segment:
    return Segment.objects.get()


def said(*events: Event) -> Events:
    return Events(events, segment().offset + 1)


def event(kind: EventKind, token: str, first: int = 0, **what: object) -> Event:
    return Event(kind, token, time.time(), step="run", slice=first, **what)  # type: ignore[arg-type]


def test_a_segment_read_by_another_courier_is_not_recorded_twice(
    sent: Callable[..., tuple[Job, str]],
) -> None:
    _, token = sent()
    mine, others = segment(), segment()
    news = said(event(EventKind.STARTED, token))
    record(others, news, POOL)
    with pytest.raises(Overtaken):
        record(mine, news, POOL)


def test_an_event_seen_twice_changes_nothing(sent: Callable[..., tuple[Job, str]]) -> None:
    job, token = sent(num_jobs=2)
    news = (event(EventKind.STARTED, token), event(EventKind.ENDED, token, exit_code=0))
    record(segment(), said(*news), POOL)
    before = (job.status, SliceBlock.objects.values().get(), History.objects.count())
    record(segment(), said(*news), POOL)
    assert (job.status, SliceBlock.objects.values().get(), History.objects.count()) == before


def test_late_events_after_the_end_change_nothing(
    sent: Callable[..., tuple[Job, str]], courier: Courier, pool: FakePool
) -> None:
    job, _ = sent()
    pool.runs(job)
    courier.tick()
    assert job.status == "Complete"
    pool.happens(job, EventKind.STARTED)
    pool.happens(job, EventKind.HELD, reason="too late")
    courier.tick()
    assert (job.status, job.status_message) == ("Complete", "")


def test_events_of_an_unknown_attempt_are_passed_over(sent: Callable[..., tuple[Job, str]]) -> None:
    job, token = sent()
    record(segment(), said(event(EventKind.STARTED, "f" * 32), event(EventKind.STARTED, token)), POOL)
    assert job.status == "Running"


def test_a_pool_speaks_of_no_other_pool_s_jobs(sent: Callable[..., tuple[Job, str]]) -> None:
    job, token = sent()
    other = Scheduler.objects.create(name="other", kind=Scheduler.CONDOR)
    elsewhere = Segment.objects.create(scheduler=other, name="elsewhere")
    words = Event(EventKind.SAYING, token, time.time(), "run", data={"says": "0", "lines": ["lies"]})
    over = Event(EventKind.FINISHED, token, time.time(), data={"ok": True})
    news = (event(EventKind.STARTED, token), event(EventKind.ENDED, token, exit_code=0), words, over)
    assert record(elsewhere, Events(news, 1), POOL).finished == ()
    assert (job.status, Attempt.objects.get(token=token).phase) == ("Submitted", AttemptPhase.SENT)
    assert not (job.paths.attempt(1).root / "status").exists()


@pytest.mark.parametrize("code", [1, 0])
def test_a_slice_that_is_tried_again_waits_however_it_ended(
    sent: Callable[..., tuple[Job, str]], code: int
) -> None:
    job, token = sent()
    record(segment(), said(event(EventKind.STARTED, token)), POOL)
    record(segment(), said(event(EventKind.ENDED, token, exit_code=code, will_retry=True)), POOL)
    assert job.slice_states() == bytes([SliceState.WAITING])
    assert job.status == "Submitted"


def test_the_history_tells_what_was_tried_again_in_one_line(sent: Callable[..., tuple[Job, str]]) -> None:
    job, token = sent(num_jobs=20)

    def fails(number: int, **how: int) -> Event:
        return event(EventKind.ENDED, token, number, will_retry=True, **how)

    def line() -> str:
        return History.objects.get(job=job, why__startswith="Tried again").why

    record(segment(), said(fails(2, exit_code=1)), POOL)
    assert line() == "Tried again (1 time): slice 2 (exit code 1)."
    record(segment(), said(fails(2, signal=9), fails(5, exit_code=3)), POOL)
    three = "slice 2 (exit code 1), slice 2 (signal 9), slice 5 (exit code 3)"
    assert line() == f"Tried again (3 times): {three}."
    for _ in range(2):
        record(segment(), said(*(fails(number, exit_code=1) for number in range(10, 20))), POOL)
    assert line().startswith(f"Tried again (23 times): {three}, slice 10 (exit code 1), ")
    assert line().endswith("slice 16 (exit code 1), ...")


def test_a_job_that_comes_back_to_its_held_slices_says_again_why_they_are_held(
    sent: Callable[..., tuple[Job, str]],
) -> None:
    job, token = sent(num_jobs=2)
    record(segment(), said(event(EventKind.HELD, token, count=2, reason="no space", code=13)), POOL)
    record(segment(), said(event(EventKind.RELEASED, token, 0)), POOL)
    record(segment(), said(event(EventKind.STARTED, token, 0)), POOL)
    assert (job.status, job.status_message) == ("Running", "")
    record(segment(), said(event(EventKind.ENDED, token, 0, exit_code=0)), POOL)
    assert job.status == "Held"
    assert job.status_message.startswith("no space. ")


def test_ranges_of_slices_reach_over_blocks(sent: Callable[..., tuple[Job, str]]) -> None:
    job, token = sent(num_jobs=3 * SliceBlock.SIZE)
    first, count = SliceBlock.SIZE - 10, SliceBlock.SIZE + 20
    record(segment(), said(event(EventKind.REMOVED, token, first, count=count)), POOL)
    counts = job.slice_counts()
    assert (counts.removed, counts.waiting) == (count, 3 * SliceBlock.SIZE - count)
    assert job.slice_states(first=first - 1, count=2) == bytes([SliceState.WAITING, SliceState.REMOVED])


def test_of_a_large_job_only_the_touched_blocks_are_read_and_written(
    sent: Callable[..., tuple[Job, str]], django_assert_max_num_queries: Callable[[int], object]
) -> None:
    job, token = sent(num_jobs=100 * SliceBlock.SIZE)
    news = said(*(event(EventKind.STARTED, token, number) for number in range(1000)))
    mine = segment()
    with django_assert_max_num_queries(12):  # type: ignore[attr-defined]
        record(mine, news, POOL)
    assert job.status == "Running"
    assert job.slices_running == 1000


def test_many_jobs_in_one_reading_take_few_queries(
    new_job: NewJob,
    courier: Courier,
    pool: FakePool,
    django_assert_max_num_queries: Callable[[int], object],
) -> None:
    jobs = [new_job(f"job {number}") for number in range(100)]
    for job in jobs:
        job.execute()
    courier.tick()
    (mine,) = live_segments(courier.link.scheduler)
    for job in jobs:
        pool.happens(job, EventKind.STARTED)
    news = pool.follow(mine.name, mine.offset)
    with django_assert_max_num_queries(10):  # type: ignore[attr-defined]
        record(mine, news, POOL)
    assert {job.status for job in jobs} == {"Running"}


def test_the_history_tells_of_the_job_not_of_each_slice(sent: Callable[..., tuple[Job, str]]) -> None:
    job, token = sent(num_jobs=500)
    record(segment(), said(*(event(EventKind.STARTED, token, number) for number in range(500))), POOL)
    assert History.objects.filter(job=job).count() == 2


def test_independent_slices_that_end_differently_make_various(
    sent: Callable[..., tuple[Job, str]], courier: Courier, pool: FakePool
) -> None:
    job, _ = sent(num_jobs=3)
    pool.happens(job, EventKind.ENDED, exit_code=0)
    courier.tick()
    assert job.status == "Various"
    pool.runs(job, [0, 3, 0])
    courier.tick()
    assert job.status == "Various-Complete"
    assert "Slice 1 failed: it ended with exit code 3." in job.status_message
    assert (job.slices_done, job.slices_failed) == (2, 1)


def test_a_signal_is_a_failure_whatever_the_exit_code(
    sent: Callable[..., tuple[Job, str]], courier: Courier, pool: FakePool
) -> None:
    job, _ = sent()
    pool.happens(job, EventKind.ENDED, exit_code=0, signal=9)
    pool.happens(job, EventKind.FINISHED, data={"ok": False})
    courier.tick()
    assert job.status == "Error"
    assert "signal 9" in job.status_message
    assert Attempt.objects.get(job=job).signal == 9


def test_a_job_is_not_complete_before_the_pool_says_that_all_is_over(
    sent: Callable[..., tuple[Job, str]], courier: Courier, pool: FakePool
) -> None:
    job, _ = sent()
    pool.happens(job, EventKind.STARTED)
    pool.happens(job, EventKind.ENDED, exit_code=0)
    courier.tick()
    assert job.status == "Running"


def test_a_slice_of_which_nothing_is_known_counts_as_failed(
    sent: Callable[..., tuple[Job, str]], courier: Courier, pool: FakePool
) -> None:
    job, _ = sent(num_jobs=2)
    pool.happens(job, EventKind.ENDED, slice=0, exit_code=0)
    pool.happens(job, EventKind.FINISHED, data={"ok": True})
    courier.tick()
    assert job.status == "Various-Complete"
    assert "Slice 1 failed" in job.status_message


def test_one_attempt_that_cannot_be_recorded_does_not_stop_the_others(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    bad, good = new_job("bad"), new_job("good")
    for job in (bad, good):
        job.execute()
    courier.tick()
    Attempt.objects.filter(job=bad).update(work={"unknown": 1})
    pool.runs(bad)
    pool.runs(good)
    courier.tick()
    assert good.status == "Complete"
    assert "TypeError" in Attempt.objects.get(job=bad).last_error


def test_a_segment_ends_when_nothing_in_it_is_alive(
    sent: Callable[..., tuple[Job, str]], courier: Courier, pool: FakePool
) -> None:
    job, _ = sent()
    assert live_segments(courier.link.scheduler)
    pool.runs(job)
    courier.tick()
    assert live_segments(courier.link.scheduler) == []
    assert Attempt.objects.get(job=job).phase == AttemptPhase.FINAL


def test_events_that_come_before_the_answer_to_send_are_believed(
    sent: Callable[..., tuple[Job, str]], courier: Courier, pool: FakePool
) -> None:
    job, _ = sent()
    Attempt.objects.filter(job=job).update(phase=AttemptPhase.SENDING)
    pool.happens(job, EventKind.STARTED)
    courier.tick()
    assert job.status == "Running"


def test_recording_patiently_goes_on_where_it_was(sent: Callable[..., tuple[Job, str]]) -> None:
    _, token = sent()
    mine = segment()
    record_patiently(mine, said(event(EventKind.STARTED, token)), POOL)
    assert segment().offset == mine.offset


@pytest.mark.parametrize("said_by_the_pool", ["\udcff is no text", "a \0 in the middle"])
def test_a_reason_that_no_database_takes_is_kept_with_its_escapes(
    sent: Callable[..., tuple[Job, str]], said_by_the_pool: str
) -> None:
    job, token = sent()
    over = event(EventKind.FINISHED, token, data={"ok": False, "reason": said_by_the_pool})
    record(segment(), said(event(EventKind.HELD, token, reason=said_by_the_pool), over), POOL)
    attempt = Attempt.objects.get(job=job)
    assert attempt.phase == AttemptPhase.FETCHING
    assert attempt.reason.startswith(("\\udcff is no text", "a \\x00 in the middle"))


def together(kind: EventKind, tokens: Sequence[str], **what: object) -> Events:
    """The same to all, in the same second, as HTCondor's log tells it."""
    return said(*(Event(kind, token, 1_800_000_000.0, step="run", **what) for token in tokens))  # type: ignore[arg-type]


def test_jobs_that_start_together_are_written_together_and_each_has_its_own_rows(
    sent: Callable[..., tuple[Job, str]], django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    jobs, tokens = zip(*(sent() for _ in range(8)), strict=True)
    opened, news = segment(), together(EventKind.STARTED, tokens[:6])
    with django_assert_max_num_queries(9):
        record(opened, news, POOL)
    assert [job.status for job in jobs] == ["Running"] * 6 + ["Submitted"] * 2
    for job in jobs[:6]:
        assert job.slices_running == 1
        assert job.start_time == datetime.fromtimestamp(1_800_000_000, UTC)
        assert job.slice_states() == bytes([SliceState.RUNNING])
        line = History.objects.get(job=job, after="RUN")
        assert (line.before, line.attempt, line.actor) == ("SUB", 1, POOL.name)


def test_jobs_that_end_together_are_each_told_to_be_over(sent: Callable[..., tuple[Job, str]]) -> None:
    _, tokens = zip(*(sent() for _ in range(5)), strict=True)
    ended = together(EventKind.ENDED, tokens, exit_code=3)
    over = together(EventKind.FINISHED, tokens, data={"ok": False, "reason": "1 of 1 slices failed."})
    recorded = record(segment(), said(*ended.events, *over.events), POOL)
    rows = Attempt.objects.filter(token__in=tokens)
    assert set(recorded.finished) == set(rows.values_list("pk", "token"))
    assert {(row.phase, row.exit_code, row.reason) for row in rows} == {
        (AttemptPhase.FETCHING, 3, "1 of 1 slices failed.")
    }


def test_jobs_that_are_held_together_are_each_told_their_own_cure(
    sent: Callable[..., tuple[Job, str]],
) -> None:
    jobs, tokens = zip(*(sent() for _ in range(5)), strict=True)
    record(segment(), together(EventKind.HELD, tokens, code=34, reason="It used too much memory"), POOL)
    for job in jobs:
        assert job.status == "Held"
        assert f"jobs resume {job.pk} memory=" in job.status_message


def test_what_stays_as_it_is_is_not_written(
    sent: Callable[..., tuple[Job, str]], django_assert_num_queries: Callable[[int], Any]
) -> None:
    _, token = sent()
    news = together(EventKind.STARTED, [token]).events
    record(segment(), said(*news), POOL)
    again = said(*news)
    opened = segment()
    with django_assert_num_queries(5):  # a transaction's two, the offset, the attempt, its blocks
        record(opened, again, POOL)
