"""What the pool decides, without any process."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs_app.pools.base import Event, EventKind, Resources, Selection, Step, Task
from jobs_app.pools.embedded.checkpoint import dump, restore
from jobs_app.pools.embedded.plan import Deliver, Dismiss, Kill, Outcome, Plan, Start
from jobs_app.pools.embedded.wire import Note
from jobs_app.pools.embedded.work import Part, Work
from jobs_app.states import SliceState

WELL, BADLY = Outcome(0), Outcome(1, reason="it failed")


class Desk:
    """A plan, and what it has said."""

    def __init__(self, slots: int = 2) -> None:
        self.plan = Plan(slots)
        self.records: list[Event | Note] = []
        self.starts: list[Start] = []
        self.actions: list[Any] = []
        self.now = 100.0

    def send(self, name: str = "a", *steps: Step, script: str = "", **fields: Any) -> None:
        steps = steps or (Step("run", 3),)
        task = Task(name, 1, 1, "/nowhere", steps, script=script, **fields)
        self.plan.add("batch", "segment", task)
        self.plan.accept(name, self.now)

    def script(self, name: str = "a", slices: int = 2, **fields: Any) -> None:
        steps = (Step("prepare"), Step("analysis", slices), Step("synthesis"))
        self.send(name, *steps, script="a_test.py", **fields)

    def go(self) -> list[str]:
        """Starts what can be started: "attempt step slice"."""
        self.plan.start(self.now)
        self.collect()
        names = [f"{start.attempt} {start.part.step} {start.part.slice}" for start in self.starts]
        self.starts = []
        return names

    def collect(self) -> None:
        records, actions = self.plan.take()
        self.records += [record for _, record in records]
        self.starts += [action for action in actions if isinstance(action, Start)]
        self.actions += [action for action in actions if not isinstance(action, Start)]

    def end(self, step: str, sliceno: int = 0, outcome: Outcome = WELL, name: str = "a") -> None:
        run = self.plan.works[name].running[Part(step, sliceno)]
        self.plan.ended(name, Part(step, sliceno), run.tries, outcome)
        self.collect()

    def lose(self, step: str, sliceno: int = 0, name: str = "a") -> None:
        run = self.plan.works[name].running[Part(step, sliceno)]
        self.plan.lost(name, Part(step, sliceno), run.tries, self.now)
        self.collect()

    def run_all(self, outcome: Outcome = WELL) -> None:
        while self.go() or any(True for _ in self.plan.running()):
            work, part, _ = next(self.plan.running())
            self.end(part.step, part.slice, outcome, work.token)

    def states(self, step: str = "run", name: str = "a") -> list[str]:
        stage = self.plan.works[name].named(step)
        assert stage is not None
        return [SliceState(state).name for state in stage.states]

    def kinds(self, name: str = "a") -> list[str]:
        self.collect()
        return [r.kind.value for r in self.records if isinstance(r, Event) and r.attempt == name]

    def last(self, kind: EventKind) -> Event:
        self.collect()
        return [r for r in self.records if isinstance(r, Event) and r.kind == kind][-1]

    def again(self) -> Desk:
        """Another daemon's plan, made from what this one has written."""
        other = Desk(self.plan.slots)
        for work in self.plan.works.values():
            other.plan.add(work.batch, work.segment, work.task)
        for record in self.records:
            other.plan.replay(record)
        other.plan.recover(self.now)
        other.collect()
        return other


@pytest.fixture
def desk() -> Desk:
    return Desk()


# --- starting -----------------------------------------------------------------------------------------------


def test_as_many_start_as_there_are_slots(desk: Desk) -> None:
    desk.send()
    assert desk.go() == ["a run 0", "a run 1"]
    assert desk.go() == []
    desk.end("run", 0)
    assert desk.go() == ["a run 2"]


def test_attempts_of_equal_priority_take_turns(desk: Desk) -> None:
    desk.send("huge", Step("run", 1000))
    desk.send("small", Step("run", 2))
    assert desk.go() == ["huge run 0", "small run 0"]
    desk.end("run", 0, name="huge")
    desk.end("run", 0, name="small")
    assert desk.go() == ["huge run 1", "small run 1"]


