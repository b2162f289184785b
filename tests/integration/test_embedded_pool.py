"""The embedded pool with real processes: what is sent runs, is told, and is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs_app.pools.base import EventKind
from tests.embedded import Attempts, folders, kinds, output

THREE_STEPS = """
def prepare(job):
    print("prepared")
    return 10

def analysis(sliceno, slices, prepare_res):
    print("slice", sliceno)
    return prepare_res + sliceno

def synthesis(analysis_res):
    return sum(analysis_res)
"""


@pytest.fixture
def attempts(tmp_path: Path) -> Iterator[Attempts]:
    yield from folders(tmp_path)


def test_an_executable_runs_once_a_slice(attempts: Attempts) -> None:
    task = attempts.shell("echo slice $ROOST_SLICE of $ROOST_SLICES", slices=3)
    events = attempts.run(task)
    assert kinds(events).count("started") == kinds(events).count("ended") == 3
    assert [output(task, i) for i in range(3)] == [f"slice {i} of 3\n" for i in range(3)]
    assert attempts.outcome(task) == {"ok": True, "reason": ""}


def test_a_script_runs_its_steps_in_order(attempts: Attempts) -> None:
    import pickle

    task = attempts.script(THREE_STEPS, slices=4)
    events = attempts.run(task)
    ended = [(event.step, event.slice) for event in events if event.kind == EventKind.ENDED]
    assert ended[0] == ("prepare", 0)
    assert sorted(ended[1:5]) == [("analysis", i) for i in range(4)]
    assert ended[5:] == [("synthesis", 0)]
    assert pickle.loads((Path(task.directory) / "result.pickle").read_bytes()) == 46
    assert output(task, "prepare") == "prepared\n"
