"""What each declaration accepts and what it makes of it: a table, a line a case."""

from __future__ import annotations

import copy
import datetime
import math
import pickle
from collections import OrderedDict
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pytest

from jobs_app.errors import BadOptions
from jobs_app.script import (
    DotDict,
    Job,
    JobWithFile,
    NoJob,
    OptionDefault,
    OptionEnum,
    OptionNumber,
    OptionString,
    RequiredOption,
)
from jobs_app.script.options import Arguments, Declared

REFUSED, OMITTED = object(), object()
THE_FILE = Job("ising-3").withfile("x.txt")

ENUM = OptionEnum("a b level*")
ENUM_OR_NONE = OptionEnum(["a", "b"], none_ok=True)
LIMITED = OptionNumber(3, least=1, most=9)
DAY, NOON = datetime.date(2020, 1, 31), datetime.time(12, 30)
MOMENT = datetime.datetime(2020, 1, 31, 12, 30)  # noqa: DTZ001 - as scripts write it
HOUR = datetime.timedelta(hours=1)

TABLE: list[tuple[str, Any, list[tuple[Any, Any]]]] = [
    (
        "an integer",
        3,
        [
            (OMITTED, 3),
            (4, 4),
            (3.0, 3),
            (3.7, 3.7),  # not cut off: 3 would be another job
            ("5", 5),
            (None, None),
            ("abc", REFUSED),
            ("3.7", REFUSED),
            ("", REFUSED),
            (True, REFUSED),
            ([1], REFUSED),
            (math.nan, REFUSED),
            (np.int64(4), 4),
            (10**400, 10**400),
        ],
    ),
    (
        "an integer with limits",
        LIMITED,
        [
            (OMITTED, 3),
            (1, 1),
            (9, 9),
            ("5", 5),
            (8.5, 8.5),
            (np.int64(4), 4),
            (0, REFUSED),
            (10, REFUSED),
            (9.5, REFUSED),
            ("-5", REFUSED),
            (math.inf, REFUSED),
            (None, REFUSED),
            (True, REFUSED),
            ("abc", REFUSED),
        ],
    ),
    (
        "a float with a limit",
        OptionNumber(0.5, least=0),
        [(OMITTED, 0.5), (0, 0.0), (1e300, 1e300), (-1e-9, REFUSED), (math.nan, REFUSED), (None, REFUSED)],
    ),
    (
        "int itself with a limit",
        OptionNumber(int, most=4),
        [(OMITTED, None), (None, None), (4, 4), (5, REFUSED), (3.0, REFUSED), ("3", REFUSED)],
    ),
    (
        "a required number with a limit",
        RequiredOption(OptionNumber(int, least=1)),
        [(OMITTED, REFUSED), (None, REFUSED), (1, 1), (0, REFUSED)],
    ),
    (
        "numbers with limits",
        [OptionNumber(int, least=1)],
        [(OMITTED, []), ([1, 2], [1, 2]), ([1, 0], REFUSED)],
    ),
    (
        "a text",
        "s",
        [(OMITTED, "s"), (5, "5"), (3.5, "3.5"), ("", ""), (None, None), (b"x", REFUSED), (True, REFUSED)],
    ),
    (
        "a float",
        2.5,
        [
            (OMITTED, 2.5),
            (7, 7.0),
            ("7.5", 7.5),
            (None, None),
            ("", REFUSED),
            ("x", REFUSED),
            (True, REFUSED),
            (2**53 + 1, REFUSED),
            (10**400, REFUSED),
            (np.float32(0.5), 0.5),
        ],
    ),
    (
        "a truth",
        False,
        [
            (OMITTED, False),
            (1, True),
            (0, False),
            ("yes", True),
            ("no", False),
            ("False", False),
            (None, None),
            ("maybe", REFUSED),
            (2, REFUSED),
            ("", REFUSED),
        ],
    ),
    ("float itself", float, [(OMITTED, None), (2.0, 2.0), (42, REFUSED), ("42", REFUSED), (True, REFUSED)]),
    (
        "int itself",
        int,
        [(OMITTED, None), (3, 3), (None, None), ("3", REFUSED), (3.5, REFUSED), (True, REFUSED)],
    ),
    ("str itself", str, [(OMITTED, None), ("x", "x"), ("", ""), (5, REFUSED)]),
    ("bool itself", bool, [(OMITTED, None), (True, True), (1, True), ("yes", REFUSED), (2, REFUSED)]),
    (
        "list itself",
        list,
        [(OMITTED, None), ([1], [1]), ((1, 2), [1, 2]), ("a", REFUSED), ({1}, REFUSED), ([print], REFUSED)],
    ),
    ("dict itself", dict, [(OMITTED, None), ({"a": 1}, {"a": 1}), ([1], REFUSED)]),
    ("set itself", set, [(OMITTED, None), ({1}, {1}), ([1], REFUSED)]),
    (
        "anything",
        None,
        [
            (OMITTED, None),
            (5, 5),
            ("", ""),
            ({"a": {"b": [1]}}, {"a": {"b": [1]}}),
            ({1, 2}, {1, 2}),
            (print, REFUSED),
        ],
    ),
    (
        "a list",
        [],
        [
            (OMITTED, []),
            ([1, "a"], [1, "a"]),
            ((1,), [1]),
            ({2, 1}, [1, 2]),
            ("a,b", ["a", "b"]),
            ("", []),
            (5, REFUSED),
            ({"a": 1}, REFUSED),
        ],
    ),
    (
        "a list of ints",
        [int],
        [(OMITTED, []), ([1], [1]), (["x"], REFUSED), (["1"], REFUSED), ([True], REFUSED)],
    ),
    ("a list like 1", [1, 2], [(OMITTED, [1, 2]), ("4,5", [4, 5]), ([3.0], [3]), (["x"], REFUSED)]),
    ("a tuple", (), [(OMITTED, []), ((1, 2), [1, 2])]),
    (
        "a set",
        set(),
        [(OMITTED, set()), ([1, 1], {1}), ({1}, {1}), ("a, b", {"a", "b"}), (5, REFUSED), ([[1]], REFUSED)],
    ),
    ("a set like 1", {1}, [(OMITTED, {1}), (["2"], {2}), (["x"], REFUSED)]),
    ("a dict", {}, [(OMITTED, {}), ({1: "x"}, {1: "x"}), ([1], REFUSED)]),
    (
        "a dict like 2",
        {"foo": 2},
        [(OMITTED, {"foo": 2}), ({"bar": "3"}, {"bar": 3}), ({"foo": "x"}, REFUSED), ({}, {})],
    ),
    ("a dict of ints", {str: int}, [(OMITTED, {}), ({"any": 3}, {"any": 3}), ({"any": "3"}, REFUSED)]),
    (
        "a dict of several kinds",
        {"n": 1, "s": "x"},
        [({"n": "2", "s": 3}, {"n": 2, "s": "3"}), ({"other": [1]}, {"other": [1]}), ({"n": "x"}, REFUSED)],
    ),
    (
        "a word",
        ENUM,
        [
            (OMITTED, REFUSED),
            ("a", "a"),
            ("level3", "level3"),
            ("level", "level"),
            ("c", REFUSED),
            ("", REFUSED),
            (None, REFUSED),
        ],
    ),
    ("a word with a default", ENUM.a, [(OMITTED, "a"), ("b", "b"), ("c", REFUSED)]),
    ("a word or none", ENUM_OR_NONE, [(OMITTED, None), ("", None), (None, None), ("b", "b"), ("c", REFUSED)]),
    (
        "words",
        [ENUM],
        [(OMITTED, []), (["a", "b"], ["a", "b"]), ("a,level1", ["a", "level1"]), (["c"], REFUSED)],
    ),
    ("a text that must be", OptionString, [(OMITTED, REFUSED), ("x", "x"), ("", REFUSED), (5, REFUSED)]),
    ("a text with an example", OptionString("like this"), [(OMITTED, REFUSED), ("x", "x"), (None, REFUSED)]),
    (
        "an int that must be",
        RequiredOption(int),
        [(OMITTED, REFUSED), (3, 3), (None, REFUSED), ("3", REFUSED)],
    ),
    ("an int or None that must be", RequiredOption(int, none_ok=True), [(OMITTED, REFUSED), (None, None)]),
    (
        "a complex one that need not be",
        OptionDefault({"k": OptionString}),
        [(OMITTED, None), ({"k": "x"}, {"k": "x"}), ({"k": ""}, REFUSED)],
    ),
    ("one with another default", OptionDefault(ENUM, "b"), [(OMITTED, "b"), ("a", "a"), ("c", REFUSED)]),
    (
        "a datetime",
        datetime.datetime,
        [
            (OMITTED, None),
            (MOMENT, MOMENT),
            ("2020-01-31T12:30", MOMENT),
            ("2020-01-31 12:30:00", MOMENT),
            ("2020", REFUSED),
            ("2020-13-31T12:30", REFUSED),
            (DAY, REFUSED),
            (5, REFUSED),
        ],
    ),
    (
        "a date",
        DAY,
        [(OMITTED, DAY), ("2020-01-31", DAY), ("2020", REFUSED), (MOMENT, REFUSED), (5, REFUSED)],
    ),
    ("a time", datetime.time, [(NOON, NOON), ("12:30", NOON), ("2020", REFUSED), (5, REFUSED)]),
    ("a timedelta", HOUR, [(OMITTED, HOUR), (HOUR * 2, HOUR * 2), (5, REFUSED), ("2020", REFUSED)]),
    ("a path", Path, [(Path("a"), Path("a")), ("a/b", Path("a/b")), (5, REFUSED)]),
    ("a pure path", PurePath("x"), [(OMITTED, PurePath("x")), ("a", PurePath("a")), (5, REFUSED)]),
    *(
        (
            f"a file, declared by {declared!r}",
            declared,
            [
                (OMITTED, None),
                (THE_FILE, THE_FILE),
                (["ising-3", "x.txt"], THE_FILE),
                (("ising-3", "x.txt", True, {"a": 1}), JobWithFile("ising-3", "x.txt", True, {"a": 1})),
                (JobWithFile("", ""), None),
                ("x.txt", REFUSED),
                (["ising-3"], REFUSED),
                (["ising", "x.txt"], REFUSED),
                (["ising-3", "../x"], REFUSED),
                (["ising-3", ["x"]], REFUSED),
            ],
        )
        for declared in (JobWithFile, JobWithFile(), JobWithFile("", ""))
    ),
    ("files", [JobWithFile], [(OMITTED, []), ([["ising-3", "x.txt"]], [THE_FILE]), (["x"], REFUSED)]),
    ("files by name", {"k": JobWithFile}, [(OMITTED, {}), ({"any": THE_FILE}, {"any": THE_FILE})]),
]

