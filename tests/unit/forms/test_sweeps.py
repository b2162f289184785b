from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs_app.errors import Invalid
from jobs_app.forms import sweeps


def rows(text: str) -> list[tuple[str, ...]]:
    return [tuple(row.values()) for row in sweeps.read(text, 1000).rows]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1:3", "1 2 3"),
        ("3:1", "3 2 1"),
        ("0.1:0.5:0.1", "0.1 0.2 0.3 0.4 0.5"),
        ("0:1:0.3", "0.0 0.3 0.6 0.9"),
        ("1:2:5", "1"),
        ("-1 : 1", "-1 0 1"),
        ("a, b c", "a|b c"),
        ("1, 5:7, x", "1 5 6 7 x"),
        ('"a,b", c', "a,b|c"),
    ],
)
def test_values_of_a_line(text: str, values: str) -> None:
    wanted = values.split("|") if "|" in values else values.split()
    assert sweeps.values(text, 100) == wanted


def test_ranges_are_multiplied() -> None:
    assert rows("a = 1:2\nb = x, y") == [("1", "x"), ("1", "y"), ("2", "x"), ("2", "y")]


@pytest.mark.parametrize("separator", [",", ";", "\t", ", "])
def test_a_table_has_the_separator_of_its_first_line(separator: str) -> None:
    text = f"a{separator}b\n1{separator}x\n\n2{separator}y\n"
    assert rows(text) == [("1", "x"), ("2", "y")]


def test_a_table_of_one_column_and_nothing_at_all() -> None:
    assert rows("a\n1\n2") == [("1",), ("2",)]
    assert rows(" \n\n") == []


@pytest.mark.parametrize(
    "text", ["a = 1:1001", "a = 1:40\nb = 1:40", "a\n" + "\n".join(map(str, range(1001)))]
)
def test_too_many_are_refused_before_they_are_made(text: str) -> None:
    with pytest.raises(Invalid, match="more than 1000"):
        sweeps.read(text, 1000)


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab=,:;\t\n\"'1.0e-+ "), max_size=60) | st.text(max_size=60))
def test_whatever_is_written_is_a_sweep_or_refused(text: str) -> None:
    try:
        sweep = sweeps.read(text, 50)
    except Invalid:
        return
    assert len(sweep.rows) <= 50
    assert all(tuple(row) == sweep.columns for row in sweep.rows)


@given(st.integers(-50, 50), st.integers(0, 40), st.sampled_from(["0.1", "0.25", "1", "3"]))
def test_a_range_holds_its_ends_and_nothing_beyond(first: int, count: int, step: str) -> None:
    last = Decimal(first) + count * Decimal(step)
    found = [Decimal(value) for value in sweeps.values(f"{first}:{last}:{step}", 100)]
    assert (found[0], found[-1], len(found)) == (Decimal(first), last, count + 1)
