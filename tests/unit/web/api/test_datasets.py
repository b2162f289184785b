"""Rows of datasets: real Parquet files."""

from __future__ import annotations

import csv
import io
import sys
import threading

import pyarrow
import pytest
from pyarrow import parquet

from jobs_app.previews import apart


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


def test_the_end_of_a_large_one_is_read_without_the_rest(rows_of, write, monkeypatch):
    """Half a gigabyte once unpacked, in one row group."""
    rows = 8_000_000
    same = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * rows, pyarrow.int32()), ["x" * 60])
    job = write(pyarrow.table({"text": same}), rows_in_group=rows)
    monkeypatch.setattr(apart, "SECONDS", 120)  # a busy machine
    answer = rows_of(job, f"first={rows - 2}&limit=5")
    assert [row["text"] for row in answer.json()["rows"]] == ["x" * 60] * 2


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


class TestWhatIsMadeToHarm:
    def test_rows_that_unpack_to_more_than_there_is_memory_for(self, rows_of, write, monkeypatch):
        """A few kilobytes that hold one value of three gigabytes, many times."""
        monkeypatch.setattr(apart, "SECONDS", 120)
        same = pyarrow.DictionaryArray.from_arrays(
            pyarrow.array([0] * 4000, pyarrow.int32()), ["x" * (1 << 20)]
        )
        job = write(pyarrow.table({"text": same}), rows_in_group=4000)
        assert (job.directory / "datasets/d/0.parquet").stat().st_size < 4 << 20
        answer = rows_of(job, "limit=4000")
        assert answer.status_code == 409
        assert "fewer" in answer.json()["detail"]

    def test_too_much_to_say_at_once(self, rows_of, write, monkeypatch):
        monkeypatch.setattr(apart, "LARGEST_ROWS", 1000)
        answer = rows_of(write(numbers(0, 1000)), "limit=1000")
        assert (answer.status_code, "Ask for fewer" in answer.json()["detail"]) == (409, True)

    def test_what_takes_too_long_is_ended(self, rows_of, write, monkeypatch):
        monkeypatch.setattr(apart, "SECONDS", 0.01)
        answer = rows_of(write(numbers(0, 10)))
        assert (answer.status_code, "took more than" in answer.json()["detail"]) == (409, True)

    def test_many_who_ask_at_once_wait_for_each_other(self, rows_of, write, monkeypatch):
        monkeypatch.setattr(apart, "_AT_ONCE", threading.BoundedSemaphore(1))
        monkeypatch.setattr(apart, "SECONDS", 0.01)
        job = write(numbers(0, 10))
        with apart._a_place():
            answer = rows_of(job)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")

    def test_a_spreadsheet_runs_nothing(self, rows_of, write):
        cells = ["=1+1", "+x", "-x", "@SUM(A1)", "\tx", "fine", "a=b"]
        job = write(pyarrow.table({"=cmd": cells, "number": [-1.5] * len(cells)}))
        read = list(csv.reader(io.StringIO(rows_of(job, "format=csv").content.decode())))
        assert read[0] == ["'=cmd", "number"]
        assert [row[0] for row in read[1:]] == ["'=1+1", "'+x", "'-x", "'@SUM(A1)", "'\tx", "fine", "a=b"]
        assert {row[1] for row in read[1:]} == {"-1.5"}
        raw = list(csv.reader(io.StringIO(rows_of(job, "format=csv&raw=true").content.decode())))
        assert [row[0] for row in raw[1:]] == cells


def test_rows_that_have_not_changed_cost_nothing(api_of, alice, write):
    client, job = api_of(alice), write(numbers(0, 10))
    path = f"/jobs/{job.pk}/datasets/d/rows?limit=5"
    first = client.call("GET", path)
    same = {"If-None-Match": first.headers["ETag"]}
    assert client.call("GET", path, **same).status_code == 304
    assert client.call("GET", f"{path}&format=csv", **same).status_code == 200
    parquet.write_table(numbers(5, 20), job.directory / "datasets/d/0.parquet")
    assert client.call("GET", path, **same).status_code == 200