def test_a_higher_priority_goes_first(desk: Desk) -> None:
    desk.send("low")
    desk.send("high", priority=1)
    assert desk.go() == ["high run 0", "high run 1"]


def test_who_needs_more_cores_waits_for_them_and_nobody_slips_in(desk: Desk) -> None:
    desk.send("one", Step("run", 1))
    desk.send("both", Step("run", 1), resources=Resources(cpus=2))
    desk.send("small", Step("run", 1))
    assert desk.go() == ["one run 0"]
    desk.end("run", name="one")
    assert desk.go() == ["both run 0"]
    desk.end("run", name="both")
    assert desk.go() == ["small run 0"]


def test_who_asks_for_more_cores_than_there_are_gets_all(desk: Desk) -> None:
    desk.send("greedy", Step("run", 1), resources=Resources(cpus=64))
    assert desk.go() == ["greedy run 0"]
    assert desk.plan.free == 0


def test_concurrency_is_a_limit_of_the_attempt_alone(desk: Desk) -> None:
    desk.send("a", concurrency=1)
    desk.send("b")
    assert desk.go() == ["a run 0", "b run 0"]
    desk.end("run", 0, name="b")
    assert desk.go() == ["b run 1"]
    desk.end("run", 1, name="b")
    assert desk.go() == ["b run 2"]
    desk.end("run", 0)
    assert desk.go() == ["a run 1"]


# --- steps --------------------------------------------------------------------------------------------------


def test_a_step_begins_when_the_one_before_has_ended_well(desk: Desk) -> None:
    desk.script()
    assert desk.go() == ["a prepare 0"]
    desk.end("prepare")
    assert desk.go() == ["a analysis 0", "a analysis 1"]
    desk.end("analysis", 1)
    assert desk.go() == []
    desk.end("analysis", 0)
    assert desk.go() == ["a synthesis 0"]
    desk.end("synthesis")
    assert desk.last(EventKind.FINISHED).data == {"ok": True, "reason": ""}
    assert desk.actions == [Dismiss("a")]


def test_a_script_that_finishes_early_skips_analysis_and_still_collects(desk: Desk) -> None:
    desk.script(slices=3)
    desk.go()
    desk.end("prepare", outcome=Outcome(0, finished_early=True))
    assert desk.states("analysis") == ["SKIPPED"] * 3
    assert desk.go() == ["a synthesis 0"]
    desk.end("synthesis")
    assert desk.last(EventKind.FINISHED).data["ok"]


def test_a_step_without_slices_is_passed_over(desk: Desk) -> None:
    desk.script(slices=0)
    desk.go()
    desk.end("prepare")
    assert desk.go() == ["a synthesis 0"]


def test_after_a_slice_of_a_script_failed_the_running_end_and_the_rest_is_skipped(desk: Desk) -> None:
    desk.script(slices=4)
    desk.go()
    desk.end("prepare")
    desk.go()
    desk.end("analysis", 0, BADLY)
    assert desk.states("analysis") == ["FAILED", "RUNNING", "SKIPPED", "SKIPPED"]
    assert "finished" not in desk.kinds()
    desk.end("analysis", 1)
    assert desk.states("synthesis") == ["SKIPPED"]
    assert desk.last(EventKind.FINISHED).data == {"ok": False, "reason": "it failed"}


def test_a_slice_that_still_runs_gets_no_further_try_when_the_script_has_failed(desk: Desk) -> None:
    desk.script(slices=2, retries=1)
    desk.go()
    desk.end("prepare")
    desk.go()
    desk.end("analysis", 0, BADLY)
    desk.go()
    desk.end("analysis", 0, BADLY)
    desk.end("analysis", 1, BADLY)
    assert desk.states("analysis") == ["FAILED", "FAILED"]
    assert desk.kinds()[-1] == "finished"


def test_the_slices_of_an_executable_are_independent(desk: Desk) -> None:
    desk.send()
    desk.go()
    desk.end("run", 0, BADLY)
    desk.run_all()
    assert desk.states() == ["FAILED", "DONE", "DONE"]
    assert not desk.last(EventKind.FINISHED).data["ok"]


