"""From the pool's last word to the job's: results are brought, checked, processed, and then the job is over.

Whoever finishes an attempt holds it (a lease), so each step happens once. `process_results_function` runs
once: if the process dies in the middle of it, that is reported, and it is not run again.
"""

from __future__ import annotations

import logging
import shutil
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from jobs_app import killpoints, logs
from jobs_app.errors import Damaged
from jobs_app.jobdir import files
from jobs_app.models import Attempt, AttemptPhase, Job, RemoteCopy, Scheduler
from jobs_app.pools.base import Garbled, PoolError, Refused
from jobs_app.script import finishing
from jobs_app.states import Counts

from . import blocks, copies, lease
from .actors import COURIER, Actor
from .close import close, postpone
from .inherit import removed_ranges, well_ranges
from .link import Link
from .link_result import link_what_it_said
from .prepare import gone
from .reconcile import GONE
from .task import task_of
from .verdict import Verdict, judge, verify
from .work import Work

log = logging.getLogger(__name__)

MOST_GARBLED = 10  # times that results are brought again which did not come as they were made
WITH_RESULTS = ("COM", "VCP", "RES")
INTERRUPTED = (
    "The process that ran process_results_function died in the middle of it. The results are here. "
    "It is not run again by itself: it may have done half of its work."
)


def finish(
    attempt_id: int,
    link: Link | None,
    holder: str,
    elsewhere: Callable[[int], bool] = lambda _: False,
    process: Callable[[int], object] | None = None,
) -> bool:
    """Does all that is left to do; False if somebody else does it, or it has to be tried again later.

    `link` is None for jobs without a pool. `elsewhere` is offered what may take long, and says if it
    takes it; `process` is told of what is left when the results are here: the app's function.
    """
    rows = Attempt.objects.select_related("job__project")
    attempt = rows.filter(pk=attempt_id, phase=AttemptPhase.FETCHING).first()
    if attempt is None:
        return False
    with logs.about(job=attempt.job_id):
        return _patiently(attempt, link, holder, elsewhere, process)


def _patiently(
    attempt: Attempt,
    link: Link | None,
    holder: str,
    elsewhere: Callable[[int], bool],
    process: Callable[[int], object] | None,
) -> bool:
    try:
        if not _is_slow(attempt, link):
            return _finish(attempt, link)
        if elsewhere(attempt.pk) or not _hold(attempt.pk, holder):
            return False
        return _finish(attempt, link, process)
    except Garbled as error:
        return _not_as_made(attempt, error, link)
    except Refused as error:  # this one's results: that is no fault of the link
        log.warning("Job %s: %s", attempt.job_id, error)
        postpone(attempt, error)
    except PoolError as error:
        if link is not None:
            link.failed(error)
        postpone(attempt, error)
    except Exception as error:
        log.exception("Job %s could not be finished", attempt.job_id)
        postpone(attempt, error)
    return False


def _not_as_made(attempt: Attempt, error: Garbled, link: Link | None) -> bool:
    """That may be the link's or a disk's fault, and pass. If it does not, somebody has to look at what is
    there, so it stays there."""
    if attempt.failures < MOST_GARBLED or link is None:
        log.warning("Job %s: %s", attempt.job_id, error)
        postpone(attempt, error)
        return False
    why = f"{error} They stay on {link.scheduler}, below attempts/{attempt.token}."
    with transaction.atomic():
        RemoteCopy.objects.update_or_create(token=attempt.token, defaults={"scheduler": link.scheduler})
        Attempt.objects.filter(pk=attempt.pk).update(on_pool=False)
        return close(attempt, "ERR", why, link.actor)


def _is_slow(attempt: Attempt, link: Link | None) -> bool:
    """What is quick needs no lease: its last step is a conditional update."""
    return fetches(link) or bool(attempt.job._process_results_function)


def fetches(link: Link | None) -> bool:
    """Whether results lie elsewhere before they are here."""
    return link is not None and link.scheduler.kind != Scheduler.EMBEDDED


def _hold(attempt_id: int, holder: str) -> bool:
    free = Q(holder="") | Q(holder=holder)
    mine = Attempt.objects.filter(free, pk=attempt_id, phase=AttemptPhase.FETCHING)
    due = mine.exclude(retry_at__gt=timezone.now())
    return bool(due.update(holder=holder, holder_until=lease.until()))


