"""Our scripts for the access point, run on this machine where they need no HTCondor."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest

from jobs_app.pools.base import Event
from jobs_app.pools.condor import eventlog, plan
from jobs_app.pools.condor.following import Readers
from jobs_app.pools.condor.plans import Plans
from jobs_app.pools.condor.point import AccessPoint
from jobs_app.pools.condor.segment import Segment
from jobs_app.pools.shell import LocalShell

LOGS = Path(__file__).parents[1] / "unit" / "condor" / "logs"


@pytest.fixture
def point(tmp_path: Path) -> AccessPoint:
    return AccessPoint(LocalShell(), str(tmp_path / "roost"))


@pytest.fixture
def recorded(point: AccessPoint) -> bytes:
    """A recorded log and its plans, as they lie on an access point."""
    root = Path(point.hello.root)
    for name, each in json.loads((LOGS / "many_kinds.plans.json").read_text()).items():
        (root / "batches" / name).mkdir()
        (root / "batches" / name / "plan.json").write_text(json.dumps(each))
    data = (LOGS / "many_kinds.log").read_bytes()
    (root / "segments" / "recorded").write_bytes(data)
    return data


@pytest.fixture
def readers(point: AccessPoint) -> Iterator[Readers]:
    readers = Readers(point, Plans(point))
    yield readers
    readers.close()


def test_an_access_point_says_what_it_has(point: AccessPoint, tmp_path: Path) -> None:
    assert point.hello.root == str(tmp_path / "roost")
    assert (tmp_path / "roost").stat().st_mode & 0o777 == 0o700


def test_a_reader_that_begins_anywhere_says_what_is_left(
    readers: Readers, recorded: bytes, point: AccessPoint
) -> None:
    """In particular each attempt's end, which depends on all that stands before."""
    whole = readers.follow("recorded", 0, 0.0)
    assert whole.offset == len(recorded)
    segment = Segment(UTC, Plans(point).find)
    offset, said = 0, 0
    for event in recorded.split(b"\n...\n")[:-1]:
        offset += len(event) + 5
        found, _ = eventlog.scan(event + b"\n...\n")
        said += sum(len(list(segment.translate(each))) for each in found)
        if offset % 5 == 0:  # a fifth of all places will do
            assert rest_after(offset, point) == whole.events[said:]


def rest_after(offset: int, point: AccessPoint) -> tuple[Event, ...]:
    readers = Readers(point, Plans(point))
    try:
        return readers.follow("recorded", offset, 0.0).events
    finally:
        readers.close()


def test_missing_contents_are_named(point: AccessPoint) -> None:
    root = Path(point.hello.root)
    (root / "files" / "abc").touch()
    assert point.ask("have.sh", str(root), stdin=b"abc\ndef\nabc.x\n").text.split() == ["def", "abc.x"]


def test_plans_that_are_not_there_are_known_as_such(point: AccessPoint, recorded: bytes) -> None:
    plans = Plans(point)
    name = next(iter(json.loads((LOGS / "many_kinds.plans.json").read_text())))
    assert plans.find("f" * 32 + ".0", 0) is None
    found = plans.find(name, 0)
    assert found is not None
    written = Path(point.hello.root) / "batches" / name / "plan.json"
    assert found.shares == plan.from_json(written.read_bytes())[0].shares
    assert plans.find(name, 1) is None


def keep(root: Path, token: str, *attempts: str) -> None:
    """A sending of these attempts, which share an input."""
    shared = root / "files" / "shared"
    shared.touch()
    for attempt in attempts:
        (root / "attempts" / attempt / "in").mkdir(parents=True)
        (root / "attempts" / attempt / "in" / "input").hardlink_to(shared)
        (root / "attempts" / attempt / "batch").write_text(token)
    plan = root / "batches" / f"{token}.0"
    plan.mkdir()
    (root / "sent" / token).mkdir()
    shares = [[attempt, 1, False, [["run", 0, 1]]] for attempt in attempts]
    (plan / "plan.json").write_text(json.dumps({"version": 1, "clusters": [shares]}))
    (plan / "0.sub").write_text(f"log = {root}/segments/of-{token[0]}\n")
    segment = root / "segments" / f"of-{token[0]}"
    segment.touch()
    os.utime(segment, (0, 0))


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


A, B, C = ("a" * 32, "b" * 32, "c" * 32)
NODE = "d" * 32  # the version of what runs on nodes


def test_what_is_forgotten_is_gone_and_what_others_need_stays(point: AccessPoint) -> None:
    root = Path(point.hello.root)
    keep(root, "1" * 32, A, B)
    keep(root, "2" * 32, C)
    point.ask("forget.sh", str(root), NODE, A, C)
    assert listed(root / "attempts") == [B]
    assert (listed(root / "batches"), listed(root / "sent")) == (["1" * 32 + ".0"], ["1" * 32])
    assert listed(root / "segments") == ["of-1"]
    assert (root / "files" / "shared").stat().st_nlink == 2
    point.ask("forget.sh", str(root), NODE, B, A)
    for folder in ("attempts", "batches", "sent", "segments"):
        assert listed(root / folder) == []


def test_contents_that_nobody_needs_go_after_a_while(point: AccessPoint) -> None:
    root = Path(point.hello.root)
    keep(root, "1" * 32, A)
    (root / "files" / "young").touch()
    os.utime(root / "files" / "shared", (0, 0))
    point.ask("forget.sh", str(root), NODE, A)
    assert listed(root / "files") == ["young"]


def test_versions_that_no_sending_names_go_after_a_while_and_the_newest_stays(point: AccessPoint) -> None:
    root = Path(point.hello.root)
    keep(root, "1" * 32, A)
    keep(root, "2" * 32, B)
    wanted, unwanted, young = ("e" * 32, "f" * 32, "0" * 32)
    for version in (NODE, wanted, unwanted, young):
        (root / "node" / version).mkdir()
        (root / "node" / version / "roost.zip").touch()
    for version in (NODE, wanted, unwanted):
        os.utime(root / "node" / version, (0, 0))
    (root / "batches" / f"{'2' * 32}.0" / "0.sub").write_text(
        f"executable = {root}/node/{wanted}/roost_start.sh\n"
    )
    point.ask("forget.sh", str(root), NODE, A)
    assert listed(root / "node") == sorted([NODE, wanted, young])
    assert listed(root / "incoming") == []
    point.ask("forget.sh", str(root), NODE, B)
    assert listed(root / "node") == sorted([NODE, young])


@pytest.mark.parametrize("hours", [-30, 10, 5000])
def test_an_access_point_whose_clock_is_wrong_says_when_things_happened_all_the_same(
    point: AccessPoint, recorded: bytes, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    right = rest_after(0, point)
    ours = time.time()
    monkeypatch.setattr(time, "time", lambda: ours - hours * 3600)
    wrong = AccessPoint(LocalShell(), point.root)
    assert wrong.ahead == pytest.approx(hours * 3600, abs=60)
    for event, other in zip(right, rest_after(0, wrong), strict=True):
        assert other.at == pytest.approx(event.at - hours * 3600, abs=60)


def test_clocks_that_differ_by_some_seconds_are_let_be(point: AccessPoint) -> None:
    assert point.ahead == 0.0
