"""Large results stay on a real HTCondor and are read on demand."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from jobs_app import inspection
from jobs_app.jobdir import files
from jobs_app.lifecycle import remote
from jobs_app.models import Job, RemoteCopy, Scheduler
from tests.pool.pool import TestPool

from .test_condor_courier import SECONDS, NewJob, manager, new_app, new_job, real

__all__ = ["manager", "new_app", "new_job", "real"]

pytestmark = [pytest.mark.pool, pytest.mark.django_db(transaction=True)]


def note_the_digest(job: Job) -> None:
    """A process_results_function that reads what stayed there."""
    content = files.locate(job.directory, "large.bin").read_bytes()
    (job.directory / "noted").write_text(hashlib.sha256(content).hexdigest())


MAKING = """
head -c 3000000 /dev/urandom > large.bin
mkdir -p sub && head -c 2000000 /dev/urandom > sub/other.bin
echo small > "small.$ROOST_SLICE"
sha256sum large.bin sub/other.bin
"""


def test_a_function_that_processes_results_reads_also_what_stayed_there(new_job: NewJob) -> None:
    job = new_job(MAKING, remote_from="1 MB", process_results_function=f"{__name__}.note_the_digest")
    job.execute()
    assert job.wait(timeout=SECONDS)
    assert (job.cached_status, job.status_message) == ("Complete", "")
    said = (job.directory / "OUTPUT" / "0").read_text().split()[0]
    assert (job.directory / "noted").read_text() == said


def test_large_results_stay_there_until_somebody_reads_them(
    new_job: NewJob, real: Scheduler, condor_pool: TestPool
) -> None:
    job = new_job(MAKING, num_jobs=2, remote_from="1 MB")
    job.execute()
    assert job.wait(timeout=SECONDS)
    assert (job.cached_status, job.status_message) == ("Complete", "")
    assert (job.directory / "small.1").read_text() == "small\n"
    listed = {file.name: (file.size, file.remote) for file in inspection.files(job)}
    assert listed["slices/1/large.bin"] == (3_000_000, True)
    assert listed["small.0"] == (6, False)
    assert not (job.directory / "slices/1/large.bin").exists()
    said = dict(line.split()[::-1] for line in (job.directory / "OUTPUT" / "1").read_text().splitlines())

    piece = remote.read_range(job, "slices/1/large.bin", 1_000_000, 500)
    assert not (job.directory / "slices/1/large.bin").exists()
    path = files.locate(job.directory, "slices/1/large.bin")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == said["large.bin"]
    assert path.read_bytes()[1_000_000:1_000_500] == piece
    other = files.locate(job.directory, "slices/1/sub/other.bin")
    assert hashlib.sha256(other.read_bytes()).hexdigest() == said["sub/other.bin"]
    assert not {file.name: file.remote for file in inspection.files(job)}["slices/1/large.bin"]

    token = job.attempts.get().token
    there = Path("/home/roost/roost/attempts") / token
    assert condor_pool.run("ls", str(there)).split()
    assert RemoteCopy.objects.get().due is None
    job.delete()
    follow_up = new_job("true")
    follow_up.execute()
    assert follow_up.wait(timeout=SECONDS)
    condor_pool.run("test", "!", "-e", str(there))
