from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs_app.pools.base import Garbled, Step, Task
from jobs_app.pools.condor import plan
from jobs_app.pools.condor.plan import ClusterPlan, Run, Share, share_of


def task(slices: int = 5, done: tuple[tuple[str, int, int], ...] = (), script: str = "") -> Task:
    steps = (Step("prepare"), Step("analysis", slices)) if script else (Step("run", slices),)
    return Task("a" * 32, 1, 1, "/job", steps, script=script, done=done)


def test_each_slice_is_a_proc() -> None:
    share = share_of(task(3))
    assert [share.place(proc) for proc in range(share.procs)] == [
        Run("run", number, 1) for number in range(3)
    ]


def test_a_script_is_one_proc() -> None:
    share = share_of(task(3, script="a.py"))
    assert share.procs == 1
    assert share.place(0) == Run("prepare", 0, 1)


def test_what_was_done_before_is_no_proc() -> None:
    share = share_of(task(8, done=(("run", 4, 2), ("run", 0, 1))))
    assert [share.place(proc).first for proc in range(share.procs)] == [1, 2, 3, 6, 7]


@given(st.lists(st.integers(1, 6), min_size=1, max_size=8))
def test_every_proc_belongs_to_exactly_one_share(counts: list[int]) -> None:
    shares = [Share(f"{index:032x}", count, (Run("run", 0, count),)) for index, count in enumerate(counts)]
    cluster = ClusterPlan(shares)
    expected = [(share, number) for share in shares for number in range(share.procs)]
    assert [cluster.locate(proc) for proc in range(cluster.procs)] == expected


@pytest.mark.parametrize("proc", [-1, 5])
def test_a_proc_that_is_not_in_the_cluster_is_an_error(proc: int) -> None:
    with pytest.raises(Garbled, match=f"proc {proc} of a cluster of 5"):
        ClusterPlan([share_of(task(5))]).locate(proc)


def test_a_plan_survives_being_written_down() -> None:
    plans = [
        ClusterPlan([share_of(task(8, done=(("run", 4, 2),)))]),
        ClusterPlan([share_of(task(2, script="s"))]),
    ]
    again = plan.from_json(plan.to_json(plans))
    assert [each.shares for each in again] == [each.shares for each in plans]


def test_a_workflows_node_has_its_slices_behind_those_of_other_nodes() -> None:
    nodes = [
        Share("a" * 32, 2, (Run("run", 7, 2),)),
        Share("a" * 32, 3, (Run("run", 9, 1), Run("run", 11, 1))),
    ]
    plans = [ClusterPlan((), lead=["a" * 32]), *(ClusterPlan([share], unit=0) for share in nodes)]
    again = plan.from_json(plan.to_json(plans))
    assert [each.shares for each in again] == [each.shares for each in plans]
    assert [each.locate(1)[0].place(1).first for each in again[1:]] == [8, 11]


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"clusters": [[["a"]]]}', b'{"clusters": 7}'])
def test_a_damaged_plan_is_an_error_that_shows_it(text: bytes) -> None:
    with pytest.raises(Garbled, match="cannot be read"):
        plan.from_json(text)


def test_each_of_very_many_runs_is_found_and_nothing_beyond_them() -> None:
    share = Share("a" * 32, 9, (Run("run", 1, 1), Run("run", 3, 2), Run("run", 8, 1)))
    assert [share.place(number).first for number in range(share.procs)] == [1, 3, 4, 8]
    for number in (-1, 4):
        with pytest.raises(Garbled):
            share.place(number)


@pytest.mark.parametrize(
    ("slices", "runs"),
    [
        *((10**12, [["run", 0, 10**12]]), (5, [["run", 0, 6]]), (5, [["run", -1, 2]]), (5, [["run", 0, 0]])),
        *((5, [["run", 4, -4]]), (5, []), (5, [["run", 0, 5], ["run", 0, 5]]), (5, [["run", 0.5, 1]] * 3)),
        ("5", [["run", 0, 5]]),
    ],
)
def test_a_plan_of_slices_that_no_job_has_is_damaged(slices: Any, runs: Any) -> None:
    """Memory is taken for each of them."""
    text = json.dumps({"clusters": [[["a" * 32, slices, False, runs]]]}).encode()
    with pytest.raises(Garbled, match="cannot be read"):
        plan.from_json(text)


@pytest.mark.parametrize(
    ("slices", "runs"),
    [(2, [["run", 7, 3]]), (2, [["run", 10**12, 1]]), (2, [["run", -1, 1]]), (10**12, [["run", 0, 1]])],
)
def test_a_plan_of_slices_that_no_node_has_is_damaged(slices: Any, runs: Any) -> None:
    node = {"shares": [["a" * 32, slices, False, runs]], "unit": 0}
    text = json.dumps({"clusters": [{"lead": ["a" * 32]}, node]}).encode()
    with pytest.raises(Garbled, match="slices with the runs"):
        plan.from_json(text)


def test_a_plan_larger_than_any_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "LARGEST", 100)
    with pytest.raises(Garbled, match="more than 100 bytes"):
        plan.from_json(b" " * 101)
