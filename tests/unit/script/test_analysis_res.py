from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import pytest

from jobs_app.script.analysis_res import AnalysisRes, MergeError


def of(*results: Any) -> AnalysisRes:
    return AnalysisRes(len(results), list(results).__getitem__)


def test_the_results_come_in_the_order_of_the_slices_one_at_a_time() -> None:
    loaded: list[int] = []
    results = AnalysisRes(3, lambda sliceno: loaded.append(sliceno) or sliceno * 10)
    first = iter(results)
    assert next(first) == 0
    assert loaded == [0]
    assert [next(first), next(first)] == [10, 20]
    with pytest.raises(StopIteration):
        next(first)


def test_next_works_without_a_loop() -> None:
    assert next(of(7, 8)) == 7


@pytest.mark.parametrize("second", [list, lambda results: results.merge_auto()])
@pytest.mark.parametrize("first", [list, lambda results: results.merge_auto(), next])
def test_a_second_pass_is_refused(first: Any, second: Any) -> None:
    results = of(1, 2)
    first(results)
    with pytest.raises(MergeError, match="is an iterator, don't re-use it"):
        second(results)


def test_it_has_no_places() -> None:
    with pytest.raises(TypeError):
        of(1)[0]  # type: ignore[index]


MERGED = {
    "numbers": ([1, 2.5, 3], 6.5),
    "truths": ([True, False, True], 2),
    "lists": ([[1], [], [2, 1]], [1, 2, 1]),
    "sets": ([{1}, {1, 2}], {1, 2}),
    "counters": ([Counter(a=1), Counter(a=2, b=1)], Counter(a=3, b=1)),
    "counters that go down": ([Counter(a=1), Counter(a=-1)], Counter(a=0)),
    "dicts": ([{"a": 1}, {"b": 2}], {"a": 1, "b": 2}),
    "dicts of sets": ([{"a": {1}}, {"a": {2}, "b": {3}}], {"a": {1, 2}, "b": {3}}),
    "dicts of counters": ([{"a": Counter(x=1)}, {"a": Counter(x=1)}], {"a": Counter(x=2)}),
    "dicts at any depth": (
        [{"a": {"b": {"c": Counter(x=1)}}}, {"a": {"b": {"c": Counter(x=2), "d": Counter(y=1)}}}],
        {"a": {"b": {"c": Counter(x=3), "d": Counter(y=1)}}},
    ),
    "dicts of dicts": ([{"a": {"x": 1}}, {"a": {"y": 2}}], {"a": {"x": 1, "y": 2}}),
    "some empty": ([{}, {"a": 1}, [], {}], {"a": 1}),
    "an empty one inside": ([{"a": {}}, {"a": {"x": 1}}], {"a": {"x": 1}}),
    "all empty lists": ([[], []], []),
    "all empty dicts": ([{}, {}], {}),
    "nothing": ([None, None], None),
    "no slice": ([], None),
}


@pytest.mark.parametrize(("results", "merged"), MERGED.values(), ids=MERGED.keys())
def test_results_are_merged_by_their_type(results: list[Any], merged: Any) -> None:
    found = of(*results).merge_auto()
    assert found == merged
    assert type(found) is type(merged)


def test_tuples_are_merged_position_by_position() -> None:
    total, seen = of((1, {"a"}), (2, {"b"})).merge_auto()
    assert (total, seen) == (3, {"a", "b"})


def test_a_defaultdict_stays_one() -> None:
    merged = of(defaultdict(set, a={1}), defaultdict(set, a={2})).merge_auto()
    assert merged["nowhere"] == set()
    assert merged["a"] == {1, 2}


@pytest.mark.parametrize(
    "results",
    [
        ({"a": 1}, {"a": 1}),
        ({"a": [1]}, {"a": [2]}),
        ({"a": "x"}, {"a": "y"}),
        ({"a": {"b": 1}}, {"a": {"b": 2}}),
        ({"a": {1}}, {"a": Counter()}),
    ],
)
def test_two_slices_that_give_one_key_a_value_are_an_error_unless_overwriting_is_allowed(
    results: Any,
) -> None:
    with pytest.raises(MergeError, match=r"Duplicate key '[ab]'"):
        of(*results).merge_auto()
    assert of(*results).merge_auto(allow_overwrite=True) == results[1]


@pytest.mark.parametrize(
    "results",
    [
        ({1}, {1}),
        (Counter(a=1), Counter(a=1)),
        ({"k": {1}}, {"k": {1}}),
        ({"k": Counter(a=1)}, {"k": Counter(a=1)}),
    ],
)
def test_overwriting_can_be_forbidden_for_what_would_be_merged(results: Any) -> None:
    with pytest.raises(MergeError, match=r"Duplicate key (1|'a')"):
        of(*results).merge_auto(allow_overwrite=False)
    of(*results).merge_auto()


@pytest.mark.parametrize(
    ("results", "why"),
    [
        (("a", "b"), "cannot merge 'a', of type str"),
        ((1j, 2j), "of type complex"),
        ((frozenset({1}),), "of type frozenset"),
        (([1], {2}), "different types: list and, in slice 1, set"),
        ((1, None), "different types: int and, in slice 1, NoneType"),
        (({"a": 1}, Counter(a=1)), "different types: dict and, in slice 1, Counter"),
        (((1, 2), (1,)), r"tuples of different lengths: \[1, 2\]"),
    ],
)
def test_what_cannot_be_merged_is_said_with_a_way_out(results: Any, why: str) -> None:
    with pytest.raises(MergeError, match=why):
        of(*results).merge_auto()
