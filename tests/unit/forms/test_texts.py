"""What is written into a field is read as the same value."""

from __future__ import annotations

import datetime
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs_app import parameters
from jobs_app.errors import Invalid
from jobs_app.forms import texts
from jobs_app.forms.fields import Refused, option_reader
from jobs_app.script.declarations import OptionEnum
from jobs_app.script.job import Job
from jobs_app.script.jobwithfile import JobWithFile
from jobs_app.script.kinds import kind_of
from jobs_app.script.options import encode

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
ANY = st.recursive(
    PLAIN | st.dates() | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def there_and_back(declared: Any, value: Any) -> Any:
    kind = kind_of(declared)
    text = texts.write(value, kind)
    return kind(texts.reader(kind)(text)) if text else None


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        (int, 7),
        (float, -0.1),
        (1, 2.5),
        (1.0, 3.0),
        (str, "plain"),
        ("x", "3"),
        (bool, False),
        (datetime.date, datetime.date(2026, 2, 28)),
        (datetime.datetime, datetime.datetime(2026, 2, 28, 1, 2, 3, 450000, UTC)),
        (datetime.time, datetime.time(1, 2)),
        (datetime.timedelta, datetime.timedelta(days=1, seconds=1, microseconds=5)),
        (Path, Path("a/b")),
        (bytes, b"\xff\x00"),
        (bytes, b"0xff"),
        (complex, 1 - 2j),
        ([int], [1, 2]),
        ([str], ["1", "two words", "[3]"]),
        ([str], ["a\nb", "", " "]),
        ([[int]], [[1, 2], [3]]),
        ({str}, {"a", "b"}),
        (set, {1, 2}),
        ({"a": 1}, {"b": 2.5, "c d": 3}),
        ({"a": "x"}, {"b": "3", "c=d": "{"}),
        (dict, {"a": {"b": [1]}, "c": "3", "d": 3}),
        (dict, {1: "one"}),
        (dict, {}),
        (list, []),
        (None, "3"),
        (None, [1, {"a": None}]),
        (OptionEnum("fast exact"), "exact"),
        (JobWithFile, JobWithFile(Job("ising-3"), "a/b.csv")),
        (JobWithFile, JobWithFile(Job("ising-3"), "a", True, [1])),
        ([JobWithFile], [JobWithFile(Job("ising-3"), "a"), JobWithFile(Job("ising-4"), "b", True)]),
    ],
)
def test_each_kind_comes_back(declared: Any, value: Any) -> None:
    found = there_and_back(declared, value)
    assert encode(found) == encode(value)


@settings(max_examples=200, deadline=None)
@given(ANY)
def test_anything_comes_back(value: Any) -> None:
    if value in (None, ""):
        return
    assert encode(there_and_back(None, value)) == encode(value)


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=5), st.dictionaries(TEXTS, TEXTS, min_size=1, max_size=4))
def test_lists_and_mappings_of_texts_come_back(items: list[str], pairs: dict[str, str]) -> None:
    assert there_and_back([str], items) == items
    assert there_and_back({"a": str}, pairs) == pairs


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=8), max_size=5))
def test_a_command_line_comes_back(words: list[str]) -> None:
    line = texts.write_arguments(words)
    assert parameters.split_arguments(line) == words


NASTY = ["[" * 20_000, '["set", 1]', '["timedelta", "x"]', "9" * 5_000, "1e999", "NaN"]
NUMBERS = [int, float, 1, bool, bytes, complex]
TIMES = [datetime.date, datetime.datetime, datetime.time, datetime.timedelta]
OTHERS = ["x", None, [int], [str], {str}, {"a": 1}, JobWithFile, Path, OptionEnum("a b*")]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40) | st.sampled_from(NASTY))
@pytest.mark.parametrize("declared", [*NUMBERS, *TIMES, *OTHERS], ids=str)
def test_whatever_is_written_is_read_or_refused(declared: Any, text: str) -> None:
    kind = kind_of(declared)
    try:
        value = option_reader(kind)(text)
    except Refused:
        return
    encode(kind(value))


def test_a_line_without_value_says_how_to_write_it() -> None:
    with pytest.raises(Invalid, match="name = value"):
        texts.reader(kind_of({"a": 1}))("b")
