"""What runs in a process of the measured home, on a real pool: `home.call("on_pool:FUNCTION", ...)`.

The way is the product's own: the manager creates jobs, execute() hands them over, a courier sends them.
"""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.inside import _manager, _user
from jobs_app import conf
from jobs_app.courier import Courier
from jobs_app.courier import run as run_courier
from jobs_app.models import Attempt, Job, Scheduler
from jobs_app.pools.base import Sending, Sent
from jobs_app.pools.condor.sending import Sender
from jobs_app.pools.shell.base import Running
from jobs_app.pools.shell.ssh import SshShell

NAME = "real"


def enrol(**known: Any) -> None:
    from jobs_app.sdk.compute import create_scheduler

    create_scheduler(NAME, **known).save()


@contextmanager
def courier() -> Iterator[Courier]:
    mine = Courier(Scheduler.objects.get(name=NAME))
    if not mine.take():
        raise RuntimeError("Somebody else is this scheduler's courier.")
    try:
        yield mine
    finally:
        mine.close()


@contextmanager
def counted_commands() -> Iterator[list[str]]:
    """The commands that go over SSH, as they are started."""
    started: list[str] = []
    start = SshShell.start

    def counting(shell: SshShell, argv: Sequence[str]) -> Running:
        started.append(" ".join(argv)[:200])
        return start(shell, argv)

    with mock.patch.object(SshShell, "start", counting):
        yield started


def logins(log: str) -> int:
    return Path(log).read_text().count("Accepted ")


def executables(count: int, **parameters: Any) -> list[Job]:
    """So many jobs, saved, which never start: nothing but the sending is measured."""
    never = {"requirements": "False"}
    given = {"executable": "/bin/true", "attributes": never, "scheduler": NAME, **parameters}
    names = [f"job {number}" for number in range(count)]
    jobs: list[Job] = _manager().create_jobs(names, _user(), job_type="CONDORJOB", **given)
    return jobs


def send_all(mine: Courier) -> None:
    """Until the pool has accepted all that waits."""
    while Attempt.objects.filter(phase__in=("waiting", "sending")).exists():
        mine.tick()
        if mine.link.scheduler.failures:
            raise RuntimeError(mine.link.scheduler.last_error)


def submit_many(count: int, together: bool) -> dict[str, Any]:
    """Seconds from the first execute() until the pool has accepted the last job, and what they went into."""
    with courier() as mine:
        warm_up(mine)
        jobs = executables(count)
        with counted_commands() as commands, _timed_sends() as sends:
            start = time.perf_counter()
            if together:
                _manager().execute_jobs(jobs)
            for job in [] if together else jobs:
                job.execute()
            executed = time.perf_counter()
            send_all(mine)
            end = time.perf_counter()
    return {"all": end - start, "execute": executed - start, "send": sum(sends), "commands": len(commands)}


def warm_up(mine: Courier) -> None:
    """The connection is open, and what runs on nodes is there."""
    for job in executables(1):
        job.execute()
    send_all(mine)


@contextmanager
def _timed_sends() -> Iterator[list[float]]:
    """Seconds of each call of the pool's `send`."""
    seconds: list[float] = []
    send = Sender.send

    def timed(sender: Sender, sending: Sending) -> Sent:
        start = time.perf_counter()
        try:
            return send(sender, sending)
        finally:
            seconds.append(time.perf_counter() - start)

    with mock.patch.object(Sender, "send", timed):
        yield seconds


# --- one job with two files ------------------------------------------------------------------------------


def submit_one(rounds: int, log: str, folder: str) -> dict[str, Any]:
    """Over a connection that is open: seconds, commands and logins for some jobs with two files each."""
    seconds, commands = [], []
    with courier() as mine:
        warm_up(mine)
        before = logins(log)
        for number in range(rounds):
            (job,) = executables(1, remote_input_files=_two_files(Path(folder), number))
            with counted_commands() as started:
                start = time.perf_counter()
                job.execute()
                send_all(mine)
                seconds.append(time.perf_counter() - start)
            commands.append(len(started))
        return {"seconds": seconds, "commands": commands, "logins": logins(log) - before}


def _two_files(folder: Path, number: int) -> list[str]:
    files = [folder / f"input-{number}-{name}" for name in "ab"]
    for file in files:
        file.write_text(f"{file} {number}\n" * 100)
    return [str(file) for file in files]


# --- one job of many slices ------------------------------------------------------------------------------


def submit_slices(count: int, rounds: int) -> dict[str, list[float]]:
    """Seconds from execute() until the pool has accepted a job of so many slices: all alike, and with
    arguments of their own."""
    table = [["--number", str(number)] for number in range(count)]
    with courier() as mine:
        warm_up(mine)
        plain = [_accepted(mine, num_jobs=count) for _ in range(rounds)]
        own = [_accepted(mine, num_jobs=count, arguments=table) for _ in range(rounds)]
    return {"plain": plain, "own": own}