CASES = [
    pytest.param(declared, given, wanted, id=f"{what}: {'omitted' if given is OMITTED else repr(given)[:40]}")
    for what, declared, cases in TABLE
    for given, wanted in cases
]


@pytest.mark.parametrize(("declared", "given", "wanted"), CASES)
def test_an_option_becomes_what_it_is_declared_to_be_or_is_refused(
    declared: Any, given: Any, wanted: Any
) -> None:
    script = Declared.parse({"x": declared})
    given = {} if given is OMITTED else {"x": given}
    if wanted is REFUSED:
        with pytest.raises(BadOptions, match=r"^x"):
            script.check(given)
        return
    found = script.check(given).options.x
    assert (type(found), found) == (type(wanted), wanted) or (type(found), dict(found)) == (DotDict, wanted)


def test_the_table_is_at_least_as_long_as_the_one_it_condenses() -> None:
    assert len(CASES) >= 105


def test_a_nan_is_kept_where_anything_goes() -> None:
    assert math.isnan(Declared.parse({"x": None}).check({"x": math.nan}).options.x)


# --- all that is wrong is said at once ----------------------------------------------------------------------

SCRIPT = Declared.parse(
    {"x": 3, "mode": ENUM, "name": "n", "both": 1},
    ("source", ["many"]),
    ("previous", ["others"], "both"),
)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(BadOptions) as caught:
        SCRIPT.check(
            {"x": "abc", "modus": "a", "previous": 7, "source": ["ising-1"], "both": 2},
            {"unknown": 1},
            {},
            {},
        )
    said = str(caught.value)
    assert "x='abc': an integer is wanted" in said
    assert "mode is missing: one of a, b, level* is wanted" in said
    assert "'modus' is not among the options, datasets and jobs (did you mean 'mode'?)" in said
    assert "there are: x, mode, name, both, source, many, previous, others, both" in said
    assert "'unknown' is not among the options; there are: x, mode, name, both" in said
    assert "previous=7: a job, as 'ising-42', is wanted" in said
    assert "source=['ising-1']: a dataset" in said
    assert "'both' may mean several things; write options={'both': ...} or jobs={'both': ...}" in said


