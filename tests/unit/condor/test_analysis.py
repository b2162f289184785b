"""Why procs wait, in plain words: sizes first, then what the negotiator and HTCondor's own analysis say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs_app.lifecycle.idle import fitting
from jobs_app.pools.base import PoolUnreachable
from jobs_app.pools.condor.analysis import Analysis, nothing_has, passed_over, read, unmatched
from jobs_app.pools.condor.point import AccessPoint
from jobs_app.pools.shell import Result

A, B = "a" * 32, "b" * 32

REPORT = """
The Requirements expression for job 2.000 reduces to these conditions:

         Slots
Step    Matched  Condition
-----  --------  ---------
[0]           2  TARGET.Arch == "X86_64"
[1]           0  TARGET.OpSys == "WINDOWS"
[2]           0  [0] && [1]
[8]           2  TARGET.HasFileTransfer

002.000:  Run analysis summary ignoring user priority.  Of 2 machines,
      2 are rejected by your job's requirements
      0 reject your job because of their own requirements
      0 match and are already running your jobs
      0 match but are serving other users
      0 are able to run your job
"""
BUSY = """
002.000:  Run analysis summary ignoring user priority.  Of 8 machines,
      0 are rejected by your job's requirements
      0 reject your job because of their own requirements
      3 match and are already running your jobs
      5 match but are serving other users
      0 are able to run your job
