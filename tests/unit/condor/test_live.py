"""What an access point says of running slices' output, and what is kept of it here."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from jobs_app.lifecycle import live
from jobs_app.lifecycle.live import Spot, Watcher
from jobs_app.pools.base import EventKind, Garbled, Step
from jobs_app.pools.condor.live import LONGEST_LINE, LiveTails
from jobs_app.pools.condor.names import Names
from jobs_app.pools.condor.point import AccessPoint
from jobs_app.pools.told import Begin, Data, End, Frames, News, Parts


class Saying:
    """A shell whose command says these pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = iter(pieces)
        self.names = Names("/root")
        self.shell = self

    def start(self, _: object) -> Saying:
        return self

    def receive(self, _: float) -> bytes | None:
        return next(self.pieces, None)


def heard(*pieces: bytes) -> list[News]:
    tails = LiveTails(cast(AccessPoint, Saying(*pieces)))
    return [news for _ in pieces for news in tails.read(0.0)]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_what_is_said_is_understood_however_it_is_cut(size: int) -> None:
    text = b"3 begin 17.5 0\n3 data 4\na\nb\n3 data 1\n!3 end\n"
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert heard(*pieces) == [Begin(3, "17.5", 0), Data(3, b"a\nb\n"), Data(3, b"!"), End(3)]


@pytest.mark.parametrize(
    "said",
    [
        *(b"-1 end\n", b"x end\n", b"1\n", b"\n", b"1 data x\n", b"1 data -5\n", b"1 data 99999999999\n"),
        *(b"1 begin a/../b 0\n", b"1 begin 5 " + b"9" * 5000 + b"\n", b"9" * 5000 + b" end\n"),
        *(b"x" * (LONGEST_LINE + 1), b"\xff\xfe\n", "١ end\n".encode()),
    ],
)
def test_what_live_sh_never_says_is_garbled_and_not_gathered(said: bytes) -> None:
    with pytest.raises(Garbled, match="reader of running slices said"):
        heard(said)


# --- what is kept of it -------------------------------------------------------------------------------------


@pytest.fixture
def spot(tmp_path: Path) -> Spot:
    folder = tmp_path / "live"
    folder.mkdir()
    steps = (Step("prepare", 1), Step("analysis", 2))
    return Spot("a" * 32, live.WHOLE, 0, True, folder, Parts("a" * 32, steps=steps), scheduler=77)


def frame(part: str, offset: int, data: bytes) -> bytes:
    return f"\x1eroost {part} {offset} {len(data)}\n".encode() + data


def kept(spot: Spot) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in spot.folder.iterdir()}


def test_what_parts_print_goes_on_where_it_ended(spot: Spot) -> None:
    live._write(spot, Frames(), 0, frame("0", 0, b"abc") + frame("0", 3, b"def") + frame("prepare", 0, b"p"))
    assert kept(spot) == {"0.log": b"abcdef", "prepare.log": b"p"}


def test_offsets_and_parts_that_cannot_be_leave_nothing(spot: Spot) -> None:
    """A node may say that a part it does not have has printed a petabyte."""
    wrong = [("0", 10**15 - 1), ("0", 1), ("2", 0), ("999999", 0), ("synthesis", 0), ("whole", 0), ("run", 0)]
    live._write(spot, Frames(), 0, b"".join(frame(part, offset, b"x") for part, offset in wrong))
    assert sum(path.stat().st_size for path in spot.folder.iterdir()) == 0
    assert set(kept(spot)) <= {"0.log"}


def test_more_than_is_shown_of_a_running_slice_is_not_kept(
    spot: Spot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LARGEST", 10)
    for start in range(0, 30, 5):
        spot.put("0", start, b"12345")
    assert kept(spot) == {"0.log": b"1234512345"}


def test_what_is_written_follows_no_link(spot: Spot, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.touch()
    spot.log("0").symlink_to(elsewhere)
    with pytest.raises(OSError):
        spot.put("0", 0, b"x")
    assert elsewhere.read_bytes() == b""


def test_what_parts_tell_of_themselves_waits_for_the_courier_of_their_scheduler(spot: Spot) -> None:
    live._write(spot, Frames(), 0, frame("-progress", 0, b'{"runs": [["analysis", 0, 2, 2]]}'))
    assert live.heard(78) == []
    (event,) = live.heard(77)
    assert (event.kind, event.step, event.count) == (EventKind.ENDED, "analysis", 2)
    assert live.heard(77) == []


def test_output_that_nobody_asked_for_ends_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tails:
        closed = False

        def read(self, _: float) -> Iterator[News]:
            yield Data(5, b"x")

        def close(self) -> None:
            self.closed = True

    class Pool(Tails):
        def live(self) -> Any:
            return tails

    tails, pool = Tails(), Pool()
    monkeypatch.setattr(threading.Thread, "start", lambda thread: thread.run())
    watcher = Watcher(lambda: pool)
    assert watcher.over
    assert tails.closed
    assert pool.closed
