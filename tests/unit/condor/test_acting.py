"""Which slices a constraint names, and which of them are no procs yet."""

from __future__ import annotations

import classad2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs_app.pools.base import Garbled, Selection
from jobs_app.pools.condor import acting
from jobs_app.pools.condor.plan import Run

A = "a" * 32
NUMBERS = st.lists(st.integers(0, 60), min_size=1, max_size=40)


def named(text: str, slices: range) -> set[int]:
    """By HTCondor's own reader."""
    found = set()
    for number in slices:
        ad = classad2.ClassAd({"RoostSlice": number, "RoostAttempt": A, "ProcId": number})
        ad["Wanted"] = classad2.ExprTree(text)
        if ad.eval("Wanted") is True:
            found.add(number)
    return found


@given(NUMBERS)
def test_a_constraint_names_the_chosen_slices_and_no_others(numbers: list[int]) -> None:
    (text,) = acting.constraints(Selection(A, "run", tuple(numbers)))
    assert named(text, range(-1, 63)) == set(numbers)


def test_a_clusters_own_ad_is_none_of_its_slices() -> None:
    (text,) = acting.constraints(Selection(A, "run", (0,)))
    ad = classad2.ClassAd({"RoostSlice": 0, "RoostAttempt": A})
    ad["Wanted"] = classad2.ExprTree(text)
    assert ad.eval("Wanted") is False


def test_neighbours_are_one_comparison_whatever_their_number() -> None:
    (text,) = acting.ranges(range(100_000))
    assert text == "((RoostSlice >= 0 && RoostSlice < 100000))"


def test_what_no_command_line_holds_goes_in_several() -> None:
    texts = list(acting.ranges(range(0, 10_000, 2)))
    assert len(texts) == 3
    assert max(map(len, texts)) < 100_000


RUNS = (Run("run", 0, 10), Run("run", 20, 10))


@pytest.mark.parametrize(
    ("next_proc", "left"),
    [(0, list(RUNS)), (4, [Run("run", 4, 6), RUNS[1]]), (10, [RUNS[1]]), (13, [Run("run", 23, 7)]), (20, [])],
)
def test_what_is_no_proc_yet_lies_beyond_the_next_one(next_proc: int, left: list[Run]) -> None:
    assert list(acting.later(RUNS, next_proc)) == left


def test_of_chosen_slices_only_those_are_told() -> None:
    found = acting.chosen_of(iter(RUNS), (3, 4, 15, 29))
    assert list(found) == [Run("run", 3, 2), Run("run", 29, 1)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (128, "128"),
        (None, "x"),
        ("/Expr(x * 2)/", "x * 2"),
    ],
)
def test_a_value_is_written_as_classads_write_it(value: object, text: str) -> None:
    assert acting.expression(value, "x") == text


def test_another_answer_is_no_expression() -> None:
    with pytest.raises(Garbled):
        acting.expression("plain", "false")
