from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Machine


@pytest.fixture
def shelf(machine: Machine, tmp_path: Path) -> Path:
    """A folder on the path, as the project's own folder is."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    machine.extra["PYTHONPATH"] = str(folder)
    return folder


def test_a_new_app_runs_at_once(machine: Machine, shelf: Path) -> None:
    written = machine.manage("startjobapp", "darts", str(shelf))
    assert written.returncode == 0, written.stderr
    ran = machine.manage("jobs", "run", "darts", "numbers=10", "--wait")
    assert ran.returncode == 0, ran.stderr
    assert machine.manage("jobs", "cat", "1", "total.json").stdout.split() == ["{", '"total":', "285", "}"]


def test_its_program_runs_as_slices(machine: Machine, shelf: Path) -> None:
    machine.manage("startjobapp", "darts", str(shelf))
    ran = machine.manage("jobs", "run", "darts_program", "--wait")
    assert ran.returncode == 0, ran.stderr
    assert machine.manage("jobs", "logs", "1", "--part", "1").stdout == "This is slice 1 of 2\n"


def test_its_test_passes_with_plain_pytest(machine: Machine, shelf: Path) -> None:
    machine.manage("startjobapp", "darts", str(shelf))
    tested = machine.python("-m", "pytest", str(shelf / "darts"))
    assert tested.returncode == 0, tested.stdout
    assert "1 passed" in tested.stdout


def test_its_script_is_listed_and_described(machine: Machine, shelf: Path) -> None:
    machine.manage("startjobapp", "darts", str(shelf))
    assert "Adds up the squares" in machine.manage("methods").stdout
    assert "how many" in machine.manage("methods", "darts").stdout


def test_an_app_whose_folder_went_stands_in_nobodys_way(machine: Machine, shelf: Path) -> None:
    machine.manage("startjobapp", "darts", str(shelf))
    (shelf / "darts").rename(shelf / "gone")
    assert machine.manage("jobs", "list").returncode == 0
