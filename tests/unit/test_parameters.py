from __future__ import annotations

import datetime
import math
from pathlib import Path
from typing import Any

import pytest

from jobs_app import parameters as check
from jobs_app.errors import BadName, BadParameter, UnknownParameter


@pytest.mark.parametrize(
    ("given", "megabytes"),
    [(512, 512), (0.5, 1), ("512", 512), ("2 GB", 2048), ("1.5g", 1536), ("100 KiB", 1), ("1TB", 1048576)],
)
def test_memory_is_megabytes_or_says_its_unit(given: Any, megabytes: int) -> None:
    assert check.megabytes(given) == megabytes


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (90, 90),
        (datetime.timedelta(hours=2), 7200),
        ("90m", 5400),
        ("1.5 h", 5400),
        ("2d", 172800),
        ("01:30", 5400),
        ("01:30:05", 5405),
        ("1-00:00:00", 86400),
    ],
)
def test_times_are_seconds_or_say_their_unit(given: Any, seconds: int) -> None:
    assert check.seconds(given) == seconds


@pytest.mark.parametrize("given", ["lots", "-1 GB", -1, True, math.inf, math.nan, None, [1], "1 GB; rm"])
def test_what_is_no_size_is_refused(given: Any) -> None:
    with pytest.raises(BadParameter, match="is not a size"):
        check.megabytes(given)


@pytest.mark.parametrize("given", ["soon", -1, True, math.nan, "1:2:3", []])
def test_what_is_no_time_is_refused(given: Any) -> None:
    with pytest.raises(BadParameter, match="is not a length of time"):
        check.seconds(given)


@pytest.mark.parametrize("value", [{"a": "b\0"}, ["\ud800"], {"k\0": 1}, {"a": float("inf")}, {1, 2}, b"x"])
def test_what_no_database_holds_is_refused(value: Any) -> None:
    with pytest.raises(BadParameter):
        check.json_value(value)


def test_a_value_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(BadParameter, match="cannot be written as JSON"):
        check.json_value(value)


@pytest.mark.parametrize("given", [0, -3, 2.0, True, "3", None, 2**31])
def test_what_is_no_count_is_refused(given: Any) -> None:
    with pytest.raises(BadParameter):
        check.whole(1)(given)


@pytest.mark.parametrize(
    "value", ["x\nqueue 1000", "x\rqueue", "a\0b", ["fine", "x\ny"], {"a": 1}, math.inf, object()]
)
def test_an_attribute_cannot_smuggle_a_line_into_the_submit_description(value: Any) -> None:
    with pytest.raises(BadParameter):
        check.attributes({"output": value})


@pytest.mark.parametrize("name", ["", "a b", "a=b", "queue\n1", "1a", 3, "a;b"])
def test_an_attributes_name_is_a_word(name: Any) -> None:
    with pytest.raises(BadParameter):
        check.attributes({name: "x"})


def test_attributes_may_be_text_numbers_truth_and_lists_of_these() -> None:
    given = {"+Project": "a", "MY.Tag": 3, "getenv": True, "transfer_input_files": ("a", Path("b"))}
    assert check.attributes(given) == {**given, "transfer_input_files": ["a", "b"]}


@pytest.mark.parametrize("name", ["", "A=B", "A\nB"])
def test_an_environment_variables_name_is_refused_where_it_would_be_another(name: str) -> None:
    with pytest.raises(BadParameter):
        check.environment({name: "x"})


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a b  c", ["a", "b", "c"]),
        ("--name 'two words' x", ["--name", "two words", "x"]),
        ("'it''s'", ["it's"]),
        ('"one ""two"" \'a b\'"', ["one", '"two"', "a b"]),
        ("--x='a b'c", ["--x=a bc"]),
        ("''", [""]),
        ("", []),
        (r"C:\x $(Process)", [r"C:\x", "$(Process)"]),
    ],
)
def test_a_command_line_is_split_as_htcondor_splits_it(line: str, words: list[str]) -> None:
    assert check.split_arguments(line) == words


def test_arguments_are_one_line_or_a_row_for_each_slice() -> None:
    assert check.arguments("a b") == "a b"
    assert check.arguments(("a", 3, Path("c"))) == ["a", "3", "c"]
    assert check.arguments([["a"], ["b", 2]]) == [["a"], ["b", "2"]]
    with pytest.raises(BadParameter):
        check.arguments("a\nb")
    with pytest.raises(BadParameter):
        check.arguments([["a"], "b"])


@pytest.mark.parametrize(
    "name",
    [
        "a/b",
        "../up",
        "up..",
        "a\nb",
        "a\0b",
        "a\rb",
        "\x1b[31m",
        "",
        "   ",
        "x" * 1025,
        "x" * 10_000,
        None,
        7,
    ],
)
def test_a_bad_name_is_refused(name: Any) -> None:
    with pytest.raises(BadName):
        check.job_name(name)


@pytest.mark.parametrize("name", ["job", "Zürich 3.5°", "a{id}b", "{id.__class__}", "x" * 1024, "a.b"])
def test_a_good_name_stays_as_it_is(name: str) -> None:
    assert check.job_name(name) == name


def test_a_name_leaves_room_for_the_id_that_goes_into_it() -> None:
    with pytest.raises(BadName):
        check.job_name("x" * 1015 + "{id}")


def test_an_unknown_parameter_is_named_with_the_nearest_and_all() -> None:
    with pytest.raises(UnknownParameter) as caught:
        check.checked("CONDORJOB", {"memory": check.megabytes, "cpus": check.whole(1)}, {"memroy": 1})
    assert str(caught.value) == (
        "'memroy' is not a parameter of a CONDORJOB job. Did you mean 'memory'? There are: cpus, memory."
    )


def test_none_means_that_a_parameter_is_not_given() -> None:
    assert check.checked("BASIC", {"a": check.text}, {"a": None}) == {}


def test_more_slices_than_a_machine_can_keep_are_refused() -> None:
    with pytest.raises(BadParameter, match="1000000000 is more than 10000000"):
        check.whole(1, check.MOST_SLICES)(1_000_000_000)
