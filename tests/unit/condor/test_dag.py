"""Attempts that run as nodes of a DAG: what is written for DAGMan, and what the event log says of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from jobs_app.pools.base import Event, EventKind, Resources, Step, Task
from jobs_app.pools.condor import eventlog, plan
from jobs_app.pools.condor.composing import Batch, compose
from jobs_app.pools.condor.forms import forms_of
from jobs_app.pools.condor.names import Names
from jobs_app.pools.condor.plan import ClusterPlan
from jobs_app.pools.condor.segment import Segment
from jobs_app.pools.condor.submit import Surroundings
from jobs_app.pools.condor.templates import finder

BROUGHT = Path(plan.__file__).parents[3] / "condor_templates"
TOKEN = "b" * 32
LEAD, PREPARE, ANALYSIS, SYNTHESIS = 5, 6, 7, 8  # clusters


def task(number: int = 1, slices: int = 50, **known: Any) -> Task:
    steps = (Step("prepare"), Step("analysis", slices), Step("synthesis"))
    return Task(f"{number:032x}", number, 1, "/job", steps, script="a.py", **known)


def composed(*tasks: Task) -> Batch:
    around = Surroundings(TOKEN, 0, "segment", Names("/home/alice/roost"), "version", finder([BROUGHT]))
    return compose(tasks, around)


# --- the forms ----------------------------------------------------------------------------------------------


def forms(*tasks: Task) -> list[str]:
    plans = composed(*tasks).plans
    found = {attempt: form for each in plans if each.unit is None for attempt, form in forms_of(each).items()}
    return [found[each.attempt] for each in tasks]


def test_a_job_that_fits_one_slot_is_one_proc() -> None:
    assert forms(task(slices=8)) == ["one-proc"]
    assert forms(task(slices=32, resources=Resources(cpus=4))) == ["one-proc"]


def test_a_middling_job_alone_has_its_own_dag_and_in_company_shares_one() -> None:
    assert forms(task(1)) == ["own-dag"]
    assert forms(task(1), task(2)) == ["batch-dag"] * 2


def test_large_jobs_and_those_that_ask_for_other_things_share_nothing() -> None:
    assert forms(task(1, 201), task(2, 201)) == ["own-dag"] * 2
    assert forms(task(1), task(2, resources=Resources(memory_mb=9))) == ["own-dag"] * 2
    assert forms(task(1, done=(("prepare", 0, 1),)), task(2)) == ["own-dag"] * 2


# --- what DAGMan reads --------------------------------------------------------------------------------------


def test_each_step_waits_for_the_one_before() -> None:
    text = composed(task()).files["0.dag"].decode().splitlines()
    assert "PARENT prepare_0 CHILD analysis_0" in text
    assert "PARENT analysis_0 CHILD synthesis_0" in text
    assert "CONFIG 0.config" in text


def test_dagman_honours_late_materialisation_and_does_not_give_up_on_held_slices() -> None:
    files = composed(task(slices=10_000)).files
    settings = files["0.config"].decode().splitlines()
    assert {"DAGMAN_USE_DIRECT_SUBMIT = False", "DAGMAN_MAX_JOB_HOLDS = 0"} <= set(settings)
    assert "max_materialize = 2000" in files["0.analysis.sub"].decode().splitlines()


def test_dagman_and_its_nodes_carry_the_sending_s_token() -> None:
    files = composed(task()).files
    for name in ("0.lead", "0.prepare.sub", "0.analysis.sub", "0.synthesis.sub"):
        lines = files[name].decode().splitlines()
        assert f'MY.RoostBatch = "{TOKEN}"' in lines
        assert "log = /home/alice/roost/segments/segment" in lines


def test_a_rerun_has_nodes_only_for_what_is_missing() -> None:
    done = (("prepare", 0, 1), ("analysis", 0, 20), ("analysis", 21, 29))
    files = composed(task(done=done)).files
    assert files["0.analysis_0.rows"] == b"20\n"
    assert "0.prepare.sub" not in files


def test_a_plan_with_a_dag_survives_being_written_down() -> None:
    batch = composed(task(1, slices=2), task(2), task(3))
    again = plan.from_json(batch.files["plan.json"])
    assert [each.shares for each in again] == [each.shares for each in batch.plans]
    assert [each.lead for each in again] == [each.lead for each in batch.plans]
    assert list(again[1].nodes) == [group for group, each in enumerate(again) if each.unit == 1]


# --- what the log says --------------------------------------------------------------------------------------


class Log:
    """A reader of one sending with one DAG, and what is written for it."""

    def __init__(self, *tasks: Task) -> None:
        self.plans: tuple[ClusterPlan, ...] = composed(*tasks).plans
        self.segment = Segment(UTC, lambda name, group: self.plans[group])
        self.attempt = tasks[0].attempt

    def say(self, code: int, cluster: int, proc: int, *lines: str) -> list[Event]:
        body = "\n".join(lines)
        text = f"{code:03} ({cluster:03}.{proc:03}.000) 2026-11-20 22:00:00 {body}\n...\n"
        return [event for each in eventlog.scan(text.encode())[0] for event in self.segment.translate(each)]

    def submit(self, cluster: int, group: int, procs: int = 1, attempt: str = "") -> list[Event]:
        notes = "    roost {} {} {} {}"
        said = [
            self.say(
                0,
                cluster,
                proc,
                "Job submitted.",
                notes.format(TOKEN + ".0", group, attempt or self.attempt, proc),
            )
            for proc in range(procs)
        ]
        return [event for each in said for event in each]

    def end(self, cluster: int, procs: int = 1, code: int = 0) -> list[Event]:
        words = ("Job terminated.", f"\t(1) Normal termination (return value {code})")
        return [event for proc in range(procs) for event in self.say(5, cluster, proc, *words)]


def kinds(events: list[Event]) -> list[tuple[str, str, int]]:
    return [(event.kind.value, event.step, event.count) for event in events]


@pytest.fixture
def log() -> Log:
    return Log(task(slices=10))


def test_an_attempt_is_accepted_with_its_dagman_and_finished_with_it(log: Log) -> None:
    assert kinds(log.submit(LEAD, 0)) == [("accepted", "", 1)]
    for cluster, group, procs in ((PREPARE, 1, 1), (ANALYSIS, 2, 10), (SYNTHESIS, 3, 1)):
        assert log.submit(cluster, group, procs) == []
        assert {event.kind for event in log.end(cluster, procs)} == {EventKind.ENDED}
    assert kinds(log.end(LEAD)) == [("finished", "", 1)]
    assert log.end(LEAD) == []


def test_what_was_not_submitted_was_skipped_if_all_went_well(log: Log) -> None:
    log.submit(LEAD, 0)
    log.submit(PREPARE, 1)
    log.end(PREPARE)
    said = [("skipped", "analysis", 10), ("skipped", "synthesis", 1), ("finished", "", 1)]
    assert kinds(log.end(LEAD)) == said


def test_what_was_not_submitted_is_removed_with_its_dagman(log: Log) -> None:
    log.submit(LEAD, 0)
    said = [("removed", "prepare", 1), ("removed", "analysis", 10), ("removed", "synthesis", 1)]
    assert kinds(log.say(9, LEAD, 0, "Job was aborted."))[:-1] == said


def test_it_is_not_finished_while_a_proc_of_it_is_left(log: Log) -> None:
    log.submit(LEAD, 0)
    log.submit(PREPARE, 1)
    assert log.say(9, LEAD, 0, "Job was aborted.") == []
    found = log.say(9, PREPARE, 0, "Job was aborted.")
    assert [event.kind for event in found][-1] == EventKind.FINISHED
    assert found[-1].data["ok"] is False


def test_a_dagman_that_ends_badly_leaves_nothing_that_looks_done(log: Log) -> None:
    log.submit(LEAD, 0)
    found = log.end(LEAD, code=1)
    assert {event.kind for event in found} == {EventKind.REMOVED, EventKind.FINISHED}
    assert found[-1].data["reason"] == "DAGMan ended with exit code 1."


def test_in_a_shared_dag_each_attempt_is_over_when_a_script_says_so() -> None:
    log = Log(task(1), task(2))
    assert [event.kind for event in log.submit(LEAD, 0)] == [EventKind.ACCEPTED] * 2
    other = f"{2:032x}"
    found = log.say(8, LEAD, 0, f"roost over {other} well")
    assert {event.attempt for event in found} == {other}
    assert found[-1].kind == EventKind.FINISHED
    assert {event.attempt for event in log.end(LEAD)} == {log.attempt}


def test_nobody_ends_an_attempt_of_another_dag(log: Log) -> None:
    log.submit(LEAD, 0)
    assert log.say(8, LEAD, 0, f"roost over {'f' * 32} well") == []


def test_what_is_held_back_before_it_is_submitted_is_shown_held(log: Log) -> None:
    log.submit(LEAD, 0)
    log.submit(PREPARE, 1)
    log.end(PREPARE)
    held = log.say(8, LEAD, 0, f"roost held {log.attempt} Paused by alice.")
    assert kinds(held) == [("held", "analysis", 10), ("held", "synthesis", 1)]
    assert held[0].reason == "Paused by alice."
    released = log.say(8, LEAD, 0, f"roost released {log.attempt}")
    assert [event.kind for event in released] == [EventKind.RELEASED] * 2


# --- what a proc tells of itself ----------------------------------------------------------------------------


@pytest.fixture
def whole() -> Log:
    log = Log(task(slices=8))
    log.submit(1, 0)
    return log


@pytest.mark.parametrize(
    "said",
    ['roost progress {"runs":[["analysis",0,3,2]]}', f"roost over {1:032x} well", "roost held", "hello", ""],
)
def test_what_a_node_writes_into_the_log_itself_is_no_news(whole: Log, said: str) -> None:
    assert whole.say(8, 1, 0, said) == []


def test_a_part_that_waits_for_a_subjob_is_not_shown_as_held_before_its_record_was_read(whole: Log) -> None:
    (found,) = whole.say(12, 1, 0, "Job was held.", "\tIt waits.", "\tCode 3 Subcode 75")
    assert found.data == {"asks": "0"}


def test_a_program_that_exits_like_a_waiting_part_is_held_as_any_other() -> None:
    log = Log(replace(task(), script="", executable="true", steps=(Step("run", 1),)))
    log.submit(1, 0)
    (found,) = log.say(12, 1, 0, "Job was held.", "\tA rule.", "\tCode 3 Subcode 75")
    assert (found.kind, found.data) == (EventKind.HELD, {})
