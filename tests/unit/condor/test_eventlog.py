"""Our scanner of the event log's text, with HTCondor's own reader as the oracle."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path
from typing import Any

import htcondor2
import pytest

from jobs_app.pools.base import Usage
from jobs_app.pools.condor import eventlog
from jobs_app.pools.condor.eventlog import LogEvent

LOG = Path(__file__).parent / "logs" / "many_kinds.log"


@pytest.fixture(scope="module")
def data() -> bytes:
    return LOG.read_bytes()


@pytest.fixture(scope="module")
def ours(data: bytes) -> list[LogEvent]:
    events, used = eventlog.scan(data)
    assert used == len(data)
    return events


@pytest.fixture(scope="module")
def theirs() -> list[Any]:
    with htcondor2.JobEventLog(str(LOG)) as log:
        events = list(log.events(stop_after=0))
    return [event for event in events if b"%03d" % event.type in eventlog.WANTED]


def test_the_same_events_are_found_in_the_same_order(ours: list[LogEvent], theirs: list[Any]) -> None:
    assert [(each.code, each.cluster, each.proc) for each in ours] == [
        (int(each.type), each.cluster, each.proc) for each in theirs
    ]
    assert {each.code for each in ours} == {0, 1, 4, 5, 6, 9, 10, 11, 12, 13, 36}


def test_times_are_those_that_are_written(ours: list[LogEvent], theirs: list[Any]) -> None:
    assert [each.time.decode() for each in ours] == [each["EventTime"].replace("T", " ") for each in theirs]


def test_exit_codes_and_signals_are_the_same(ours: list[LogEvent], theirs: list[Any]) -> None:
    for mine, other in zip(ours, theirs, strict=True):
        if mine.code == eventlog.TERMINATED or (
            mine.code == eventlog.EVICTED and eventlog.was_requeued(mine)
        ):
            how = eventlog.ending(mine)
            assert (how.exit_code, how.signal) == (other.get("ReturnValue"), other.get("TerminatedBySignal"))


def test_what_was_used_of_what_was_asked_for_is_the_same(ours: list[LogEvent], theirs: list[Any]) -> None:
    ended = [pair for pair in zip(ours, theirs, strict=True) if pair[0].code == eventlog.TERMINATED]
    names = ("CpusUsage", "RequestCpus", "MemoryUsage", "RequestMemory", "DiskUsage", "RequestDisk")
    for mine, other in ended:
        assert astuple(eventlog.usage(mine) or Usage()) == tuple(other.get(name) for name in names)
    assert len(ended) > 5


def test_what_is_used_meanwhile_is_the_same(ours: list[LogEvent], theirs: list[Any]) -> None:
    sizes = [pair for pair in zip(ours, theirs, strict=True) if pair[0].code == eventlog.IMAGE_SIZE]
    for mine, other in sizes:
        assert eventlog.usage(mine) == Usage(memory_used=other["MemoryUsage"])
    assert sizes


def test_a_retry_is_told_from_an_eviction(ours: list[LogEvent], theirs: list[Any]) -> None:
    evictions = [
        (eventlog.was_requeued(mine), bool(other["TerminatedAndRequeued"]))
        for mine, other in zip(ours, theirs, strict=True)
        if mine.code == eventlog.EVICTED
    ]
    assert {mine for mine, _ in evictions} == {True, False}
    assert all(mine == other for mine, other in evictions)


def test_hold_codes_and_reasons_are_the_same(ours: list[LogEvent], theirs: list[Any]) -> None:
    pairs = [
        (eventlog.hold(mine), other)
        for mine, other in zip(ours, theirs, strict=True)
        if mine.code == eventlog.HELD
    ]
    assert pairs
    for (code, reason), other in pairs:
        assert (code, reason) == (other["HoldReasonCode"], other["HoldReason"])


def test_memory_used_is_the_same(ours: list[LogEvent], theirs: list[Any]) -> None:
    pairs = [
        (eventlog.ending(mine).memory_mb, other.get("MemoryUsage"))
        for mine, other in zip(ours, theirs, strict=True)
        if mine.code == eventlog.TERMINATED
    ]
    assert any(mine for mine, _ in pairs)
    assert all(mine == other for mine, other in pairs)


def test_the_host_is_the_one_that_runs_the_slice(ours: list[LogEvent]) -> None:
    hosts = {eventlog.host(each) for each in ours if each.code == eventlog.EXECUTE}
    assert hosts == {"exec1.pool.roost.test", "exec2.pool.roost.test"}


def test_an_events_reason_leaves_out_its_tables(ours: list[LogEvent]) -> None:
    reasons = {eventlog.reason(each) for each in ours if each.code == eventlog.EVICTED}
    assert "User requested the job to vacate" in reasons
    assert not any("Usage" in each or "Usr" in each for each in reasons)


def test_wherever_the_log_is_cut_nothing_is_lost_or_said_twice(data: bytes, ours: list[LogEvent]) -> None:
    for cut in range(0, len(data), 37):
        first, used = eventlog.scan(data[:cut])
        rest, _ = eventlog.scan(data[used:])
        assert first + rest == ours


def test_a_torn_event_does_not_take_the_next_one_along(data: bytes) -> None:
    whole = b"005 (007.003.000) 2026-11-20 22:00:00 Job terminated.\n\t(1) Normal termination\n...\n"
    torn = b"005 (007.002.000) 2026-11-20 22:00:00 Job termin\n"
    events, used = eventlog.scan(torn + whole)
    assert [(each.cluster, each.proc) for each in events] == [(7, 3)]
    assert used == len(torn + whole)


def test_garbage_between_events_is_passed_over() -> None:
    whole = b"009 (007.003.000) 2026-11-20 22:00:00 Job was aborted.\n\tvia condor_rm\n...\n"
    events, _ = eventlog.scan(b"\0\xff\xfe nothing\n...\n" + whole + b"\n...\n" + whole)
    assert [each.code for each in events] == [9, 9]


def test_half_an_event_waits_for_the_rest() -> None:
    assert eventlog.scan(b"") == ([], 0)
    assert eventlog.scan(b"005 (007.003.000) 2026-11-20 22:00:00 Job terminated.\n..") == ([], 0)


def test_notes_that_are_not_ours_say_nothing() -> None:
    assert eventlog.identity(b"Job submitted from host: <192.0.2.1>\n    DAG Node: prepare\n") is None
