from __future__ import annotations

from pathlib import Path

import pytest

from jobs_app.jobdir.output import Output


@pytest.fixture
def output(tmp_path: Path) -> Output:
    for name, data in {
        "synthesis": b"s\n",
        "10": b"ten\r\n",
        "9": b"nine\xff",
        "prepare": b"p",
        "3": b"",
    }.items():
        (tmp_path / name).write_bytes(data)
    return Output(tmp_path)


def test_the_parts_stand_in_the_order_in_which_they_ran_without_empty_ones(output: Output) -> None:
    assert list(output.parts().items()) == [
        ("prepare", "p"),
        (9, "nine\ufffd"),
        (10, "ten\n"),
        ("synthesis", "s\n"),
    ]


def test_a_part_that_printed_nothing_has_an_empty_text(output: Output) -> None:
    assert output.text("7") == ""


def test_a_job_that_printed_nothing_has_no_parts(tmp_path: Path) -> None:
    assert Output(tmp_path / "OUTPUT").parts() == {}