def test_what_was_skipped_is_told_in_one_event(desk: Desk) -> None:
    desk.script(slices=1_000_000)
    desk.go()
    desk.end("prepare", outcome=BADLY)
    skipped = [r for r in desk.records if isinstance(r, Event) and r.kind == EventKind.SKIPPED]
    assert [(event.step, event.slice, event.count) for event in skipped] == [
        ("analysis", 0, 1_000_000),
        ("synthesis", 0, 1),
    ]


# --- tries --------------------------------------------------------------------------------------------------


def test_a_failed_slice_is_tried_again_as_often_as_allowed(desk: Desk) -> None:
    desk.send("a", Step("run", 1), retries=2)
    for tries in (1, 2, 3):
        assert desk.go() == ["a run 0"]
        assert desk.last(EventKind.STARTED).tries == tries
        desk.end("run", 0, BADLY)
        assert desk.last(EventKind.ENDED).will_retry is (tries < 3)
    assert desk.states() == ["FAILED"]


def test_a_slice_that_was_lost_has_used_up_none_of_its_tries(desk: Desk) -> None:
    desk.send("a", Step("run", 1), retries=0)
    for _ in range(5):
        desk.go()
        desk.lose("run")
    desk.go()
    assert desk.last(EventKind.STARTED).tries == 6
    desk.end("run")
    assert desk.states() == ["DONE"]


def test_news_of_an_earlier_try_is_passed_over(desk: Desk) -> None:
    desk.send("a", Step("run", 1), retries=5)
    desk.go()
    desk.end("run", 0, BADLY)
    desk.go()
    desk.plan.ended("a", Part("run", 0), 1, WELL)
    assert desk.states() == ["RUNNING"]


def test_nothing_is_kept_of_a_slice_that_has_ended(desk: Desk) -> None:
    desk.send("a", Step("run", 50), retries=1)
    desk.run_all(BADLY)
    work = desk.plan.works["a"]
    assert desk.states() == ["FAILED"] * 50
    assert [*work.running, *work.tries, *work.failures] == []


# --- hold, release, remove ----------------------------------------------------------------------------------


def test_what_waits_is_held_at_once_and_what_runs_when_it_is_dead(desk: Desk) -> None:
    desk.send()
    desk.go()
    desk.plan.hold(Selection("a"), 1, "why", desk.now)
    assert desk.states() == ["RUNNING", "RUNNING", "HELD"]
    desk.collect()
    assert desk.actions == [Kill("a", Part("run", 0)), Kill("a", Part("run", 1))]
    desk.lose("run", 0)
    desk.lose("run", 1)
    assert desk.states() == ["HELD"] * 3
    assert desk.last(EventKind.HELD).reason == "why"
    assert desk.go() == []


def test_a_slice_that_ended_well_before_it_could_be_held_is_done(desk: Desk) -> None:
    desk.send("a", Step("run", 1))
    desk.go()
    desk.plan.hold(Selection("a"), 1, "why", desk.now)
    desk.end("run")
    assert desk.states() == ["DONE"]
    assert desk.kinds()[-1] == "finished"


def test_a_slice_that_fails_because_it_is_killed_is_held_not_failed(desk: Desk) -> None:
    desk.send("a", Step("run", 1))
    desk.go()
    desk.plan.hold(Selection("a"), 1, "why", desk.now)
    desk.end("run", 0, BADLY)
    assert desk.states() == ["HELD"]


def test_released_slices_start_again(desk: Desk) -> None:
    desk.send()
    desk.plan.hold(Selection("a"), 1, "why", desk.now)
    assert desk.go() == []
    desk.plan.release(Selection("a", "run", (1,)), desk.now)
    assert desk.go() == ["a run 1"]
    desk.plan.release(Selection("a"), desk.now)
    assert desk.go() == ["a run 0"]


def test_a_slice_released_before_it_was_dead_starts_again(desk: Desk) -> None:
    desk.send("a", Step("run", 1))
    desk.go()
    desk.plan.hold(Selection("a"), 1, "why", desk.now)
    desk.plan.release(Selection("a"), desk.now)
    desk.lose("run")
    assert desk.kinds()[-1] == "evicted"
    assert desk.go() == ["a run 0"]