def _accepted(mine: Courier, **parameters: Any) -> float:
    (job,) = executables(1, **parameters)
    start = time.perf_counter()
    job.execute()
    send_all(mine)
    seconds = time.perf_counter() - start
    job.stop()
    mine.tick()
    return seconds


# --- real slices, followed -------------------------------------------------------------------------------


def follow_real(slices: int) -> float:
    """The peak of this process in MB, a courier, once so many real slices were submitted and removed."""
    at_once = 5_000  # a larger job would be made little by little
    with courier() as mine:
        sizes = [min(at_once, slices - first) for first in range(0, slices, at_once)]
        jobs = [job for size in sizes for job in executables(1, num_jobs=size)]
        for job in jobs:
            job.execute()
        send_all(mine)
        for job in jobs:
            job.stop()
        deadline = time.monotonic() + 300
        while Job.objects.filter(pk__in=[job.pk for job in jobs]).exclude(_status="ABT").exists():
            mine.tick(1.0)
            if time.monotonic() > deadline:
                raise TimeoutError("The jobs were not removed.")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# --- real jobs, to their end -----------------------------------------------------------------------------

PROGRAM = "#!/bin/sh\nsleep 1\ndate +%s.%N > ended\n"


def news(count: int, follows: bool) -> list[float]:
    """Seconds from the end of each of so many slices to the row that says so."""
    program = conf.home() / "program"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    jobs = executables(count, executable=str(program), attributes={})
    for job in jobs:
        job.execute()
    with _no_follower_unless(follows), _courier_at_work():
        seen = _seen_ended({job.pk for job in jobs})
        wait_for_all()
    return [seen[job.pk] - float((job.directory / "ended").read_text()) for job in _again(jobs)]


@contextmanager
def _no_follower_unless(follows: bool) -> Iterator[None]:
    if follows:
        yield
        return
    with mock.patch.object(SshShell, "place_for_follower", return_value=nullcontext(False)):
        yield


@contextmanager
def _courier_at_work() -> Iterator[None]:
    """As in a server: in a thread of its own."""
    stop = threading.Event()
    scheduler = Scheduler.objects.get(name=NAME)
    thread = threading.Thread(target=run_courier, args=(scheduler, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _seen_ended(pks: set[int]) -> dict[int, float]:
    """When each job's row was first seen to say that its slice is over."""
    seen: dict[int, float] = {}
    deadline = time.monotonic() + 300
    while len(seen) < len(pks):
        rows = Job.objects.filter(pk__in=pks - seen.keys(), slices_done__gt=0)
        seen.update(dict.fromkeys(rows.values_list("pk", flat=True), time.time()))
        if time.monotonic() > deadline:
            raise TimeoutError(f"Only {len(seen)} of {len(pks)} slices ended.")
        time.sleep(0.01)
    return seen


def _again(jobs: Sequence[Job]) -> list[Job]:
    return list(Job.objects.filter(pk__in=[job.pk for job in jobs]).select_related("project"))


def wait_for_all() -> None:
    """Until every job that was executed is over."""
    deadline = time.monotonic() + 300
    while left := Job.objects.filter(_status__in=("SUB", "RUN", "VAR")).count():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{left} jobs are not over.")
        time.sleep(0.1)


def execute_and_leave(count: int) -> int:
    """A script that executes some jobs and ends: others do the rest."""
    for job in executables(count, num_jobs=2, attributes={}):
        job.execute()
    return count


def small(rounds: int, batch: int, slices: int) -> dict[str, Any]:
    """Seconds from execute() to the end: of plain jobs and small scripts one at a time, and of a batch."""
    _take([_script(slices, 1000)])  # the connection is open, and what runs on nodes is there
    plain, one = [], []
    for number in range(rounds):
        plain += [_take(executables(1, attributes={}))]
        one += [_take([_script(slices, number)])]
    many = _take([_script(slices, 2000 + number) for number in range(batch)])
    return {"plain": plain, "small": one, "batch": many}


def _script(slices: int, x: int) -> Job:
    job: Job = _manager().create_job(
        f"small {x}",
        _user(),
        job_type="SCRIPT",
        method="steps",
        slices=slices,
        options={"x": x},
        scheduler=NAME,
    )
    job.save()
    return job


def _take(jobs: Sequence[Job]) -> float:
    start = time.perf_counter()
    for job in jobs:
        job.execute()
    for job in jobs:
        if not job.wait(timeout=300) or job.cached_status != "Complete":
            raise RuntimeError(f"{job}: {job.cached_status} {job.status_message}")
    return time.perf_counter() - start
