"""Why something waits on this machine: in words that are true of what runs there."""

from __future__ import annotations

import pytest

from jobs_app.pools.base import Resources, Step
from jobs_app.pools.embedded.waiting import why_idle

from .test_plan import Desk

ONE = Step("run", 1)
IN_TURN = "the highest priority first, and among equals each in its turn."


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_who_waits_for_others_hears_what_keeps_the_cores_busy(desk: Desk) -> None:
    for name in ("first", "second", "third", "fourth"):
        desk.send(name, ONE)
    desk.go()
    said = "All 2 cores here are busy with 2 slices of other jobs. 2 jobs wait: "
    assert why_idle(desk.plan, "third") == said + IN_TURN
    desk.end("run", name="first")
    desk.go()
    assert why_idle(desk.plan, "third") == ""
    assert why_idle(desk.plan, "fourth").endswith("2 slices of other jobs. It is the next one.")


def test_a_machine_with_one_core_is_spoken_of_as_one() -> None:
    desk = Desk(slots=1)
    desk.send("first", ONE)
    desk.send("second", ONE)
    desk.go()
    said = "The one core here is busy with 1 slice of other jobs. It is the next one."
    assert why_idle(desk.plan, "second") == said


def test_what_runs_beside_others_is_told_apart_from_them(desk: Desk) -> None:
    desk.send("mine", Step("run", 3))
    desk.send("theirs", Step("run", 3))
    desk.go()
    assert "busy with 1 slice of its own and 1 slice of other jobs." in why_idle(desk.plan, "mine")


def test_who_waits_for_nobody_else_is_told_nothing(desk: Desk) -> None:
    desk.send("alone", Step("run", 5))
    desk.go()
    assert why_idle(desk.plan, "alone") == ""
    assert why_idle(desk.plan, "never heard of") == ""


def test_who_needs_more_cores_than_are_free_hears_how_many_and_who_comes_after_why_it_must_wait(
    desk: Desk,
) -> None:
    desk.send("one", ONE)
    desk.send("both", ONE, resources=Resources(cpus=2))
    desk.send("small", ONE)
    desk.go()
    free = "1 of 2 cores here is free"
    assert why_idle(desk.plan, "both").startswith(
        f"Its next slice needs 2 cores; {free} beside 1 slice of other jobs. 2 jobs wait"
    )
    assert why_idle(desk.plan, "small").startswith(f"{free}, and kept for a job before it that needs more.")


def test_who_limited_itself_hears_so(desk: Desk) -> None:
    desk.send("a", concurrency=1)
    desk.go()
    assert why_idle(desk.plan, "a") == "It runs 1 slice at once, as it was asked to (concurrency)."
    desk.script("b", concurrency=1)
    desk.end("run", 0, name="a")
    desk.go()
    assert why_idle(desk.plan, "b") == ""


def test_a_part_that_waits_for_a_subjob_keeps_no_core_busy(desk: Desk) -> None:
    desk.send("asks", ONE)
    desk.go()
    (part,) = desk.plan.works["asks"].running
    desk.plan.ask("asks", part, 1, {"id": "r"}, desk.now)
    for name in ("b", "c", "d"):
        desk.send(name, ONE)
    desk.go()
    assert "busy with 2 slices of other jobs" in why_idle(desk.plan, "d")
