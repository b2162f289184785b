"""What runs in a process of the measured home, of what a pool says: `home.call("recorded:FUNCTION", ...)`.

The jobs are there as rows, and on the access point as a plan and an event log, as if HTCondor had taken and
run them. From the log to the rows everything is the product's own.
"""

from __future__ import annotations

import logging
import resource
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from benchmarks import eventlog
from benchmarks.on_pool import NAME, counted_commands, courier, executables, warm_up
from jobs_app.courier import Courier
from jobs_app.lifecycle import actors, blocks, follow
from jobs_app.lifecycle.record import record
from jobs_app.lifecycle.work import Work
from jobs_app.models import Attempt, Batch, Job, Scheduler, Segment
from jobs_app.pools.base import Event, Events, Pool, Step

BY = actors.pool(NAME)


@dataclass(frozen=True)
class Active:
    """Jobs on the pool that log into a segment of their own, one cluster."""

    segment: Segment
    tokens: Sequence[str]
    plan: str
    root: Path  # ours on the access point, as it is seen from here
    slices: int
    cluster: int

    def happens(self, *kinds: str, tokens: Sequence[str] | None = None) -> int:
        """To all slices, or to those of some; how many bytes it is in the log."""
        told = ((token, number) for token in tokens or self.tokens for number in range(self.slices))
        events = eventlog.text(kinds, told, cluster=self.cluster, plan=self.plan)
        return eventlog.append(self.root / "segments" / self.segment.name, events)


def _active(root: str, count: int, slices: int = 1) -> Active:
    scheduler = Scheduler.objects.get(name=NAME)
    Segment.objects.filter(scheduler=scheduler).update(open=False)
    segment = Segment.objects.create(scheduler=scheduler, name=secrets.token_hex(8))
    token, cluster = secrets.token_hex(16), 900_000 + segment.pk
    batch = Batch.objects.create(
        token=token, scheduler=scheduler, segment=segment, remote_id=str(cluster), sent=timezone.now()
    )
    jobs = executables(count, num_jobs=slices)
    Job.objects.filter(pk__in=[job.pk for job in jobs]).update(
        _status="SUB", status_message=f"Waits to be sent to {NAME}.", frozen=True, number_of_attempts=1
    )
    with transaction.atomic():
        tokens = [_attempt(job, batch, slices).token for job in jobs]
    active = Active(segment, tokens, f"{token}.0", Path(root), slices, cluster)
    eventlog.write_plan(active.root, active.plan, ((each, slices) for each in tokens))
    return active


def _attempt(job: Job, batch: Batch, slices: int) -> Attempt:
    steps = (Step("run", slices),)
    attempt = Attempt.objects.create(
        job=job,
        number=1,
        token=secrets.token_hex(16),
        phase="sent",
        scheduler=batch.scheduler,
        batch=batch,
        sent=timezone.now(),
        work=Work(steps=steps).to_json(),
    )
    blocks.create(attempt, steps)
    return attempt


def _read(pool: Pool, active: Active, until: int) -> list[Event]:
    """All events up to an offset of the segment."""
    offset = active.segment.offset
    found: list[Event] = []
    while offset < until:
        part = follow.gather(pool, active.segment.name, offset, 1.0)
        found += part.events
        offset = part.offset
    return found


# --- rates ---------------------------------------------------------------------------


def rates(root: str, count: int, slices: int = 1, apart: bool = True) -> dict[str, float]:
    """Seconds for the reading and for the recording of three log events a slice: submit, execute, terminate.

    `apart`: each kind in a reading of its own, so that each event changes rows; else all in one reading.
    """
    kinds = [(kind,) for kind in eventlog.WHOLE] if apart else [eventlog.WHOLE]
    seconds = {"read": 0.0, "record": 0.0}
    with courier() as mine:
        warm_up(mine)
        active = _active(root, count, slices)
        end = 0
        for some in kinds:
            end += active.happens(*some)
            start = time.perf_counter()
            found = Events(tuple(_read(mine.link.pool, active, end)), end)
            read = time.perf_counter()
            record(active.segment, found, BY)
            seconds["record"] += time.perf_counter() - read
            seconds["read"] += read - start
        _check(active)
    return {**seconds, "events": 3.0 * count * slices}


