"""A job's files that stayed on its pool: pieces of them travel alone; whole, they are brought first."""

from __future__ import annotations

from functools import partial

from django.http import HttpRequest, HttpResponseBase

from jobs_app.errors import Damaged, NoAnswer
from jobs_app.jobdir import remote
from jobs_app.jobdir.remote import Away
from jobs_app.lifecycle import remote as reading
from jobs_app.models import Job
from jobs_app.pools.base import PoolError, PoolUnreachable

from . import ranges

PATIENCE = 20.0  # seconds that a request waits for a file; it comes also when nobody waits
LARGEST_PIECE = 8 << 20  # bytes of one answer to a request for a range
SILENT = (PoolUnreachable, NoAnswer)
TROUBLES = (PoolError, NoAnswer, Damaged)


def known(job: Job, name: str) -> Away | None:
    """Of one that stayed there, whether it is here too by now or not. `name` is a safe one."""
    return remote.read(job.paths).get(name)


def etag(away: Away) -> str:
    """The same before it was brought and after."""
    return f'"{away.sha256[:32]}"'


def is_here(job: Job, name: str) -> bool:
    return (job.directory / name).exists()


def bring(job: Job, name: str, wait: float = PATIENCE) -> None:
    """One of TROUBLES if it is not here then."""
    reading.bring(job.directory, name, wait)


def piece(request: HttpRequest, job: Job, name: str, away: Away) -> HttpResponseBase | None:
    """The range that is asked for, and no more than that travels. None: all of the file is wanted, or so
    much of it that it is brought."""
    try:
        asked = ranges.range_of(request, away.size, etag(away))
    except ranges.Unsatisfiable:
        return ranges.refused(away.size)
    if asked is None or asked.length > LARGEST_PIECE:
        return None
    read = partial(reading.read_range, job, name)
    return ranges.of_bytes(request, read, away.size, etag(away), LARGEST_PIECE)
