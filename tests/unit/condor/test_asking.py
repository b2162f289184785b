"""What queue and history say together: unknown is never finished."""

from __future__ import annotations

import base64
import json
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from jobs_app.jobdir import facts
from jobs_app.pools.base import Garbled, PoolUnreachable, Snapshot
from jobs_app.pools.condor import answers, asking, plan
from jobs_app.pools.condor.plan import ClusterPlan, Run, Share
from jobs_app.pools.condor.plans import Plans
from jobs_app.pools.condor.point import AccessPoint
from jobs_app.pools.shell import Result
from jobs_app.states import SliceState

A, B = "a" * 32, "b" * 32
PLAN = "f" * 32 + ".0"
WAITING, RUNNING, DONE, FAILED = SliceState.WAITING, SliceState.RUNNING, SliceState.DONE, SliceState.FAILED


class Point(AccessPoint):
    """An access point whose queue, history and records are lists."""

    def __init__(self, *shares: Share) -> None:
        self.plan = plan.to_json([ClusterPlan(shares)])
        self.queue: list[dict[str, Any]] = []
        self.history: list[dict[str, Any]] = []
        self.factories: list[dict[str, Any]] = []
        self.records = b""
        self.traces = b""
        self.headings = b"RoostAttempt\n"
        self.asked: list[str] = []
        self.exit = 0

    @property
    def names(self) -> Point:  # type: ignore[override]
        return self

    root = "/roost"
    hello = answers.Hello("/roost", UTC, 0, "", frozenset(), "alice")

    def ask(self, script: str, *values: str, stdin: object = b"") -> Result:
        if script == "records.sh":
            return Result(0, self.records)
        if script == "traces.sh":
            return Result(0, self.traces)
        return Result(0, b"".join(name.encode() + b" " + self.plan + b"\n" for name in values[1:]))

    def command(self, *argv: str) -> Result:
        if "-af:h" in argv:
            return Result(0, self.headings)
        command = "condor_q -factory" if "-factory" in argv else argv[0]
        self.asked.append(command)
        ads = {"condor_q": self.queue, "condor_history": self.history}.get(command, self.factories)
        said = argv[argv.index("-constraint") + 1]
        wanted = [ad for ad in ads if ad["RoostAttempt"] in said and f'Owner =?= "{ad["Owner"]}"' in said]
        return Result(self.exit, json.dumps(wanted).encode() if wanted else b"", b"no schedd")

    def trouble(self, what: str, done: Result) -> PoolUnreachable:
        return PoolUnreachable(f"{what}: {done.complaint}")


def ad(attempt: str, number: int, status: int, code: int | None = None) -> dict[str, Any]:
    ended = {"ExitCode": code, "ExitBySignal": False} if code is not None else {}
    known = {"RoostAttempt": attempt, "RoostSlice": number, "RoostGroup": 0, "RoostPlan": PLAN}
    return {**known, "JobStatus": status, "Owner": "alice", **ended}


def share(attempt: str, slices: int) -> Share:
    return Share(attempt, slices, (Run("run", 0, slices),))


def ask(point: Point, *attempts: str) -> dict[str, Snapshot]:
    return asking.query(attempts, point, Plans(point))


def test_what_somebody_else_s_job_says_of_an_attempt_counts_for_nothing() -> None:
    """Everybody on the pool may read our attributes, and give them to jobs of their own."""
    point = Point(share(A, 1))
    point.queue = [ad(A, 0, 2), {**ad(A, 0, 4, 0), "Owner": "mallory"}]
    assert ask(point, A) == {A: Snapshot(A, {"run": bytes([RUNNING])})}


def test_all_in_the_queue_needs_no_history() -> None:
    point = Point(share(A, 2))
    point.queue = [ad(A, 0, 2), ad(A, 1, 1)]
    assert ask(point, A) == {A: Snapshot(A, {"run": bytes([RUNNING, WAITING])})}
    assert point.asked == ["condor_q"]


def test_while_something_is_in_the_queue_the_history_is_left_alone() -> None:
    point = Point(share(A, 3))
    point.queue, point.history = [ad(A, 2, 2)], [ad(A, 0, 4, 0), ad(A, 1, 4, 3)]
    assert ask(point, A) == {A: Snapshot(A, {})}
    assert point.asked == ["condor_q"]


def test_what_left_the_queue_is_in_the_history() -> None:
    point = Point(share(A, 3))
    point.history = [ad(A, 0, 4, 0), ad(A, 1, 4, 3), ad(A, 2, 4, 0)]
    assert ask(point, A) == {A: Snapshot(A, {"run": bytes([DONE, FAILED, DONE])}, finished=True)}
    assert point.asked == ["condor_q", "condor_q -factory", "condor_history"]


def test_what_is_made_little_by_little_and_has_no_proc_now_is_known() -> None:
    point = Point(share(A, 9000))
    point.factories, point.history = [ad(A, 0, 1)], [ad(A, 0, 4, 0)]
    assert ask(point, A) == {A: Snapshot(A, {})}


