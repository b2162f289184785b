"""Log events turned into events: a whole recorded log, and what a pool may say besides."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jobs_app.pools.base import Event, EventKind, Garbled
from jobs_app.pools.condor import eventlog, plan
from jobs_app.pools.condor.plan import ClusterPlan, Run, Share
from jobs_app.pools.condor.segment import Segment

LOGS = Path(__file__).parent / "logs"
PLAN, ATTEMPT = "b" * 32 + ".0", "a" * 32


def recorded(zone: ZoneInfo | type(UTC) = UTC) -> Segment:
    known = json.loads((LOGS / "many_kinds.plans.json").read_text())
    plans = {name: plan.from_json(json.dumps(each).encode()) for name, each in known.items()}
    return Segment(zone, lambda name, group: plans[name][group])


def translated(segment: Segment, text: bytes) -> list[Event]:
    return [event for each in eventlog.scan(text)[0] for event in segment.translate(each)]


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return translated(recorded(), (LOGS / "many_kinds.log").read_bytes())


def of(events: list[Event], attempt: str) -> list[Event]:
    return [event for event in events if event.attempt.startswith(attempt)]


def test_every_attempt_is_accepted_first_and_finished_last_and_each_once(events: list[Event]) -> None:
    for attempt in {event.attempt for event in events}:
        kinds = [event.kind for event in of(events, attempt)]
        assert (kinds[0], kinds[-1]) == (EventKind.ACCEPTED, EventKind.FINISHED)
        assert kinds.count(EventKind.ACCEPTED) == kinds.count(EventKind.FINISHED) == 1


def test_slices_end_by_exit_code_or_by_signal(events: list[Event]) -> None:
    ends = {
        event.slice: (event.exit_code, event.signal)
        for event in of(events, "1fa6")
        if event.kind == EventKind.ENDED
    }
    assert ends == {0: (0, None), 1: (0, None), 2: (0, None), 3: (3, None), 4: (None, 9)}
    assert of(events, "1fa6")[-1].data == {"ok": False, "reason": "2 of 5 slices failed."}


def test_a_try_that_will_be_repeated_says_so(events: list[Event]) -> None:
    ends = [event.will_retry for event in of(events, "ade5") if event.kind == EventKind.ENDED]
    assert ends == [True, False]


def test_a_hold_has_code_and_reason_on_one_line(events: list[Event]) -> None:
    (held,) = [event for event in of(events, "e5ed") if event.kind == EventKind.HELD]
    assert (held.slice, held.code) == (1, 1)
    assert held.reason == "alice looks at it ... (by user roost)"
    assert of(events, "e5ed")[-1].data["ok"]


def test_what_a_factory_never_made_is_removed_as_one_range(events: list[Event]) -> None:
    removed = [(event.slice, event.count) for event in of(events, "8b89") if event.kind == EventKind.REMOVED]
    assert removed[-1] == (2, 4)
    assert sum(count for _, count in removed) == 6


def test_suspended_and_evicted_slices_go_on(events: list[Event]) -> None:
    kinds = Counter(event.kind for event in of(events, "947a"))
    assert kinds[EventKind.SUSPENDED] == kinds[EventKind.RESUMED] == 1
    assert kinds[EventKind.STARTED] == 3


def test_times_are_read_in_the_access_points_zone() -> None:
    text = (LOGS / "many_kinds.log").read_bytes()
    there = translated(recorded(ZoneInfo("Europe/Berlin")), text)[0].at
    assert there == translated(recorded(), text)[0].at - 3600


# --- what else a log may hold ---------------------------------------------------------------------------


def event(code: int, proc: int, *lines: str, cluster: int = 7) -> bytes:
    body = "\n".join(lines)
    return f"{code:03} ({cluster:03}.{proc:03}.000) 2026-11-20 22:00:00 {body}\n...\n".encode()


def submitted(proc: int, sliceno: int, cluster: int = 7, attempt: str = ATTEMPT) -> bytes:
    notes = f"    roost {PLAN} 0 {attempt} {sliceno}"
    return event(0, proc, "Job submitted from host: <192.0.2.10>", notes, cluster=cluster)


TERMINATED = ("Job terminated.", "\t(1) Normal termination (return value 0)")


def segment_of(*shares: Share) -> Segment:
    return Segment(UTC, lambda name, group: ClusterPlan(shares) if name == PLAN else None)


def test_clusters_of_others_are_passed_over() -> None:
    segment = segment_of(Share(ATTEMPT, 1, (Run("run", 0, 1),)))
    foreign = event(0, 0, "Job submitted from host: <192.0.2.10>", "    somebody else", cluster=8)
    assert translated(segment, foreign + event(5, 0, *TERMINATED, cluster=8)) == []


def test_a_batch_that_nobody_knows_any_more_is_passed_over() -> None:
    segment = Segment(UTC, lambda name, group: None)
    assert translated(segment, submitted(0, 0) + event(5, 0, *TERMINATED)) == []


def test_notes_that_contradict_the_plan_are_an_error() -> None:
    segment = segment_of(Share(ATTEMPT, 1, (Run("run", 0, 1),)))
    with pytest.raises(Garbled, match="says that it belongs to"):
        translated(segment, submitted(0, 0, attempt="c" * 32))


def test_a_proc_that_is_said_to_end_twice_has_ended_once() -> None:
    segment = segment_of(Share(ATTEMPT, 2, (Run("run", 0, 2),)))
    log = submitted(0, 0) + submitted(1, 1) + event(5, 0, *TERMINATED) * 2
    assert EventKind.FINISHED not in [each.kind for each in translated(segment, log)]
    rest = translated(segment, event(5, 1, *TERMINATED) * 2)
    assert [each.kind for each in rest].count(EventKind.FINISHED) == 1


def test_two_attempts_in_a_cluster_end_each_by_itself() -> None:
    other = "d" * 32
    segment = segment_of(Share(ATTEMPT, 1, (Run("run", 0, 1),)), Share(other, 2, (Run("run", 0, 2),)))
    log = submitted(0, 0) + submitted(1, 0, attempt=other) + submitted(2, 1, attempt=other)
    found = translated(segment, log + event(5, 2, *TERMINATED) + event(5, 0, *TERMINATED))
    ends = [(each.attempt[0], each.slice) for each in found if each.kind == EventKind.ENDED]
    assert ends == [("d", 1), ("a", 0)]
    assert [each.attempt for each in found if each.kind == EventKind.FINISHED] == [ATTEMPT]


def test_a_rerun_names_slices_by_their_own_numbers() -> None:
    segment = segment_of(Share(ATTEMPT, 9, (Run("run", 2, 1), Run("run", 5, 2))))
    log = b"".join(submitted(proc, number) for proc, number in enumerate((2, 5, 6)))
    found = translated(segment, log + b"".join(event(5, proc, *TERMINATED) for proc in range(3)))
    assert [each.slice for each in found if each.kind == EventKind.ENDED] == [2, 5, 6]


def test_a_proc_that_runs_a_whole_script_stands_for_its_first_step() -> None:
    runs = (Run("analysis", 0, 8), Run("synthesis", 0, 1))
    segment = segment_of(Share(ATTEMPT, 9, runs, whole=True))
    log = submitted(0, 0) + event(1, 0, "Job executing on host: <192.0.2.11>") + event(5, 0, *TERMINATED)
    _, started, ended, finished = translated(segment, log)
    assert (started.step, started.slice, started.count) == ("analysis", 0, 8)
    assert ended.data == {"steps": [("analysis", 8), ("synthesis", 1)]}
    assert finished.kind == EventKind.FINISHED


def test_a_lost_shadow_and_a_failed_reconnect_are_evictions() -> None:
    segment = segment_of(Share(ATTEMPT, 1, (Run("run", 0, 1),)))
    log = (
        submitted(0, 0) + event(7, 0, "Shadow exception!", "\tDied") + event(24, 0, "Job reconnection failed")
    )
    assert [each.kind for each in translated(segment, log)][1:] == [EventKind.EVICTED] * 2


def test_an_old_log_without_years_is_of_this_year() -> None:
    segment = segment_of(Share(ATTEMPT, 1, (Run("run", 0, 1),)))
    now = datetime.now(UTC).replace(microsecond=0)
    text = submitted(0, 0).replace(b"2026-11-20 22:00:00", now.strftime("%m/%d %H:%M:%S").encode())
    (accepted,) = translated(segment, text)
    assert accepted.at == now.timestamp()
