"""What a finished script job has to say, from its row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs_app.manager import JobManager
from jobs_app.testing import immediate_pool

from .conftest import NewApp

SCRIPT = """
options = {"x": 1}


def prepare(options):
    print("getting ready")


def synthesis(job, options):
    job.json_save({"x": options.x}, "x.json")
    return 2 * options.x
"""


@pytest.fixture(autouse=True)
def pool(home: Path) -> Iterator[None]:
    with immediate_pool(home):
        yield


def test_a_job_of_create_job_has_what_a_job_of_build_has(db: None, new_app: NewApp) -> None:
    manager = JobManager(new_app(scripts={"a_double.py": SCRIPT}))
    job = manager.create_job("one", None, job_type="SCRIPT", method="double", options={"x": 21})
    job.execute()
    assert job.wait()
    assert job.load() == 42
    assert job.json_load("x.json") == {"x": 21}
    assert job.files("*.json") == {"x.json"}
    assert job.output("prepare") == "getting ready\n"
    assert job.handle == job.jobid
    assert job.handle.load() == manager.build("double", x=21).load()


def test_before_it_has_run_there_is_nothing(db: None, new_app: NewApp) -> None:
    manager = JobManager(new_app(scripts={"a_double.py": SCRIPT}))
    job = manager.create_job("one", None, job_type="SCRIPT", method="double")
    job.save()
    assert job.files == set()