def test_a_removed_attempt_is_finished_when_its_last_part_is_dead(desk: Desk) -> None:
    desk.script()
    desk.go()
    desk.plan.remove(Selection("a"), "stopped", desk.now)
    assert desk.states("analysis") == ["REMOVED", "REMOVED"]
    assert "finished" not in desk.kinds()
    desk.lose("prepare")
    assert desk.kinds()[-2:] == ["removed", "finished"]
    assert desk.last(EventKind.FINISHED).data == {"ok": False, "reason": "removed"}


def test_what_is_removed_cannot_be_held_instead(desk: Desk) -> None:
    desk.send("a", Step("run", 1))
    desk.go()
    desk.plan.remove(Selection("a"), "stopped", desk.now)
    desk.plan.hold(Selection("a"), 1, "why", desk.now)
    desk.lose("run")
    assert desk.states() == ["REMOVED"]


def test_a_held_slice_can_be_removed_and_the_others_go_on(desk: Desk) -> None:
    desk.send()
    desk.plan.hold(Selection("a", "run", (1,)), 1, "why", desk.now)
    desk.plan.remove(Selection("a", "run", (1,)), "not wanted", desk.now)
    desk.run_all()
    assert desk.states() == ["DONE", "REMOVED", "DONE"]


def test_removing_a_slice_of_a_script_ends_the_script(desk: Desk) -> None:
    desk.script(slices=3)
    desk.go()
    desk.end("prepare")
    desk.plan.remove(Selection("a", "analysis", (1,)), "not wanted", desk.now)
    assert desk.states("analysis") == ["SKIPPED", "REMOVED", "SKIPPED"]
    assert desk.kinds()[-1] == "finished"


def test_removing_what_is_over_says_nothing_more(desk: Desk) -> None:
    desk.send()
    desk.run_all()
    count = len(desk.kinds())
    desk.plan.remove(Selection("a"), "late", desk.now)
    desk.plan.hold(Selection("a"), 1, "late", desk.now)
    desk.plan.release(Selection("a"), desk.now)
    assert len(desk.kinds()) == count


def test_changed_limits_hold_from_the_next_start_on(desk: Desk) -> None:
    desk.send("a", Step("run", 2), resources=Resources(memory_mb=1))
    desk.go()
    desk.plan.change(Selection("a", "run", (1,)), Resources(memory_mb=2), desk.now)
    work = desk.plan.works["a"]
    assert work.running[Part("run", 1)].resources.memory_mb == 1
    desk.lose("run", 0)
    desk.lose("run", 1)
    desk.go()
    assert [work.running[Part("run", i)].resources.memory_mb for i in (0, 1)] == [1, 2]


# --- subjobs ------------------------------------------------------------------------------------------------


def ask(desk: Desk, name: str = "r1") -> None:
    desk.plan.ask("a", Part("synthesis", 0), 1, {"id": name, "kind": "build"}, desk.now)
    desk.collect()


@pytest.fixture
def asking() -> Desk:
    desk = Desk(slots=1)
    desk.send("a", Step("synthesis"), script="a_test.py")
    desk.go()
    ask(desk)
    return desk


def test_who_waits_for_a_subjob_holds_no_slot(asking: Desk) -> None:
    assert asking.last(EventKind.REQUEST).data == {"id": "r1", "kind": "build"}
    asking.send("child", Step("run", 1))
    assert asking.go() == ["child run 0"]


def test_the_answer_is_delivered_when_there_is_a_slot_again(asking: Desk) -> None:
    asking.send("child", Step("run", 2))
    asking.go()
    asking.plan.answer("a", "r1", {"job": "x-1"}, asking.now)
    assert asking.go() == []
    assert asking.actions == []
    asking.end("run", 0, name="child")
    assert asking.go() == []
    assert asking.actions == [Deliver("a", "r1", {"job": "x-1"})]
    asking.end("synthesis")
    assert asking.go() == ["child run 1"]