"""
FREE = BUSY.replace("0 are able", "1 are able")
SLOT = {"TotalSlotCpus": 4, "TotalSlotMemory": 2048, "TotalSlotDisk": 1 << 20, "TotalSlotGPUs": 0}
LEFT = {"Cpus": 1, "Memory": 128, "Disk": 1 << 20, "GPUs": 0, "State": "Unclaimed"}
SMALL = {"RequestCpus": 1, "RequestMemory": 100, "RequestDisk": 10}


def proc(attempt: str, cluster: int = 1, group: int = 7, **known: object) -> dict[str, Any]:
    named = {"RoostAttempt": attempt, "ClusterId": cluster, "ProcId": 0, "AutoClusterId": group}
    return {**named, **SMALL, "QDate": 1000, "JobPrio": 0, **known}


class Point(AccessPoint):
    def __init__(self, procs: list[dict[str, Any]], report: str = BUSY, exit: int = 0, **left: Any) -> None:
        self.procs, self.report, self.exit = procs, report, exit
        self.slots = [{**SLOT, **LEFT, **left}] * 8
        self.asked: list[str] = []

    def command(self, *argv: str) -> Result:
        if "-better-analyze" in argv:
            self.asked.append("analysis")
            return Result(self.exit, self.report.encode(), b"no schedd")
        if "-totals" in argv:
            self.asked.append("totals")
            return Result(0, b"Total for query: 12 jobs; 0 completed, 12 idle")
        self.asked.append(argv[0])
        return Result(0, json.dumps(self.procs if argv[0] == "condor_q" else self.slots).encode())

    def trouble(self, what: str, done: Result) -> PoolUnreachable:
        return PoolUnreachable(f"{what}: {done.complaint}")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"RequestMemory": 65536}, "No machine has 64 GB of memory; the largest has 2 GB."),
        ({"RequestMemory": 2049}, "No machine has quite 2 GB of memory: the largest has a little less."),
        ({"RequestCpus": 8}, "No machine has 8 cores; the largest has 4."),
        ({"RequestGPUs": 1}, "No machine has 1 GPUs; none has any."),
        ({"RequestDisk": 3 << 20}, "No machine has 3 GB of disk; the largest has 1 GB."),
        ({"RequestMemory": "/Expr(2 * MemoryUsage)/"}, ""),
        ({}, ""),
    ],
)
def test_what_no_machine_has_is_named_beside_the_largest(asked: dict[str, Any], said: str) -> None:
    assert nothing_has(proc(A, **asked), [SLOT, SLOT]) == said


@pytest.mark.parametrize(
    ("asked", "limit"),
    [
        ({"RequestMemory": 65536}, ("memory", 2027)),
        ({"RequestMemory": 2049}, ("memory", 2027)),
        ({"RequestCpus": 8}, ("cpus", 4)),
        ({"RequestDisk": 3 << 20}, ("disk", 1013)),
        ({"RequestGPUs": 1}, None),
        ({}, None),
    ],
)
def test_what_would_fit_is_read_from_what_is_said(asked: dict[str, Any], limit: object) -> None:
    """With it a machine takes the job."""
    assert fitting(nothing_has(proc(A, **asked), [SLOT, SLOT])) == limit
    names = {"memory": "RequestMemory", "cpus": "RequestCpus", "disk": "RequestDisk"}
    if isinstance(limit, tuple):
        less = {names[limit[0]]: limit[1] * (1024 if limit[0] == "disk" else 1)}
        assert nothing_has(proc(A, **less), [SLOT, SLOT]) == ""


def test_what_no_machine_has_together_is_listed() -> None:
    slots = [{**SLOT, "TotalSlotCpus": 16, "TotalSlotMemory": 1024}, SLOT]
    said = nothing_has(proc(A, RequestCpus=8, RequestMemory=2000), slots)
    assert said == "No machine has all of this together: 8 cores, 1.95 GB of memory, 0 MB of disk."


def test_a_pool_without_machines_says_so() -> None:
    assert nothing_has(proc(A), []) == "The pool has no machine at all at the moment."


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("submitter limit exceeded", "The accounting group 'physics.alice' has its share of the pool"),
        ("concurrency limit matlab reached", "A limit on what may run at once is reached: matlab"),
        ("insufficient priority", "Others with a better priority"),
        ("no match found", ""),
    ],
)
def test_what_the_negotiator_said_is_translated(reason: str, said: str) -> None:
    ad = proc(A, LastRejMatchReason=reason, AccountingGroup="physics.alice", ConcurrencyLimits="matlab")
    assert passed_over(ad).startswith(said)
    assert bool(passed_over(ad)) == bool(said)


def test_the_condition_that_no_slot_meets_is_named() -> None:
    assert unmatched(read(REPORT)) == 'No slot matches TARGET.OpSys == "WINDOWS".'


def test_conditions_that_are_only_met_apart_are_told_so() -> None:
    apart = REPORT.replace("0  TARGET.OpSys", "1  TARGET.OpSys")
    assert unmatched(read(apart)) == "None of 2 slots meets all of its requirements together."


def test_machines_that_take_no_such_job_are_told_so() -> None:
    said = BUSY.replace("0 reject your", "8 reject your").replace("3 match", "0 match")
    assert unmatched(read(said)) == "8 machines take no such job, by their own rules."


def test_one_analysis_serves_all_that_are_alike() -> None:
    point = Point([proc(A), proc(B, cluster=2)])
    found = Analysis(point).why_idle([A, B])
    assert found == dict.fromkeys(
        [A, B], "All 8 machines that would do are busy; 12 slices are ahead of it in this queue."
    )
    assert point.asked == ["condor_q", "condor_status", "analysis", "totals"]


def test_what_was_found_is_good_for_a_while() -> None:
    point = Point([proc(A)])
    analysis = Analysis(point)
    assert analysis.why_idle([A]) == analysis.why_idle([A])
    assert point.asked.count("analysis") == 1
    assert point.asked.count("condor_status") == 1


def test_a_free_slot_is_waited_for() -> None:
    assert Analysis(Point([proc(A)], FREE)).why_idle([A])[A].startswith("A slot would take it now.")


@pytest.mark.parametrize("left", [{"Cpus": 0}, {"Memory": 99}, {"State": "Claimed"}])
def test_machines_that_have_too_little_left_are_busy(left: dict[str, Any]) -> None:
    said = Analysis(Point([proc(A)], FREE, **left)).why_idle([A])[A]
    assert said.startswith("All 8 machines that would do are busy; 12 slices are ahead")


def test_what_does_not_wait_any_more_has_no_reason() -> None:
    assert Analysis(Point([])).why_idle([A]) == {A: ""}


def test_a_round_has_time_for_a_few_analyses_only() -> None:
    point = Point([proc(f"{number:032x}", number + 1, number + 1) for number in range(9)])
    analysis = Analysis(point)
    attempts = [f"{number:032x}" for number in range(9)]
    assert len(analysis.why_idle(attempts)) == 5
    assert len(analysis.why_idle(attempts)) == 9


def test_a_command_that_fails_is_no_answer() -> None:
    with pytest.raises(PoolUnreachable, match="no schedd"):
        Analysis(Point([proc(A)], "", exit=1)).why_idle([A])
