from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from jobs_app.pools.embedded.stage import Stage
from jobs_app.states import SliceState

DONE, WAITING, RUNNING, HELD = SliceState.DONE, SliceState.WAITING, SliceState.RUNNING, SliceState.HELD


def test_all_slices_wait_in_the_beginning() -> None:
    stage = Stage("run", 3)
    assert stage.counts[WAITING] == len(stage) == 3
    assert not stage.ended_well


def test_a_stage_without_slices_has_ended_well() -> None:
    assert Stage("analysis", 0).ended_well


def test_the_first_waiting_slice_is_found_again_after_it_came_back() -> None:
    stage = Stage("run", 4)
    stage.set(0, 2, RUNNING)
    assert stage.first_waiting() == 2
    stage.set(0, 1, WAITING)
    assert stage.first_waiting() == 0
    stage.set(0, 4, DONE)
    assert stage.first_waiting() is None


def test_neighbours_are_taken_together() -> None:
    stage = Stage("run", 6)
    stage.set(2, 1, DONE)
    stage.set(5, 1, HELD)
    assert list(stage.runs([WAITING])) == [(0, 2), (3, 2)]
    assert list(stage.runs([WAITING, HELD])) == [(0, 2), (3, 3)]


def test_only_the_chosen_slices_are_looked_at() -> None:
    stage = Stage("run", 6)
    stage.set(2, 1, DONE)
    assert list(stage.runs([WAITING], only=[3, 1, 2, 0, 3, 99])) == [(0, 2), (3, 1)]


@given(some.lists(some.tuples(some.integers(0, 9), some.integers(1, 4), some.sampled_from(list(SliceState)))))
def test_the_counts_are_those_of_the_states(changes: list[tuple[int, int, SliceState]]) -> None:
    stage = Stage("run", 10)
    for first, count, state in changes:
        stage.set(first, count, state)
    assert [stage.states.count(state) for state in SliceState] == stage.counts
    waiting = stage.first_waiting()
    assert waiting == (stage.states.index(WAITING) if WAITING in stage.states else None)


@pytest.mark.parametrize("state", list(SliceState))
def test_a_million_slices_are_a_megabyte(state: SliceState) -> None:
    stage = Stage("run", 1_000_000)
    stage.set(0, 1_000_000, state)
    assert stage.counts[state] == len(stage.states) == 1_000_000