def _check(active: Active) -> None:
    rows = Attempt.objects.filter(token__in=active.tokens[:100], phase="fetching")
    if rows.count() != len(active.tokens[:100]):
        raise RuntimeError("Not all events have been recorded.")
    rows.update(phase="final")
    Attempt.objects.filter(batch__segment=active.segment).update(phase="final")


def bare_updates(count: int) -> float:
    """Seconds that the database alone needs to give so many jobs another status, in one statement."""
    jobs = executables(count)
    start = time.perf_counter()
    Job.objects.filter(pk__gte=jobs[0].pk, pk__lte=jobs[-1].pk).update(_status="RUN", slices_running=1)
    return time.perf_counter() - start


def vendor() -> str:
    return str(connection.vendor)


# --- a refresh ---------------------------------------------------------------------------


def refresh(root: str, count: int, changed: int, rounds: int) -> dict[str, Any]:
    """Of `count` active jobs some start; how long a round of the courier takes, and what it asks over SSH."""
    seconds = []
    with courier() as mine:
        warm_up(mine)
        active = _active(root, count)
        active.happens(eventlog.SUBMITTED)
        mine._look_again()
        while mine.tick(0.2):
            pass
        with counted_commands() as commands:
            for number in range(rounds):
                some = active.tokens[number * changed : (number + 1) * changed]
                _start_some(active, some, number * changed)
                seconds.append(_until_running(mine, some[-1]))
        Attempt.objects.filter(batch__segment=active.segment).update(phase="final")
    return {"seconds": seconds, "commands": len(commands)}


def _start_some(active: Active, tokens: Sequence[str], first: int) -> None:
    events = (
        eventlog.STARTED.format(cluster=active.cluster, proc=first + number) for number in range(len(tokens))
    )
    eventlog.append(active.root / "segments" / active.segment.name, events)


def _until_running(mine: Courier, token: str) -> float:
    """CPU seconds until the last one that has started is seen to run."""
    job_id = Attempt.objects.values_list("job_id", flat=True).get(token=token)
    start, deadline = time.process_time(), time.monotonic() + 30
    while Job.objects.values_list("_status", flat=True).get(pk=job_id) != "RUN":
        mine.tick(1.0)
        if time.monotonic() > deadline:
            raise TimeoutError("The jobs did not start.")
    return time.process_time() - start


# --- memory ---------------------------------------------------------------------------


def follow_many(root: str, slices: int) -> dict[str, float]:
    """The peak of this process, a courier, in MB, once it has followed a job of so many slices to its end."""
    with courier() as mine:
        warm_up(mine)
        active = _active(root, 1, slices)
        before = _peak()
        end = active.happens(*eventlog.WHOLE)
        start = time.perf_counter()
        _run_until(mine, lambda: Segment.objects.get(pk=active.segment.pk).offset >= end)
        seconds = time.perf_counter() - start
        done = Job.objects.get(attempts__token=active.tokens[0]).slices_done
    if done != slices:
        raise RuntimeError(f"{done} of {slices} slices are recorded as done.")
    return {"peak": _peak(), "before": before, "seconds": seconds, "bytes": float(end)}


def _run_until(mine: Courier, is_over: Any) -> None:
    """The courier at work, as it is in a server: with its followers in threads."""
    logging.disable(logging.ERROR)  # these jobs have nothing to be fetched in the end
    stop = threading.Event()
    with _watching(stop, is_over):
        mine.run(stop)


@contextmanager
def _watching(stop: threading.Event, is_over: Any) -> Iterator[None]:
    def watch() -> None:
        while not is_over():
            time.sleep(0.2)
        stop.set()
        connection.close()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
