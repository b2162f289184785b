from __future__ import annotations

import datetime
import json
import math
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs_app.errors import Invalid
from jobs_app.jobdir import statepoint
from jobs_app.script import Job, JobWithFile, job
from jobs_app.script.typed import canonical, decode, decode_jobs, encode, encode_with_paths

TAGS = ["set", "dict", "list", "text", "path", "float", "jobwithfile", "ordered"]
SINGLE = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.sampled_from(TAGS)
    | st.binary(max_size=4)
    | st.complex_numbers(allow_nan=False)
    | st.datetimes()
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.just(Path("a/b"))
)
VALUES = st.recursive(
    SINGLE,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=3) | st.integers() | st.sampled_from(["a.b", *TAGS]), inner, max_size=3
        )
        | st.sets(SINGLE, max_size=3)
    ),
    max_leaves=10,
)


@given(VALUES)
def test_what_goes_through_json_comes_back_as_it_was(value: Any) -> None:
    assert decode(json.loads(json.dumps(encode(value)))) == value


@given(VALUES)
def test_every_option_has_a_canonical_form_that_a_state_point_may_hold(value: Any) -> None:
    form = {"x": canonical(value)}
    assert statepoint.plain(form) == form


@pytest.mark.parametrize(
    "value", [math.inf, -math.inf, -0.0, OrderedDict([("b", 1), ("a", {2: 3})]), {frozenset({1})}]
)
def test_what_is_special_keeps_its_type(value: Any) -> None:
    found = decode(json.loads(json.dumps(encode(value))))
    assert type(found) is type(value)
    assert repr(found) == repr(value)


def test_a_nan_comes_back() -> None:
    assert math.isnan(decode(json.loads(json.dumps(encode(math.nan)))))


def test_dicts_come_back_with_their_items_as_attributes() -> None:
    assert decode(encode({"a": {"b": 1}})).a.b == 1


def test_a_time_with_a_zone_keeps_it() -> None:
    moment = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    assert decode(encode(moment)).isoformat() == moment.isoformat()


def test_a_file_of_a_job_tells_a_reader_without_database_where_the_job_lies(tmp_path: Path) -> None:
    job.learn("ising-3", tmp_path)
    encoded = json.loads(json.dumps(encode_with_paths({"f": [Job("ising-3").withfile("x", extra={1, 2})]})))
    job.forget_all()
    found = decode(encoded).f[0]
    assert found == JobWithFile("ising-3", "x", False, {1, 2})
    assert found.filename() == str(tmp_path / "x")
    job.forget_all()


def test_the_jobs_of_a_spec_come_back_as_jobs_that_know_where_they_lie(tmp_path: Path) -> None:
    found = decode_jobs([{"id": "ising-4", "path": str(tmp_path)}, None])
    assert found == ["ising-4", ""]
    assert found[0].path == str(tmp_path)
    assert not decode_jobs(None)
    job.forget_all()


@pytest.mark.parametrize("value", [print, object(), {"a": [print]}, {1: print}])
def test_what_cannot_be_an_option_is_named(value: Any) -> None:
    with pytest.raises(Invalid, match="cannot be an option"):
        encode(value)
