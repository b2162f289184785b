"""What became of a workflow's nodes, read from the log of one that ran on a real pool (logs/workflow.log)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from jobs_app.lifecycle.blocks import Block, table_of
from jobs_app.pools.base import Event, EventKind
from jobs_app.pools.condor import eventlog, plan
from jobs_app.pools.condor.following import Readers
from jobs_app.pools.condor.plan import ClusterPlan
from jobs_app.pools.condor.segment import Segment
from jobs_app.pools.shell.base import script_text
from jobs_app.states import SliceState

LOGS = Path(__file__).parent / "logs"
LOG = (LOGS / "workflow.log").read_bytes()
PLANS = plan.from_json((LOGS / "workflow.plan.json").read_bytes())


def find(_: str, group: int) -> ClusterPlan:
    return PLANS[group]


def read(segment: Segment, data: bytes) -> list[Event]:
    found, used = eventlog.scan(data)
    assert used == len(data)
    return [event for each in found for event in segment.translate(each)]


def states(events: list[Event]) -> dict[str, str]:
    block = Block(0, "run", 0, bytes(13))
    for event in events:
        table = table_of(event)
        if table is not None:
            block.apply(table, event.slice, event.slice + event.count)
    return {
        node["name"]: "+".join(
            SliceState(state).name for state in block.states[node["first"] : node["first"] + node["slices"]]
        )
        for node in PLANS[0].graph
    }


def boundaries() -> Iterator[int]:
    end = LOG.find(b"\n...\n") + 5
    while end < len(LOG):
        yield end
        end = LOG.find(b"\n...\n", end) + 5


def test_every_node_is_as_dagman_has_it() -> None:
    """flaky: one of three slices fails, twice; hopeless: not tried again; rescued, untidy: their scripts."""
    assert states(read(Segment(UTC, find), LOG)) == {
        "begin": "DONE",
        "untidy": "FAILED",
        "unready": "FAILED",
        "needless": "SKIPPED",
        "nothing": "DONE",
        "flaky": "DONE+FAILED+DONE",
        "hopeless": "FAILED",
        "rescued": "DONE",
        "orphan": "SKIPPED",
        "after": "DONE",
        "last": "DONE",
    }


def test_a_reader_that_starts_anywhere_says_the_same(tmp_path: Path) -> None:
    """As a courier that takes over from one that was killed. It may tell twice that a node is done."""
    whole = read(Segment(UTC, find), LOG)
    seen = 0
    for end in boundaries():
        seen = len(read(Segment(UTC, find), LOG[:end]))
        later = Segment(UTC, find)
        readers = Readers(cast(Any, None), cast(Any, SimpleNamespace(load=lambda _: None)))
        readers._learn(later, prefix(tmp_path, end))
        told = read(later, LOG[end:])
        assert [event for event in whole[seen:] if event not in told] == []
        assert states(whole[:seen] + told) == states(whole)
    assert seen


def prefix(folder: Path, end: int) -> str:
    path = folder / "log"
    path.write_bytes(LOG)
    script = script_text("jobs_app.pools.condor", "prefix.sh")
    command = ["sh", "-c", script, "prefix", str(path), str(end)]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def test_a_workflow_is_finished_once_and_last() -> None:
    events = read(Segment(UTC, find), LOG)
    assert [event.kind for event in events].count(EventKind.FINISHED) == 1
    assert events[-1].kind == EventKind.FINISHED
    assert events[-1].data == {"ok": False, "reason": "4 of 11 nodes did not end well."}


@pytest.mark.parametrize("name", ["untidy", "rescued"])
def test_what_a_script_may_overrule_is_not_told_before_it_has_spoken(name: str) -> None:
    node = next(node for node in PLANS[0].graph if node["name"] == name)
    events = read(Segment(UTC, find), LOG)
    ends = [event for event in events if event.kind == EventKind.ENDED and event.slice == node["first"]]
    final = [event for event in ends if not event.will_retry]
    assert [event.exit_code for event in final] == [5 if name == "untidy" else 0]
