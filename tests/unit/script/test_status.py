from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs_app.script import dummy_status, status
from jobs_app.script import status as status_of_scripts
from jobs_app.script.status import begin_status, end_status, read, status_lines_when


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "status" / "2"
    begin_status(path, "analysis(2)")
    yield path
    end_status()


def texts(path: Path) -> list[str]:
    return [line.text for line in read(path)]


def until(path: Path, wanted: list[str]) -> None:
    deadline = time.monotonic() + 60
    while texts(path) != wanted:
        assert time.monotonic() < deadline, texts(path)
        time.sleep(0.01)


def test_a_part_that_says_nothing_leaves_no_file(path: Path) -> None:
    assert read(path) == []
    end_status()
    assert not path.parent.exists()


def test_what_a_part_says_can_be_read_meanwhile_and_goes_at_its_end(path: Path) -> None:
    with status("reading"):
        assert texts(path) == ["analysis(2)", "reading"]
    end_status()
    assert not path.exists()


def test_the_last_of_many_updates_is_seen_though_most_are_not_written(path: Path) -> None:
    with status("outer"), status("0") as update:
        for number in range(1000):
            update(str(number))
        until(path, ["analysis(2)", "outer", "999"])


def test_lines_know_since_when_and_where(path: Path) -> None:
    with status("here"):
        line = read(path)[-1]
        assert abs(line.since - time.time()) < 60
        assert "with status" in Path(__file__).read_text().splitlines()[line.line - 1]


def test_the_lines_that_stood_when_an_error_was_raised_are_known_after_it(path: Path) -> None:
    with pytest.raises(KeyError) as caught, status("outer"), status("inner"):
        raise KeyError
    assert [line["text"] for line in status_lines_when(caught.value)] == ["analysis(2)", "outer", "inner"]
    wrapped = ValueError()
    wrapped.__cause__ = caught.value
    assert len(status_lines_when(wrapped)) == 3
    assert len(status_lines_when(RuntimeError())) == 1


def test_outside_a_job_a_status_says_nothing_and_hurts_nobody() -> None:
    with status_of_scripts("x") as update:
        update("y")
    with dummy_status("x") as update:
        update("y")