def test_asking_again_is_told_once_and_the_answer_is_kept(asking: Desk) -> None:
    ask(asking)
    asking.plan.answer("a", "r1", {"job": "x-1"}, asking.now)
    asking.plan.answer("a", "r1", {"job": "x-2"}, asking.now)
    asking.go()
    ask(asking)
    assert asking.kinds().count("request") == 1
    assert asking.actions == [Deliver("a", "r1", {"job": "x-1"})] * 2


def test_a_part_that_died_while_it_waited_gets_no_answer(asking: Desk) -> None:
    asking.lose("synthesis")
    asking.plan.answer("a", "r1", {"job": "x-1"}, asking.now)
    assert asking.go() == ["a synthesis 0"]
    assert asking.actions == []


def test_the_time_of_waiting_for_a_subjob_is_not_its_own(asking: Desk) -> None:
    run = asking.plan.works["a"].running[Part("synthesis", 0)]
    assert run.since == asking.now
    asking.now += 1000
    asking.plan.answer("a", "r1", {}, asking.now)
    asking.go()
    assert run.since == asking.now


# --- another daemon -----------------------------------------------------------------------------------------


def test_a_plan_made_from_the_records_knows_the_same(desk: Desk) -> None:
    desk.script("a", slices=5, retries=2)
    desk.send("b", resources=Resources(memory_mb=5))
    desk.go()
    desk.end("prepare")
    desk.go()
    desk.end("run", 0, BADLY, name="b")
    desk.plan.change(Selection("b"), Resources(memory_mb=7), desk.now)
    desk.plan.hold(Selection("b", "run", (2,)), 1, "why", desk.now)
    desk.go()
    desk.end("analysis", 0, BADLY)
    desk.plan.hold(Selection("a", "analysis"), 1, "why", desk.now)
    desk.collect()
    other = desk.again()
    assert other.records == []
    assert other.plan.free == desk.plan.free
    assert {name: vars_of(work) for name, work in other.plan.works.items()} == {
        name: vars_of(work) for name, work in desk.plan.works.items()
    }


def test_a_plan_made_from_a_checkpoint_knows_the_same(asking: Desk) -> None:
    asking.plan.answer("a", "r1", {"job": "x-1"}, asking.now)
    asking.script("b", slices=5, retries=2)
    asking.send("c", resources=Resources(memory_mb=5))
    asking.run_all(BADLY)
    asking.send("d", Step("run", 3), retries=1)
    asking.go()
    asking.end("run", 0, BADLY, name="d")
    asking.go()
    asking.plan.change(Selection("d", "run", (1,)), Resources(memory_mb=7), asking.now)
    asking.plan.hold(Selection("d"), 1, "why", asking.now)
    for work in asking.plan.works.values():
        known = json.loads(json.dumps(dump(work)))
        other = Work(work.batch, work.segment, work.task)
        restore(other, known)
        assert vars_of(other) == vars_of(work)


def vars_of(work: Any) -> dict[str, Any]:
    return {**vars(work), "stages": [(stage.name, stage.states, stage.counts) for stage in work.stages]}


def test_a_batch_that_was_kept_but_not_announced_is_accepted(desk: Desk) -> None:
    desk.send()
    desk.records.clear()
    desk.plan.take()
    other = desk.again()
    assert other.kinds() == ["accepted"]
    assert other.go() == ["a run 0", "a run 1"]


def test_a_daemon_that_died_before_the_last_word_says_it_after(desk: Desk) -> None:
    desk.send()
    desk.run_all()
    assert isinstance(desk.records[-1], Event)
    assert desk.records.pop().kind == EventKind.FINISHED  # type: ignore[union-attr]
    assert desk.again().kinds() == ["finished"]


def test_an_answered_request_is_answered_again_after_a_restart(asking: Desk) -> None:
    asking.plan.answer("a", "r1", {"job": "x-1"}, asking.now)
    asking.collect()
    other = asking.again()
    ask(other)
    other.go()
    assert other.actions == [Deliver("a", "r1", {"job": "x-1"})]
    assert other.kinds() == []


def test_only_what_is_over_is_forgotten(desk: Desk) -> None:
    desk.send()
    desk.plan.forget("a")
    assert "a" in desk.plan.works
    desk.run_all()
    desk.plan.forget("a")
    assert "a" not in desk.plan.works
    assert desk.go() == []
