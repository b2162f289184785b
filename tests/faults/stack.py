"""All of Roost in a process that may be killed: makes jobs once, has them run, and waits until all are over.

`python -m tests.faults.stack <mode>`, as often as it takes. Mode "wait": a plain script that waits and does
the courier's work itself; "threads": the background threads of `manage.py serve`.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import django

django.setup()

from jobs_app import background  # noqa: E402
from jobs_app.killpoints import reach  # noqa: E402
from jobs_app.manager import JobManager  # noqa: E402
from jobs_app.models import Job  # noqa: E402

APP = "faultapp"
SHELL = (
    "test -e tried-$ROOST_SLICE || { touch tried-$ROOST_SLICE; test $ROOST_SLICE != 2 || exit 4; }; "
    "sleep 0.01; echo slice $ROOST_SLICE"
)
JOBS: dict[str, dict[str, Any]] = {
    "steps": {"job_type": "SCRIPT", "method": "three", "slices": 3, "retries": 4},
    "more": {"job_type": "SCRIPT", "method": "three", "slices": 2, "retries": 4, "options": {"start": 5}},
    "parent": {"job_type": "SCRIPT", "method": "parent", "retries": 4},
    "bad": {"job_type": "SCRIPT", "method": "three", "slices": 2, "options": {"fail": 1}},
    "shell": {
        "job_type": "CONDORJOB",
        "executable": "/bin/sh",
        "arguments": ["-c", SHELL],
        "num_jobs": 4,
        "retries": 5,
    },
    "cancelled": {
        "job_type": "CONDORJOB",
        "executable": "/bin/sleep",
        "arguments": "1001",
        "priority": 5,
        "retries": 4,
    },
    "stopped": {"job_type": "CONDORJOB", "executable": "/bin/sleep", "arguments": "1000"},
}
LONGEST = 90.0


def main(mode: str) -> None:
    jobs = {name: made(name, fields) for name, fields in JOBS.items()}
    for job in jobs.values():
        if job._status == "PEN":
            job.execute()
            reach("stack.executed")
    stop_once(jobs["stopped"])
    with in_threads() if mode == "threads" else nullcontext():
        run(list(jobs.values()), jobs["cancelled"])


def made(name: str, fields: dict[str, Any]) -> Job:
    manager = JobManager(APP)
    known = manager.list_jobs(filters={"name": name}).first()
    if known is not None:
        return known
    job = manager.create_job(name, None, **fields)
    job.save()
    reach("stack.saved")
    return job


def stop_once(job: Job) -> None:
    job.refresh_from_db()
    if not job.is_final and not job.history.filter(why__startswith="Stopped").exists():
        job.stop()
        reach("stack.stopped")


def run(jobs: list[Job], cancelled: Job) -> None:
    """Until all are over; one of them is stopped as soon as it runs."""
    deadline = time.monotonic() + LONGEST
    for job in jobs:
        while not job.wait(0.05):
            assert time.monotonic() < deadline, f"{job.name} is {job.cached_status}: {job.status_message}"
            cancelled.refresh_from_db()
            if cancelled._status == "RUN":
                stop_once(cancelled)


@contextmanager
def in_threads() -> Iterator[None]:
    stop = threading.Event()
    threads = background.start_threads(stop)
    yield
    stop.set()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(sys.argv[1])
