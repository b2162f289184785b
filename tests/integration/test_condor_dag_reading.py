"""DAGs as our scripts for the access point see them: a log read from its middle, and what is forgotten."""

from __future__ import annotations

import os
from datetime import UTC
from pathlib import Path

import pytest

from jobs_app.pools.base import Event, EventKind, Step, Task
from jobs_app.pools.condor import eventlog
from jobs_app.pools.condor.composing import compose
from jobs_app.pools.condor.following import Readers
from jobs_app.pools.condor.names import Names
from jobs_app.pools.condor.parts import read_records
from jobs_app.pools.condor.plans import Plans
from jobs_app.pools.condor.point import AccessPoint
from jobs_app.pools.condor.segment import Segment
from jobs_app.pools.condor.submit import Surroundings
from jobs_app.pools.shell import LocalShell

TOKEN = "b" * 32


def task(number: int) -> Task:
    steps = (Step("prepare"), Step("analysis", 30), Step("synthesis"))
    return Task(f"{number:032x}", number, 1, "/job", steps, script="a.py")


FIRST, SECOND = task(1), task(2)


@pytest.fixture
def point(tmp_path: Path) -> AccessPoint:
    """Two jobs that share a DAG."""
    point = AccessPoint(LocalShell(), str(tmp_path / "roost"))
    around = Surroundings(TOKEN, 0, "log", Names(point.hello.root), "version", lambda name: "")
    folder = Path(point.hello.root) / "batches" / f"{TOKEN}.0"
    folder.mkdir()
    (folder / "plan.json").write_bytes(compose([FIRST, SECOND], around).files["plan.json"])
    return point


def event(code: int, cluster: int, proc: int, *lines: str) -> bytes:
    body = "\n".join(lines)
    return f"{code:03} ({cluster:03}.{proc:03}.000) 2026-11-20 22:00:00 {body}\n...\n".encode()


def submitted(cluster: int, group: int, attempt: str, procs: int = 1) -> bytes:
    notes = f"    roost {TOKEN}.0 {group} {attempt}"
    return b"".join(event(0, cluster, proc, "Job submitted.", f"{notes} {proc}") for proc in range(procs))


def ended(cluster: int, procs: int = 1) -> bytes:
    words = ("Job terminated.", "\t(1) Normal termination (return value 0)")
    return b"".join(event(5, cluster, proc, *words) for proc in range(procs))


def log() -> bytes:
    """The first runs through; of the second, slice 7 is removed when its DAGMan is."""
    return b"".join(
        [
            submitted(10, 0, FIRST.attempt),
            submitted(11, 1, FIRST.attempt) + submitted(12, 4, SECOND.attempt),
            ended(12) + ended(11),
            submitted(13, 2, FIRST.attempt, 30) + submitted(14, 5, SECOND.attempt, 30),
            ended(13, 30) + ended(14, 7),
            submitted(15, 3, FIRST.attempt) + ended(15),
            event(8, 10, 0, f"roost over {FIRST.attempt} well"),
            event(9, 10, 0, "Job was aborted."),
            b"".join(event(9, 14, proc, "Job was aborted.") for proc in range(7, 30)),
        ]
    )


def test_it_says_the_same_as_one_that_read_all_of_it(point: AccessPoint) -> None:
    data = log()
    (Path(point.hello.root) / "segments" / "log").write_bytes(data)
    whole = read(point, 0)
    kinds = [found.kind for found in whole]
    assert kinds.count(EventKind.ACCEPTED) == kinds.count(EventKind.FINISHED) == 2
    segment = Segment(UTC, Plans(point).find)
    offset = said = 0
    for number, each in enumerate(data.split(b"\n...\n")[:-1]):
        offset += len(each) + 5
        text = each + b"\n...\n"
        said += sum(len(list(segment.translate(found))) for found in eventlog.scan(text)[0])
        if number % 7 == 0 or number > 100:
            assert read(point, offset) == whole[said:]


def read(point: AccessPoint, offset: int) -> list[Event]:
    readers = Readers(point, Plans(point))
    try:
        return list(readers.follow("log", offset, 0.0).events)
    finally:
        readers.close()


def test_a_dagman_that_still_works_keeps_its_folder_until_the_next_time(point: AccessPoint) -> None:
    root = Path(point.hello.root)
    batch = root / "batches" / f"{TOKEN}.0"
    for attempt in (FIRST.attempt, SECOND.attempt):
        (root / "attempts" / attempt).mkdir()
        (root / "attempts" / attempt / "batch").write_text(TOKEN)
    (batch / "0.dag.lock").touch()
    point.ask("forget.sh", str(root), "version", FIRST.attempt, SECOND.attempt)
    assert batch.exists()
    (batch / "0.dag.lock").unlink()
    point.ask("forget.sh", str(root), "version", "c" * 32)
    assert not batch.exists()
    assert not (root / "later").exists()


def test_records_are_plain_files_of_a_bearable_size(point: AccessPoint) -> None:
    """What a slice leaves in its record's place: a link, too much, bytes that are no text, several lines."""
    out = Path(point.hello.root) / "attempts" / ("a" * 32) / "out"
    out.mkdir(parents=True)
    (out / "secret.txt").write_text('{"secret": true}\n')
    (out / "0.json").symlink_to("secret.txt")
    (out / "1.json").write_bytes(b"")
    os.truncate(out / "1.json", 65 << 20)
    (out / "2.json").write_bytes(b'\0\xff"')
    (out / "3.json").write_text('{\n"well":\ntrue}\n')
    (out / "4.json").write_text('{"well": false}')
    keys = [("a" * 32, str(number)) for number in range(6)]
    found = read_records(keys, point)
    assert {part: record["well"] for (_, part), record in found.items()} == {"3": True, "4": False}