def test_the_place_of_a_wrong_element_is_named() -> None:
    with pytest.raises(BadOptions, match=r"x\['a'\]\[1\]='y': an int is wanted"):
        Declared.parse({"x": {"a": [int]}}).check({"x": {"a": [1, "y"]}})


@pytest.mark.parametrize(
    ("declared", "given", "why"),
    [
        (OptionNumber(64, least=1, most=4096), -5, "x=-5: a number from 1 to 4096 is wanted"),
        (OptionNumber(0.5, most=1), 1.5, "x=1.5: a number of at most 1 is wanted"),
        (OptionNumber(int, least=2), 1, "x=1: a whole number of at least 2 is wanted"),
    ],
)
def test_a_number_beyond_its_limits_is_said_with_them(declared: Any, given: Any, why: str) -> None:
    with pytest.raises(BadOptions) as caught:
        Declared.parse({"x": declared}).check({"x": given})
    assert str(caught.value) == f"{why}."


def test_a_long_value_is_shown_in_part() -> None:
    with pytest.raises(BadOptions) as caught:
        Declared.parse({"x": 3}).check({"x": "y" * 100_000})
    assert len(str(caught.value)) < 300


def test_a_value_that_contains_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(BadOptions, match=r"^x: "):
        Declared.parse({"x": None}).check({"x": value})


