"""Where slices ran and what they used: one record a slice, written bit by bit."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs_app.jobdir import usage
from jobs_app.jobdir.usage import Used


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "usage", tmp_path / "hosts"


def test_what_becomes_known_later_stands_beside_what_was_known(files: tuple[Path, Path]) -> None:
    usage.update(*files, {("run", 3): {"host": "exec1", "start": 10.0}})
    usage.update(*files, {("run", 3): {"end": 20.0, "memory_used": 70, "memory": 64}})
    assert usage.read(*files, "run", 3) == Used("exec1", 10.0, 20.0, memory_used=70, memory=64)
    assert usage.read(*files, "run", 2) is None
    assert usage.read(*files, "run", 4) is None


def test_nothing_is_known_before_anything_was_told(files: tuple[Path, Path]) -> None:
    assert list(usage.read_range(*files, "run", 0, 2)) == [None, None]


def test_steps_do_not_mix(files: tuple[Path, Path]) -> None:
    changes = {(step, 0): {"host": step} for step in ("prepare", "analysis", "synthesis")}
    usage.update(*files, changes)
    for step in ("prepare", "analysis", "synthesis"):
        assert (usage.read(*files, step) or Used()).host == step


def test_a_host_is_named_once_however_many_slices_ran_there(files: tuple[Path, Path]) -> None:
    for first in (0, 500):
        usage.update(*files, {("run", first + each): {"host": f"exec{each % 3}"} for each in range(500)})
    assert files[1].read_text() == "exec0\nexec1\nexec2\n"
    found = list(usage.read_range(*files, "run", 0, 1000))
    assert [each and each.host for each in found[500:503]] == ["exec0", "exec1", "exec2"]


def test_a_torn_file_tells_nothing_of_the_torn_record(files: tuple[Path, Path]) -> None:
    usage.update(*files, {("run", 0): {"memory": 1}, ("run", 1): {"memory": 2}})
    files[0].write_bytes(files[0].read_bytes()[:-3])
    assert [each and each.memory for each in usage.read_range(*files, "run", 0, 2)] == [1, None]


@given(st.dictionaries(st.integers(0, 300), st.integers(0, 2**40), max_size=30))
def test_every_slice_keeps_its_own(tmp_path_factory: pytest.TempPathFactory, sizes: dict[int, int]) -> None:
    folder = tmp_path_factory.mktemp("usage")
    files = (folder / "usage", folder / "hosts")
    usage.update(*files, {("run", number): {"disk": size} for number, size in sizes.items()})
    found = enumerate(usage.read_range(*files, "run", 0, 301))
    assert {number: each.disk for number, each in found if each} == {
        number: min(size, 2**32 - 1) for number, size in sizes.items()
    }
