from __future__ import annotations

import enum
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import signac
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs_app.errors import BadStatePoint, Damaged
from jobs_app.jobdir import statepoint

VECTORS: list[tuple[dict[str, Any], str]] = [
    ({}, "99914b932bd37a50b983c5e7c90ae93b"),
    ({"a": 0}, "9bfd29df07674bc4aa960cf661b5acd2"),
    ({"a": 1}, "42b7b4f2921788ea14dac5566e6f06d0"),
    ({"a": 0, "b": {"c": 0}}, "4e9a45a922eae6bb5d144b36d82526e4"),
    ({"b": {"c": 1}, "a": 0}, "9012eec248de45d99841fa7519974750"),
    ({"b": 1.0}, "0ba6c5a46111313f11c41a6642520451"),
    ({"c": "1.0"}, "80fa45716dd3b83fa970877489beb42e"),
    ({"é": 1}, "1749ea4677cb01bf4a53e90a442034cd"),
]

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
KEYS = TEXT.filter(lambda key: "." not in key)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
STATE_POINTS = st.dictionaries(KEYS, VALUES, max_size=5)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> signac.Project:
    return signac.init_project(str(tmp_path_factory.mktemp("signac")))


@pytest.mark.parametrize(("point", "address"), VECTORS)
def test_the_address_is_signacs(point: dict[str, Any], address: str) -> None:
    assert statepoint.address(point) == address


@given(point=STATE_POINTS)
def test_every_state_point_that_is_accepted_has_the_id_that_signac_gives_it(
    project: signac.Project, point: dict[str, Any]
) -> None:
    assert statepoint.address(point) == project.open_job(point).id


@settings(max_examples=25)
@given(point=STATE_POINTS)
def test_signac_opens_what_we_write_and_we_open_what_signac_writes(
    project: signac.Project, point: dict[str, Any]
) -> None:
    job = project.open_job(point).init()
    assert statepoint.read(Path(job.path)) == point
    Path(job.path, "signac_statepoint.json").unlink()
    statepoint.write(Path(job.path), point)
    fresh = signac.get_project(project.path).open_job(id=job.id)
    assert fresh.statepoint() == point


def test_one_and_one_point_nought_and_true_and_the_text_are_four_jobs() -> None:
    assert len({statepoint.address({"a": value}) for value in (1, 1.0, True, "1")}) == 4
    assert statepoint.address({"a": 0.0}) != statepoint.address({"a": -0.0})


class Colour(enum.IntEnum):
    RED = 1


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ((1, (2,)), [1, [2]]),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.array([[1, 2]]), [[1, 2]]),
        (np.array(7), 7),
        (Colour.RED, 1),
    ],
)
def test_what_json_can_hold_becomes_plain(given: Any, plain: Any) -> None:
    made = statepoint.plain({"a": given})
    assert json.dumps(made) == json.dumps({"a": plain})


def test_a_plain_copy_shares_nothing_with_the_callers_mapping() -> None:
    given = {"a": [1]}
    made = statepoint.plain(given)
    given["a"].append(2)
    assert made == {"a": [1]}


def self_containing() -> dict[str, Any]:
    point: dict[str, Any] = {}
    point["a"] = [point]
    return point


REFUSED = [
    ({"a": math.nan}, "a is nan"),
    ({"a": {"b": [1, math.inf]}}, "a.b.1 is inf"),
    ({"a": object}, "type, which JSON lacks"),
    ({"a": {1, 2}}, "a is {1, 2}, of type set"),
    ({"a": b"x"}, "of type bytes"),
    ({"a": 1j}, "of type complex"),
    ({"a": np.complex64(1)}, "of type complex"),
    ({"a": np.longdouble(1) / 3}, "of type longdouble"),
    ({1: 2}, "the key 1, of type int; keys are text. Write '1'"),
    ({"a": {None: 2}}, "the key None in a"),
    ({"a.b": 1}, "the key 'a.b'; a dot"),
    ({"a": "\0"}, "contains NUL"),
    ({"\ud800": 1}, "half a character"),
    ({"a": 10**400}, "a number of"),
    ([("a", 1)], "is a mapping"),
    ("a", "is a mapping"),
    (self_containing(), "holds itself"),
]


@pytest.mark.parametrize(("point", "why"), REFUSED, ids=[why for _, why in REFUSED])
def test_what_cannot_be_a_state_point_is_refused_by_place_and_value(point: Any, why: str) -> None:
    with pytest.raises(BadStatePoint) as caught:
        statepoint.address(point)
    assert why in str(caught.value)
    assert len(str(caught.value)) < 500


def test_the_file_is_the_one_that_signac_writes(tmp_path: Path) -> None:
    statepoint.write(tmp_path, {"b": 1, "a": {"é": [1.5, None]}})
    written = (tmp_path / "signac_statepoint.json").read_bytes()
    assert written == b'{"b": 1, "a": {"\\u00e9": [1.5, null]}}'


def test_a_state_point_of_another_job_is_damage(tmp_path: Path) -> None:
    directory = tmp_path / statepoint.address({"a": 0})
    directory.mkdir()
    statepoint.write(directory, {"a": 1})
    with pytest.raises(Damaged, match=r"signac_statepoint.json is damaged: .*42b7.*, not of 9bfd"):
        statepoint.read(directory)
    assert statepoint.read(directory, "42b7b4f2921788ea14dac5566e6f06d0") == {"a": 1}


def test_half_a_state_point_is_damage_with_a_cure(tmp_path: Path) -> None:
    (tmp_path / "signac_statepoint.json").write_text('{"a": ')
    with pytest.raises(Damaged, match="repair"):
        statepoint.read(tmp_path)
