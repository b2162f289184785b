"""What a slice prints is read while it runs, on a real HTCondor over SSH."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs_app.lifecycle import live
from jobs_app.models import Errand, Job, Scheduler

from .test_condor_courier import NewJob, manager, new_app, new_job, real

__all__ = ["manager", "new_app", "new_job", "real"]

pytestmark = [pytest.mark.pool, pytest.mark.django_db(transaction=True)]

SECONDS = 90.0

COUNTING = 'for i in $(seq 24); do echo "line $i of $ROOST_SLICE at $(date +%s.%N)"; sleep 0.7; done'

PRINTING = """
import time

def prepare():
    print("prepared", flush=True)

def analysis(sliceno):
    for number in range(16):
        print(f"slice {sliceno} says {number}", flush=True)
        time.sleep(1.2)
"""


def read_until(job: Job, step: str, sliceno: int, enough: Callable[[bytes], bool]) -> bytes:
    found, offset, deadline = b"", 0, time.monotonic() + SECONDS
    while not enough(found):
        assert time.monotonic() < deadline, f"only {found!r} came"
        job.wait(timeout=0.3)
        data, offset, ended = live.read(job, step, sliceno, offset=offset)
        found += data
        if ended:
            break
    return found


def test_an_executables_output_comes_while_it_runs_and_goes_on_without_a_gap(new_job: NewJob) -> None:
    job = new_job(COUNTING, num_jobs=2)
    job.execute()
    early = read_until(job, "run", 1, lambda found: b"line 12" in found)
    assert not job.is_final
    assert b"line 24" not in early
    assert Errand.objects.filter(kind="live").count() < 15
    whole = read_until(job, "run", 1, lambda _: False)
    lines = [line.split(b" at ")[0] for line in whole.splitlines()]
    assert lines == [b"line %d of 1" % number for number in range(1, 25)]
    assert job.wait(timeout=SECONDS)
    assert (job.directory / "OUTPUT" / "1").read_bytes() == whole
    assert not job.paths.attempt(1).live.exists()


def test_the_parts_of_a_script_are_read_while_they_run_in_one_proc_and_in_a_dag(
    new_app: Callable[..., Any], real: Scheduler, alice: User, settings: Any
) -> None:
    jobs_of = new_app(scripts={"a_printing.py": PRINTING}).get_job_manager()

    def printing(name: str, one_proc_slices: int) -> Job:
        settings.ROOST_ONE_PROC_SLICES = one_proc_slices
        job: Job = jobs_of.create_job(
            name, alice, job_type="SCRIPT", method="printing", slices=2, cpus=2, scheduler=real
        )
        job.save()
        job.execute()
        while job._status == "SUB":
            job.wait(timeout=0.2)
        return job

    whole, dag = printing("whole", 8), printing("dag", 0)
    for job, form in ((whole, "one-proc"), (dag, "own-dag")):
        assert job.attempts.get().form == form
        early = read_until(job, "analysis", 1, lambda found: b"says 3" in found)
        assert early.startswith(b"slice 1 says 0\nslice 1 says 1\n")
        assert not job.is_final
    assert read_until(whole, "prepare", 0, lambda found: b"prepared" in found) == b"prepared\n"
    for job in (whole, dag):
        all_of_it = read_until(job, "analysis", 1, lambda _: False)
        assert all_of_it == b"".join(b"slice 1 says %d\n" % number for number in range(16))
