"""A script that ran as one proc: how each part ended is read from the runner's own records."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from jobs_app.jobdir import facts
from jobs_app.jobdir.facts import Fact
from jobs_app.pools.base import Event, EventKind, Garbled
from jobs_app.pools.condor.parts import with_parts
from jobs_app.pools.condor.point import AccessPoint
from jobs_app.pools.shell import Result
from jobs_app.states import SliceState

ATTEMPT = "a" * 32
STEPS = [("prepare", 1), ("analysis", 4), ("synthesis", 1)]
DONE, FAILED = Fact(SliceState.DONE), Fact(SliceState.FAILED, tries=2, exit_code=1)

Facts = dict[tuple[str, int], Fact]


class Point(AccessPoint):
    """An access point whose one answer is known."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.asked: list[tuple[str, ...]] = []

    @property
    def names(self) -> Point:  # type: ignore[override]
        return self

    root = "/roost"

    def ask(self, script: str, *values: str, stdin: object = b"") -> Result:
        self.asked.append((script, *values))
        return Result(0, self.answer.encode())


def events(exit_code: int | None = 0, signal: int | None = None) -> list[Event]:
    ended = Event(
        EventKind.ENDED, ATTEMPT, 9.0, "prepare", exit_code=exit_code, signal=signal, data={"steps": STEPS}
    )
    return [ended, Event(EventKind.FINISHED, ATTEMPT, 9.0, data={"ok": exit_code == 0, "reason": "", "whole": True})]


def record(tmp_path: Path, known: Facts, well: bool) -> str:
    path = tmp_path / "facts"
    path.touch()
    for (step, number), fact in known.items():
        facts.write(path, step, number, fact)
    text = base64.b64encode(path.read_bytes()).decode()
    return f"{ATTEMPT}/out/0.json:{json.dumps({'exit_code': 0, 'facts': text, 'well': well, 'host': 'node'})}\n"


def all_done() -> Facts:
    return {(step, number): DONE for step, slices in STEPS for number in range(slices)}


def short(found: list[Event]) -> list[tuple[object, ...]]:
    return [(each.kind.value, each.step, each.slice, each.count, each.exit_code) for each in found]


def test_slices_that_ended_alike_are_one_event(tmp_path: Path) -> None:
    found = with_parts(events(), Point(record(tmp_path, all_done(), well=True)))
    assert short(found[:-1]) == [
        ("ended", "prepare", 0, 1, 0),
        ("ended", "analysis", 0, 4, 0),
        ("ended", "synthesis", 0, 1, 0),
    ]
    assert found[-1].data == {"ok": True, "reason": ""}
    assert {each.host for each in found[:-1]} == {"node"}


def test_a_part_that_failed_is_told_from_its_neighbours(tmp_path: Path) -> None:
    known: Facts = {
        ("prepare", 0): DONE,
        ("analysis", 0): DONE,
        ("analysis", 1): FAILED,
        ("analysis", 2): DONE,
    }
    found = with_parts(events(), Point(record(tmp_path, known, well=False)))
    assert short(found[1:-1]) == [
        ("ended", "analysis", 0, 1, 0),
        ("ended", "analysis", 1, 1, 1),
        ("ended", "analysis", 2, 1, 0),
        ("skipped", "analysis", 3, 1, None),
        ("skipped", "synthesis", 0, 1, None),
    ]
    assert found[2].tries == 2
    assert found[-1].data["ok"] is False


def test_a_script_that_finished_early_skipped_the_rest(tmp_path: Path) -> None:
    known: Facts = {("prepare", 0): DONE, ("synthesis", 0): DONE}
    found = with_parts(events(), Point(record(tmp_path, known, well=True)))
    assert short(found[1:-2]) == [("skipped", "analysis", 0, 4, None)]
    assert found[-1].data["ok"] is True


@pytest.mark.parametrize(("exit_code", "signal", "said"), [(126, None, 126), (None, 9, 1), (0, None, 1)])
def test_parts_that_nobody_accounts_for_are_lost_and_never_skipped(
    tmp_path: Path, exit_code: int | None, signal: int | None, said: int
) -> None:
    known: Facts = {("prepare", 0): DONE}
    found = with_parts(events(exit_code, signal), Point(record(tmp_path, known, well=False)))
    assert short(found[1:-1]) == [("ended", "analysis", 0, 4, said), ("ended", "synthesis", 0, 1, said)]
    assert found[-1].data["ok"] is False


def test_a_runner_that_wrote_nothing_ended_badly(tmp_path: Path) -> None:
    ended, finished = with_parts(events(None, 9), Point(""))
    assert (ended.exit_code, ended.signal) == (None, 9)
    assert finished.data == {"ok": False, "reason": "It was ended before it could write down how it went."}


def test_a_record_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Garbled, match="record .* cannot be read"):
        with_parts(events(), Point(f"{ATTEMPT}/out/0.json:{{\n"))


def test_nothing_is_asked_where_no_script_ended() -> None:
    point = Point("")
    plain = [Event(EventKind.ENDED, ATTEMPT, 9.0, "run", exit_code=0)]
    assert with_parts(plain, point) == plain
    assert point.asked == []


def test_all_that_ended_together_is_asked_for_at_once(tmp_path: Path) -> None:
    point = Point(record(tmp_path, all_done(), well=True))
    with_parts(events() + events(), point)
    assert len(point.asked) == 1
