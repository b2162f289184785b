"""A script that ran as one proc: how each part ended is read from the runner's own records."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest

from jobs_app.jobdir import facts
from jobs_app.jobdir.facts import Fact
from jobs_app.pools.base import Event, EventKind, Garbled
from jobs_app.pools.condor.parts import read_records, with_parts
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
        names = stdin.split(b"\n") if isinstance(stdin, bytes) else ()
        lines = self.answer.encode().splitlines(keepends=True)
        return Result(0, b"".join(line for line in lines if line.partition(b":")[0] in names))


class Liar(Point):
    """It says what nobody asked for."""

    def ask(self, script: str, *values: str, stdin: object = b"") -> Result:
        return Result(0, self.answer.encode())


def events(exit_code: int | None = 0, signal: int | None = None) -> list[Event]:
    ended = Event(
        EventKind.ENDED, ATTEMPT, 9.0, "prepare", exit_code=exit_code, signal=signal, data={"steps": STEPS}
    )
    return [
        ended,
        Event(EventKind.FINISHED, ATTEMPT, 9.0, data={"ok": exit_code == 0, "reason": "", "whole": True}),
    ]


def record(tmp_path: Path, known: Facts, well: bool) -> str:
    path = tmp_path / "facts"
    path.touch()
    for (step, number), fact in known.items():
        facts.write(path, step, number, fact)
    text = base64.b64encode(path.read_bytes()).decode()
    return (
        f"{ATTEMPT}/out/0.json:{json.dumps({'exit_code': 0, 'facts': text, 'well': well, 'host': 'node'})}\n"
    )


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


HOSTILE = (
    "{",
    "[1]",
    "17",
    "[" * 100_000,
    '{"facts": 5}',
    '{"facts": "no base64"}',
    '{"facts": "", "host": ["node"]}',
    '{"parts": ["a"]}',
    '{"parts": {"prepare": 1}}',
    '{"requests": {"id": "a"}}',
    '{"requests": [1]}',
)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_record_that_a_node_spoiled_is_as_if_it_were_not_there(text: str, tmp_path: Path) -> None:
    """What ended together with it belongs to others, and is told."""
    other = replace(events()[0], attempt="b" * 32)
    good = record(tmp_path, all_done(), well=True).replace(ATTEMPT, "b" * 32)
    found = with_parts([*events(), other], Point(f"{ATTEMPT}/out/0.json:{text}\n{good}"))
    assert (found[1].kind, found[1].data["ok"]) == (EventKind.FINISHED, False)
    assert short(found)[2:] == short(with_parts([other], Point(good)))


def test_a_record_of_several_lines_or_that_is_no_text_is_read_as_one(tmp_path: Path) -> None:
    lines = "".join(f"{ATTEMPT}/out/0.json:{line}\n" for line in ("{", '"well": true', "}"))
    assert read_records([(ATTEMPT, "0")], Point(lines)) == {(ATTEMPT, "0"): {"well": True, "host": ""}}


def test_an_answer_of_what_nobody_asked_for_is_garbled() -> None:
    with pytest.raises(Garbled, match="Records were asked for"):
        with_parts(events(), Liar(f"{'c' * 32}/out/0.json:{{}}\n"))


def test_requests_that_no_runner_makes_are_left_out() -> None:
    """Their names become names of files, and of rows."""
    names = ["../../x", "a b", "", "x" * 65, "prepare-0-12ab", 5, None]
    text = json.dumps({"requests": [{"id": name} for name in names]})
    held = Event(EventKind.HELD, ATTEMPT, 9.0, "prepare", code=3, data={"asks": "0"})
    found = with_parts([held], Point(f"{ATTEMPT}/out/0.json:{text}\n"))
    assert [each.data["id"] for each in found] == ["prepare-0-12ab"]


def test_the_record_of_a_part_tells_of_no_other_step() -> None:
    ended = Event(EventKind.ENDED, ATTEMPT, 9.0, "analysis", 2, exit_code=0, data={"part": "2"})
    text = json.dumps({"parts": {"2": "", "prepare": "", "7": "", "../x": ""}})
    found = with_parts([ended], Point(f"{ATTEMPT}/out/2.json:{text}\n"))
    assert [(each.step, each.slice) for each in found] == [("analysis", 2)]


def test_nothing_is_asked_where_no_script_ended() -> None:
    point = Point("")
    plain = [Event(EventKind.ENDED, ATTEMPT, 9.0, "run", exit_code=0)]
    assert with_parts(plain, point) == plain
    assert point.asked == []


def test_all_that_ended_together_is_asked_for_at_once(tmp_path: Path) -> None:
    point = Point(record(tmp_path, all_done(), well=True))
    with_parts(events() + events(), point)
    assert len(point.asked) == 1
