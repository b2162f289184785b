"""What a script's parts print, told in frames on the one output that can be read while it runs."""

from __future__ import annotations

import pytest

from jobs_app.pools.told import Frames

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
