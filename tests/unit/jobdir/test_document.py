from __future__ import annotations

import threading
from pathlib import Path

import pytest
import signac

from jobs_app.errors import Damaged
from jobs_app.jobdir import document
from jobs_app.jobdir.layout import JobPaths


@pytest.fixture
def paths(tmp_path: Path) -> JobPaths:
    return JobPaths(tmp_path)


def test_a_document_that_nobody_wrote_is_empty(paths: JobPaths) -> None:
    assert document.read(paths) == {}


def test_what_is_written_is_read_and_signac_reads_it_too(tmp_path: Path) -> None:
    job = signac.init_project(str(tmp_path)).open_job({"a": 0}).init()
    paths = JobPaths(job.path)
    document.write(paths, {"x": [1, {"y": None}]})
    assert document.read(paths) == {"x": [1, {"y": None}]}
    assert job.document() == {"x": [1, {"y": None}]}
    job.document["z"] = 2
    assert document.read(paths)["z"] == 2


def test_changes_at_the_same_time_are_all_kept(paths: JobPaths) -> None:
    def count() -> None:
        for _ in range(50):
            document.change(paths, lambda content: content.update(n=content.get("n", 0) + 1))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert document.read(paths) == {"n": 200}


def test_an_edit_that_fails_changes_nothing(paths: JobPaths) -> None:
    document.write(paths, {"n": 1})

    def fail(content: dict[str, object]) -> None:
        content["n"] = 2
        raise KeyError

    with pytest.raises(KeyError):
        document.change(paths, fail)
    assert document.read(paths) == {"n": 1}


def test_a_damaged_document_is_named_and_not_overwritten(paths: JobPaths) -> None:
    paths.document.write_text("{")
    with pytest.raises(Damaged, match=r"signac_job_document\.json is damaged"):
        document.change(paths, lambda content: content.update(n=1))
    assert paths.document.read_text() == "{"
