from __future__ import annotations

import threading
from pathlib import Path

import pytest

from jobs_app.errors import BadStatePoint
from jobs_app.jobdir import statepoint
from jobs_app.jobdir.create import Created, create
from tests.unit.jobdir import names_in


def test_a_new_directory_appears_with_its_state_point_and_what_fills_it(tmp_path: Path) -> None:
    made = create(tmp_path, {"a": 0}, lambda aside: (aside / "x").touch())
    assert made == (tmp_path / "9bfd29df07674bc4aa960cf661b5acd2", True)
    assert statepoint.read(made.path) == {"a": 0}
    assert (made.path / "x").exists()
    assert names_in(tmp_path) == [made.path.name]


def test_a_directory_that_is_there_is_given_as_it_is(tmp_path: Path) -> None:
    first = create(tmp_path, {"a": 0})
    (first.path / "mine").touch()
    again = create(tmp_path, {"a": 0}, lambda _: pytest.fail("filled again"))
    assert again == Created(first.path, False)
    assert (first.path / "mine").exists()


def test_a_bad_state_point_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadStatePoint):
        create(tmp_path, {"a": {1}})
    assert names_in(tmp_path) == []


def test_an_error_while_it_is_filled_leaves_nothing(tmp_path: Path) -> None:
    def fail(_: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        create(tmp_path, {"a": 0}, fail)
    assert names_in(tmp_path) == []


def test_of_many_that_create_at_once_one_wins_and_all_get_it(tmp_path: Path) -> None:
    together = threading.Barrier(8)
    made: list[Created] = []

    def late(_: Path) -> None:
        together.wait(10)  # all have seen that it is not there

    threads = [
        threading.Thread(target=lambda: made.append(create(tmp_path, {"a": 0}, late))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [created.fresh for created in made].count(True) == 1
    assert {created.path for created in made} == {tmp_path / "9bfd29df07674bc4aa960cf661b5acd2"}
    assert names_in(tmp_path) == ["9bfd29df07674bc4aa960cf661b5acd2"]


def test_a_directory_that_lost_its_state_point_gets_it_back_and_keeps_its_files(tmp_path: Path) -> None:
    made = create(tmp_path, {"a": 0})
    (made.path / "mine").touch()
    (made.path / "signac_statepoint.json").unlink()
    assert create(tmp_path, {"a": 0}).fresh is False
    assert statepoint.read(made.path) == {"a": 0}
    assert (made.path / "mine").exists()


def test_a_file_in_its_place_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "9bfd29df07674bc4aa960cf661b5acd2").touch()
    with pytest.raises(OSError, match="9bfd29df"):
        create(tmp_path, {"a": 0})
    assert names_in(tmp_path) == ["9bfd29df07674bc4aa960cf661b5acd2"]