def test_keywords_go_where_they_belong_and_win_over_the_mappings() -> None:
    arguments = SCRIPT.check(
        {"x": 5, "mode": "a", "previous": "ising-2"},
        {"x": 4, "name": "mine"},
        {"source": "ising-1"},
        {"both": "a-1"},
    )
    assert arguments.options == {"x": 5, "mode": "a", "name": "mine", "both": 1}
    assert arguments.jobs == {"previous": "ising-2", "others": [], "both": "a-1"}
    assert isinstance(arguments.jobs.previous, Job)
    assert arguments.datasets.source.job == "ising-1"
    assert arguments.datasets.source.name == "default"


def test_what_is_not_given_is_there_and_false() -> None:
    arguments = SCRIPT.check({"mode": "a"})
    assert arguments.jobs.previous is NoJob
    assert not arguments.jobs.previous
    assert arguments.jobs.others == []
    assert not arguments.datasets.source
    assert arguments.datasets.many == []


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (["a-1", None, ""], ["a-1", "", ""]),
        ("a-1, a-2", ["a-1", "a-2"]),
        ("a-1", ["a-1"]),
        (Job("a-1"), ["a-1"]),
        (("a-1",), ["a-1"]),
        (None, []),
        ("", []),
    ],
)
def test_a_list_of_jobs_may_be_given_in_several_ways(given: Any, wanted: list[str]) -> None:
    found = SCRIPT.check({"mode": "a", "others": given}).jobs.others
    assert found == wanted
    assert all(isinstance(job, Job) for job in found)


def test_a_dataset_may_be_given_with_its_name() -> None:
    source = SCRIPT.check({"mode": "a", "source": "ising-1/movies"}).datasets.source
    assert (source, source.job, source.name) == ("ising-1/movies", "ising-1", "movies")
    assert SCRIPT.check({"mode": "a", "source": "ising-1/default"}).datasets.source == "ising-1"


def test_nobody_changes_a_default_for_the_next_one() -> None:
    script = Declared.parse({"x": [1], "y": {"a": [1]}})
    first = script.check({}).options
    first.x.append(2)
    first.y.a.append(2)
    assert script.check({}).options == {"x": [1], "y": {"a": [1]}}


