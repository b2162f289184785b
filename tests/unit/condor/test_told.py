"""What a script's parts print, told in frames on the one output that can be read while it runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs_app.pools.base import Event, EventKind, Step
from jobs_app.pools.told import Frames, Parts

TOLD = (
    b"a word of the runner\n"
    b"\x1eroost prepare 0 6\nready\n"
    b"\x1eroost 12 0 3\na\nb"
    b"noise \x1eroost nonsense\n"
    b"\x1eroost 12 3 2\nc\n"
)
FOUND = [("prepare", 0, b"ready\n"), ("12", 0, b"a\nb"), ("12", 3, b"c\n")]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_frames_are_found_however_they_are_cut(size: int) -> None:
    frames = Frames()
    pieces = (TOLD[start : start + size] for start in range(0, len(TOLD), size))
    assert [frame for piece in pieces for frame in frames.feed(piece)] == FOUND


def test_what_is_no_frame_is_not_kept() -> None:
    frames = Frames()
    for _ in range(100):
        assert list(frames.feed(b"x" * 10_000)) == []
    assert len(frames._rest) < 1000


def test_a_name_that_leads_elsewhere_is_no_frame() -> None:
    assert list(Frames().feed(b"\x1eroost ../../etc/passwd 0 1\nx")) == []


def test_a_head_that_never_ends_and_a_frame_that_is_too_long_are_not_gathered() -> None:
    """Each piece would be looked through again with each that follows."""
    frames = Frames()
    for start in (b"\x1eroost ", b"\x1eroost 0 0 99999999\n"):
        assert list(frames.feed(start)) == []
        for _ in range(10):
            assert list(frames.feed(b"x" * 100_000)) == []
        assert len(frames._rest) < 1000
    assert list(frames.feed(b"\x1eroost 0 5 2\nab")) == [("0", 5, b"ab")]


# --- what a frame of progress says --------------------------------------------------------------------------

WHOLE = Parts("a" * 32, steps=(Step("prepare", 1), Step("analysis", 4), Step("synthesis", 1)))
ONE = Parts("a" * 32, one=("analysis", 3))


def said(parts: Parts, **frame: Any) -> list[Event]:
    return list(parts.said(json.dumps(frame).encode(), 5.0))


def test_a_script_tells_which_of_its_parts_run_or_have_ended_well() -> None:
    found = said(WHOLE, runs=[["prepare", 0, 1, 2], ["analysis", 1, 3, 1]])
    assert [(event.kind, event.step, event.slice, event.count, event.exit_code) for event in found] == [
        (EventKind.ENDED, "prepare", 0, 1, 0),
        (EventKind.STARTED, "analysis", 1, 3, None),
    ]


@pytest.mark.parametrize(
    "run",
    [
        *(["analysis", 3, 2, 2], ["analysis", -1, 1, 2], ["analysis", 0, 0, 2], ["run", 0, 1, 2]),
        *(["analysis", 0, 1, 3], ["analysis", 0, 1, "2"], ["analysis", 0, 1], "analysis", None),
        ["analysis", 10**30, 1, 2],
    ],
)
def test_what_is_no_part_of_it_or_no_state_is_not_believed(run: Any) -> None:
    assert said(WHOLE, runs=[run]) == []
    assert said(WHOLE, runs=run) == []


def test_a_proc_of_one_part_tells_nothing_of_others() -> None:
    assert said(ONE, runs=[["analysis", 3, 1, 2]]) == []
    (event,) = said(ONE, says={"3": ["reads"], "2": ["x"], "prepare": ["x"], "../3": ["x"]})
    assert (event.kind, event.data) == (EventKind.SAYING, {"says": "3", "lines": ["reads"]})


def test_lines_are_few_and_short_and_no_name_leads_elsewhere() -> None:
    lines = ["x" * 10_000] * 100
    found = said(WHOLE, says={"3": lines, "4": lines, "../x": lines, "03": lines, "prepare": [1]})
    assert [event.data["says"] for event in found] == ["3"]
    assert (len(found[0].data["lines"]), len(found[0].data["lines"][0])) == (20, 500)


@pytest.mark.parametrize("frame", [b"", b"[" * 100_000, b"17", b'{"runs": 5, "says": 7}', b"\xff"])
def test_a_frame_that_no_wrapper_writes_says_nothing(frame: bytes) -> None:
    assert list(WHOLE.said(frame, 5.0)) == []


def test_half_characters_are_written_out() -> None:
    (found,) = WHOLE.said(rb'{"says":{"3":["\ud800 and \u0000"]}}', 5.0)
    assert found.data["lines"] == [r"\ud800 and \x00"]