@pytest.mark.parametrize(("status", "state"), [(5, SliceState.HELD), (6, RUNNING), (7, SliceState.SUSPENDED)])
def test_every_status_has_its_state(status: int, state: SliceState) -> None:
    point = Point(share(A, 1))
    point.queue = [{**ad(A, 0, status), "HoldReasonCode": 34, "HoldReason": "too much memory"}]
    hold = (34, "too much memory (hold code 34)") if status == 5 else None
    assert ask(point, A) == {A: Snapshot(A, {"run": bytes([state])}, hold=hold)}


def test_an_attempt_is_finished_when_every_slice_is_accounted_for() -> None:
    point = Point(share(A, 2))
    point.history = [ad(A, 0, 4, 0), ad(A, 1, 3)]
    assert ask(point, A) == {A: Snapshot(A, {"run": bytes([DONE, SliceState.REMOVED])}, finished=True)}


def test_an_attempt_of_which_the_history_lost_a_slice_is_unknown() -> None:
    point = Point(share(A, 2))
    point.history = [ad(A, 0, 4, 0)]
    assert ask(point, A) == {}


def test_an_attempt_of_which_some_slices_are_not_made_yet_is_known_and_not_finished() -> None:
    point = Point(share(A, 9))
    point.queue = [ad(A, 0, 2)]
    assert ask(point, A) == {A: Snapshot(A, {})}


def test_an_attempt_that_nobody_knows_is_unknown_and_others_are_not() -> None:
    point = Point(share(A, 1), share(B, 1))
    point.queue = [ad(B, 0, 5)]
    assert set(ask(point, A, B)) == {B}


def records(*ends: tuple[int, int, int]) -> bytes:
    """Slice, exit code, signal."""
    said = [(number, json.dumps({"exit_code": code, "signal": signal})) for number, code, signal in ends]
    return "".join(f"{A}/out/{number}.json:{text}\n" for number, text in said).encode()


def test_what_htcondor_has_forgotten_is_over_if_every_slice_left_its_record() -> None:
    point = Point(share(A, 3))
    point.traces = f"{A} {PLAN}\n".encode()
    point.records = records((0, 0, 0), (1, 3, 0), (2, 0, 9))
    states = {"run": bytes([DONE, FAILED, FAILED])}
    assert ask(point, A) == {A: Snapshot(A, states, finished=True, traced=True)}


def test_what_htcondor_has_forgotten_stays_unknown_while_a_record_is_missing() -> None:
    point = Point(share(A, 3))
    point.traces = f"{A} {PLAN}\n".encode()
    point.records = records((0, 0, 0), (2, 0, 0)) + f"{A}/out/1.json:{{}}\n".encode()
    assert ask(point, A) == {}


def test_no_record_is_looked_at_while_the_queue_knows_the_attempt() -> None:
    point = Point(share(A, 1))
    point.queue = [ad(A, 0, 2)]
    point.traces, point.records = f"{A} {PLAN}\n".encode(), records((0, 0, 0))
    assert ask(point, A)[A].slices == {"run": bytes([RUNNING])}


def test_what_a_rerun_left_out_is_done() -> None:
    point = Point(Share(A, 4, (Run("run", 2, 1),)))
    point.history = [ad(A, 2, 4, 0)]
    assert ask(point, A) == {A: Snapshot(A, {"run": bytes([DONE] * 4)}, finished=True)}


def test_a_command_that_fails_is_no_empty_answer() -> None:
    point = Point(share(A, 1))
    point.exit = 1
    with pytest.raises(PoolUnreachable, match="condor_q: no schedd"):
        ask(point, A)


def test_a_command_that_ends_well_and_says_nothing_at_all_is_no_empty_answer() -> None:
    point = Point(share(A, 1))
    point.headings = b""
    with pytest.raises(Garbled, match="condor_q ended well and said nothing"):
        ask(point, A)


SCRIPT = Share(A, 4, (Run("prepare", 0, 1), Run("analysis", 0, 2), Run("synthesis", 0, 1)), whole=True)


def test_a_script_that_runs_stands_in_its_first_step() -> None:
    point = Point(SCRIPT)
    point.queue = [ad(A, 0, 2)]
    waiting = {"analysis": bytes(2), "synthesis": bytes(1)}
    assert ask(point, A) == {A: Snapshot(A, {"prepare": bytes([RUNNING]), **waiting})}


def test_a_script_that_ended_is_as_its_record_says(tmp_path: Path) -> None:
    path = tmp_path / "facts"
    for step, number in (("prepare", 0), ("analysis", 0)):
        facts.write(path, step, number, facts.Fact(DONE))
    facts.write(path, "analysis", 1, facts.Fact(FAILED, exit_code=1))
    text = base64.b64encode(path.read_bytes()).decode()
    point = Point(SCRIPT)
    point.history = [ad(A, 0, 4, 0)]
    point.records = f"{A}/out/0.json:{json.dumps({'exit_code': 0, 'facts': text, 'well': False})}\n".encode()
    states = {
        "prepare": bytes([DONE]),
        "analysis": bytes([DONE, FAILED]),
        "synthesis": bytes([SliceState.SKIPPED]),
    }
    assert ask(point, A) == {A: Snapshot(A, states, finished=True)}


def test_a_script_that_ended_without_a_record_failed() -> None:
    point = Point(SCRIPT)
    point.history, point.records = [ad(A, 0, 3)], b""
    found = ask(point, A)[A]
    assert found.finished
    assert set(b"".join(found.slices.values())) == {FAILED}