# --- declarations that mean nothing -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declaration", "why"),
    [
        ({"options": ["x"]}, r"options = \['x'\] is no dict"),
        ({"options": {1: 2}}, "the key 1, which is no text"),
        ({"options": {"x": object()}}, "'x' is declared by"),
        ({"options": {"x": frozenset}}, "'x' is declared by the type frozenset"),
        ({"options": {"x": OptionNumber(0, least=1)}}, "the default 0, where a number of at least 1"),
        ({"options": {"x": OptionNumber("a", least=1)}}, r"OptionNumber\('a'\), which is no number"),
        ({"options": {"x": OptionNumber(True, least=1)}}, r"OptionNumber\(True\), which is no number"),
        ({"options": {"x": OptionNumber(3)}}, "with the limits None and None"),
        ({"options": {"x": OptionNumber(3, most=math.nan)}}, "with the limits None and nan"),
        ({"options": {"x": OptionNumber(3, least=4, most=2)}}, "least=4, which is more than most=2"),
        ({"jobs": "previous"}, r"a comma is missing. Write jobs = \('previous',\)"),
        ({"datasets": ("source")}, r"a comma is missing. Write datasets = \('source',\)"),
        ({"jobs": 5}, "no tuple of names"),
        ({"jobs": (["a", "b"],)}, r"jobs holds \['a', 'b'\]"),
        ({"jobs": ("a", ["a"])}, "names 'a' twice"),
        ({"jobs": ("",)}, "jobs holds ''"),
    ],
)
def test_a_declaration_that_means_nothing_is_refused_with_what_to_write(
    declaration: dict[str, Any], why: str
) -> None:
    with pytest.raises(BadOptions, match=why):
        Declared.parse(**declaration)


def test_a_word_that_the_enumeration_lacks_is_no_default() -> None:
    with pytest.raises(AttributeError, match=r"'z' is not one of a, b, level\*"):
        getattr(OptionEnum("a b level*"), "z")  # noqa: B009


@pytest.mark.parametrize("again", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_declarations_can_be_copied_and_pickled(again: Any) -> None:
    for declared in (
        ENUM,
        ENUM_OR_NONE,
        OptionString("x"),
        RequiredOption(int),
        OptionDefault({}, 5),
        LIMITED,
    ):
        assert type(again(declared)) is type(declared)
    assert again(ENUM).a == "a"
    assert again(DotDict(a=DotDict(b=1))).a.b == 1


# --- the state point ----------------------------------------------------------------------------------------


def point(arguments: Arguments) -> dict[str, Any]:
    return arguments.state_point("ising", "digest", lambda job: f"<{job}>")


def test_a_default_that_is_written_out_makes_the_same_state_point() -> None:
    assert point(SCRIPT.check({"mode": "a"})) == point(
        SCRIPT.check({"mode": "a", "x": 3.0, "name": "n", "previous": None, "others": []}, {"both": 1})
    )


def test_limits_are_no_part_of_the_state_point() -> None:
    for given in ({}, {"x": 4}, {"x": "5"}, {"x": 8.5}):
        limited, free = (Declared.parse({"x": declared}).check(given) for declared in (LIMITED, 3))
        assert repr(point(limited)) == repr(point(free))


def test_a_state_point_speaks_of_jobs_by_their_addresses() -> None:
    script = Declared.parse({"file": JobWithFile}, ("source",), ("previous", ["others"]))
    arguments = script.check(
        {"file": ("a-1", "x"), "source": "a-2/movies", "previous": "a-3", "others": ["a-4", None]}
    )
    assert point(arguments) == {
        "method": "ising",
        "source": "digest",
        "options": {"file": ["jobwithfile", {"job": "<a-1>", "name": "x", "sliced": False, "extra": None}]},
        "datasets": {"source": "<a-2>/movies"},
        "jobs": {"previous": "<a-3>", "others": ["<a-4>", None]},
    }


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"b": 1, "a": 2}, {"a": 2, "b": 1}, True),
        (OrderedDict(b=1, a=2), OrderedDict(a=2, b=1), False),
        (OrderedDict(a=1), {"a": 1}, False),
        ({1, 2, 3}, {3, 2, 1}, True),
        ({1, 2}, [1, 2], False),
        (["set", [1]], {1}, False),
        ({1: 2}, {"1": 2}, False),
        ((1, 2), [1, 2], True),
        (1, 1.0, False),
        (1, True, False),
        ("2020-01-31", DAY, False),
        (Path("a"), "a", False),
    ],
)
def test_equal_values_and_no_others_make_equal_state_points(one: Any, other: Any, same: bool) -> None:
    script = Declared.parse({"x": None})
    assert (repr(point(script.check({"x": one}))) == repr(point(script.check({"x": other})))) is same
