"""Rows of datasets: real Parquet files."""

from __future__ import annotations

import csv
import io
import sys

import pyarrow
import pytest
from pyarrow import parquet


@pytest.fixture
def write(make_job):
    """A job with a dataset of these tables, a slice each."""

    def job_with(*tables, rows_in_group=1000):
        job = make_job()
        folder = job.directory / "datasets" / "d"
        folder.mkdir(parents=True)
        (folder / "schema.json").write_text('{"n": "int64"}')
        for number, table in enumerate(tables):
            parquet.write_table(table, folder / f"{number}.parquet", row_group_size=rows_in_group)
        return job

    return job_with


def numbers(first, last):
    return pyarrow.table({"n": range(first, last), "text": [f"row {n}" for n in range(first, last)]})


@pytest.fixture
def rows_of(api_of, alice):
    def ask(job, query=""):
        return api_of(alice).call("GET", f"/jobs/{job.pk}/datasets/d/rows?{query}")

    return ask


def test_what_there_is(api_of, alice, write):
    job, client = write(numbers(0, 3), numbers(3, 5)), api_of(alice)
    assert client.call("GET", f"/jobs/{job.pk}/datasets").json() == [{"name": "d", "slices": 2}]
    assert client.call("GET", f"/jobs/{job.pk}/datasets/d").json()["columns"] == {"n": "int64"}
    assert client.call("GET", f"/jobs/{job.pk}/datasets/none").status_code == 404


@pytest.mark.parametrize(
    ("first", "limit", "expected"),
    [
        (0, 3, range(3)),
        (2998, 4, range(2998, 3002)),  # over the end of a slice
        (999, 2, range(999, 1001)),  # and of a row group
        (4990, 100, range(4990, 5000)),
        (5000, 10, range(0)),
        (2**53, 1, range(0)),
    ],
)
def test_rows_by_range(rows_of, write, first, limit, expected):
    job = write(numbers(0, 3000), numbers(3000, 5000))
    answer = rows_of(job, f"first={first}&limit={limit}").json()
    assert answer["first"] == first
    assert [row["n"] for row in answer["rows"]] == list(expected)


def test_rows_as_csv_and_arrow(rows_of, write):
    job = write(numbers(0, 10))
    as_csv = rows_of(job, "first=2&limit=2&format=csv")
    assert list(csv.DictReader(io.StringIO(as_csv.content.decode()))) == [
        {"n": "2", "text": "row 2"},
        {"n": "3", "text": "row 3"},
    ]
    assert as_csv.headers["Content-Type"].startswith("text/csv")
    as_arrow = rows_of(job, "limit=4&format=arrow")
    assert pyarrow.ipc.open_stream(as_arrow.content).read_all().equals(numbers(0, 4))


def test_what_json_cannot_say_is_said_otherwise(rows_of, write):
    table = pyarrow.table({"x": [float("nan"), 1.5], "raw": [b"\xff", b"a"], "list": [[1.0], [float("inf")]]})
    assert rows_of(write(table)).json()["rows"] == [
        {"x": None, "raw": "/w==", "list": [1.0]},
        {"x": 1.5, "raw": "YQ==", "list": [None]},
    ]


def test_slices_may_have_different_columns(rows_of, write):
    job = write(pyarrow.table({"a": [1]}), pyarrow.table({"a": [2], "b": ["x"]}))
    assert rows_of(job).json()["rows"] == [{"a": 1, "b": None}, {"a": 2, "b": "x"}]


def test_the_end_of_a_large_one_is_read_without_the_rest(rows_of, write):
    """Half a gigabyte once unpacked, in one row group."""
    rows = 8_000_000
    same = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * rows, pyarrow.int32()), ["x" * 60])
    job = write(pyarrow.table({"text": same}), rows_in_group=rows)
    before = pyarrow.total_allocated_bytes()
    pool = pyarrow.default_memory_pool()
    answer = rows_of(job, f"first={rows - 2}&limit=5")
    assert [row["text"] for row in answer.json()["rows"]] == ["x" * 60] * 2
    assert pool.max_memory() - before < 200 << 20


@pytest.mark.parametrize("content", [b"", b"PAR1 is not enough PAR1", b"x" * 1000])
def test_what_is_no_table_is_told(rows_of, write, content):
    job = write(numbers(0, 3))
    (job.directory / "datasets" / "d" / "0.parquet").write_bytes(content)
    answer = rows_of(job)
    assert (answer.status_code, "Parquet" in answer.json()["detail"]) == (409, True)


def test_without_pyarrow_one_is_told_what_to_install(rows_of, write, monkeypatch):
    job = write(numbers(0, 3))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    answer = rows_of(job)
    assert (answer.status_code, "pip install pyarrow" in answer.json()["detail"]) == (501, True)