def _finish(attempt: Attempt, link: Link | None, process: Callable[[int], object] | None = None) -> bool:
    by = link.actor if link is not None else COURIER
    try:
        verdict = _bring(attempt, link) if link is not None else _reported(attempt)
    except Damaged as error:
        if fetches(link):
            copies.remember(attempt, "ERR")
        return close(attempt, "ERR", str(error), by)
    if attempt.job._process_results_function and verdict.status in WITH_RESULTS:
        if _processed_elsewhere(attempt, process):
            return False
        if not _begin_processing(attempt):
            return False
        verdict = _processed(attempt, verdict)
    if verdict.status == "COM" and attempt.work.get("script"):
        link_what_it_said(attempt.job)
    if fetches(link):
        copies.remember(attempt, verdict.status)
    return _close(attempt, verdict, by)


def _bring(attempt: Attempt, link: Link) -> Verdict:
    """How it ended; the results are here then, as they were made."""
    directory = attempt.job.directory
    if not directory.is_dir():
        raise gone(directory)
    if not attempt.fetched:
        _fetch(attempt, link, directory)
    killpoints.reach("finish.fetched")
    paths = attempt.job.paths.attempt(attempt.number)
    shutil.rmtree(paths.live, ignore_errors=True)  # what was read of it meanwhile
    verdict = judge(attempt, paths)
    if verdict.status in WITH_RESULTS:
        verify(attempt, paths)
        finishing.sweep(paths)
    return verdict


def _fetch(attempt: Attempt, link: Link, directory: Path) -> None:
    """Of what was stopped, and is not known there any more, the folder may be gone too."""
    states, work = blocks.whole(attempt.pk), Work.from_json(attempt.work)
    has_procs = not (work.script or work.graph or work.inherits)  # each slice is one, and ran in this attempt
    well = well_ranges(states) if has_procs else ()
    try:
        link.pool.fetch(replace(task_of(attempt), lost=removed_ranges(states), well=well), directory)
    except Refused as error:
        if attempt.reason != GONE:
            raise
        log.warning("Job %s left nothing that can be brought: %s", attempt.job_id, error)


def _reported(attempt: Attempt) -> Verdict:
    """A job without a pool ended as somebody said."""
    done = int(attempt.status == "COM")
    return Verdict(attempt.status, attempt.reason, Counts(done=done, failed=1 - done))


def _processed_elsewhere(attempt: Attempt, process: Callable[[int], object] | None) -> bool:
    """What is here is not fetched again. The hold goes first, or who takes it up at once could not."""
    if process is None or attempt.fetched:
        return False
    fetching = Attempt.objects.filter(pk=attempt.pk, phase=AttemptPhase.FETCHING)
    fetching.update(fetched=True, holder="", holder_until=None)
    process(attempt.pk)
    return True


def _begin_processing(attempt: Attempt) -> bool:
    """From here on the function counts as run."""
    fetching = Attempt.objects.filter(pk=attempt.pk, phase=AttemptPhase.FETCHING)
    return bool(fetching.update(phase=AttemptPhase.PROCESSING))


def _processed(attempt: Attempt, verdict: Verdict) -> Verdict:
    killpoints.reach("finish.processing")
    job = Job.objects.get(pk=attempt.job_id)
    try:
        function = job.process_results_function
        if function is not None:
            with lease.kept(attempt):
                function(job)
    except Exception:
        log.exception("process_results_function of job %s failed", job.pk)
        reason = f"process_results_function {job._process_results_function} failed. The results are here.\n"
        return replace(verdict, status="ERR", reason=reason + traceback.format_exc())
    return verdict


def _close(attempt: Attempt, verdict: Verdict, by: Actor) -> bool:
    slices = verdict.slices
    attempt.exit_code = 0 if verdict.status == "COM" else attempt.exit_code
    return close(
        attempt,
        verdict.status,
        verdict.reason,
        by,
        size_bytes=_size_of(attempt.job.directory) if attempt.job.address else None,
        slices_running=0,
        slices_held=0,
        slices_done=slices.done,
        slices_failed=slices.failed,
    )


def _size_of(directory: Path) -> int:
    """Of all files below it; a file with several names counts each time."""
    total = 0
    for entry in files.walked(directory):
        with suppress(OSError):  # gone meanwhile
            total += entry.stat(follow_symlinks=False).st_size
    return total
