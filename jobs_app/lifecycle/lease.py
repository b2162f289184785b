"""Leases: who works on what, until when.

A holder is written "host:pid:start time:number". On its own host a dead holder is found out at once (the
start time tells a process from a later one with the same pid); on another host its lease has to run out.
"""

from __future__ import annotations

import itertools
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from django.db import DatabaseError, connection
from django.db.models import Q
from django.utils import timezone

from jobs_app.models import Attempt, Scheduler

log = logging.getLogger(__name__)

SECONDS = 30

_numbers = itertools.count(1)


def new_holder() -> str:
    """A name for one courier or worker of this process."""
    pid = os.getpid()
    return f"{socket.gethostname()}:{pid}:{_start_time(pid)}:{next(_numbers)}"


def until() -> datetime:
    return timezone.now() + timedelta(seconds=SECONDS)


def is_dead(holder: str) -> bool:
    """Whether this was a process of this host that surely is no more."""
    host, pid, start, *_ = [*holder.split(":"), "", "", ""]
    if host != socket.gethostname() or not pid.isdigit():
        return False
    return _start_time(int(pid)) != start


def is_lost(holder: str, until: datetime | None) -> bool:
    """Whether what it holds is nobody's. On this host, a process that lives holds it as long as it likes."""
    if holder.split(":")[0] == socket.gethostname():
        return is_dead(holder)
    return until is None or until < timezone.now()


def _start_time(pid: int) -> str:
    """In the kernel's ticks, or "" where there is no such process (or no /proc, and the process is there)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return "" if _exists(pid) and not Path("/proc/self/stat").exists() else "none"
    fields = stat.rpartition(")")[2].split()
    return "none" if fields[0] == "Z" else fields[19]


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def take_again(scheduler_id: int, holder: str) -> bool:
    """True if `holder` had the lease last, and nobody since: what it knows still holds."""
    mine = Scheduler.objects.filter(pk=scheduler_id, courier=holder)
    return bool(mine.update(courier_until=until()))


def take(scheduler_id: int, holder: str) -> bool:
    """Makes `holder` the scheduler's courier, unless another one lives."""
    now = timezone.now()
    rows = Scheduler.objects.filter(pk=scheduler_id)
    free = Q(courier__in=("", holder)) | Q(courier_until__lt=now) | Q(courier_until=None)
    if rows.filter(free).update(courier=holder, courier_until=until()):
        return True
    other = rows.values_list("courier", flat=True).first()
    if not other or not is_dead(other):
        return False
    return bool(rows.filter(courier=other).update(courier=holder, courier_until=until()))


def give_back(scheduler_id: int, holder: str) -> None:
    """Its name stays, so that it knows whether somebody had the lease since."""
    Scheduler.objects.filter(pk=scheduler_id, courier=holder).update(courier_until=None)


@contextmanager
def kept(attempt: Attempt) -> Iterator[None]:
    """Renews the lease on the attempt while something slow is done with it, for the eyes of other hosts."""
    over = threading.Event()
    thread = threading.Thread(target=_renew_until, args=(attempt.pk, over), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _renew_until(attempt_id: int, over: threading.Event) -> None:
    try:
        while not over.wait(SECONDS / 3):
            Attempt.objects.filter(pk=attempt_id).update(holder_until=until())
    except DatabaseError:
        log.exception("The lease on attempt %d cannot be renewed", attempt_id)
    finally:
        connection.close()
