"""What lies in a job's directory before an attempt is sent: what the former one left is moved aside, then
`spec.json` and `setup.json` tell the runner and the user what was asked for.

Done once an attempt: a spec with the attempt's token says that all of it was done.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from jobs_app import callbacks, conf, killpoints
from jobs_app.errors import Damaged
from jobs_app.jobdir import files
from jobs_app.jobdir.archive import archive
from jobs_app.jobdir.layout import AttemptPaths
from jobs_app.models import Attempt, KeyVersion, Scheduler
from jobs_app.pools.base import Task

from . import blocks
from .inherit import inherit
from .spec import setup_of, spec_of
from .task import task_of


def gone(directory: object) -> Damaged:
    return Damaged(
        f"The job's directory {directory} is gone: somebody removed it behind Roost's back. "
        "Restore it from a copy, or delete the job and create it again."
    )


def prepare(attempt: Attempt) -> Task:
    """Damaged if the directory is not there."""
    task = task_of(attempt)
    paths = attempt.job.paths.attempt(attempt.number)
    if not _is_prepared(paths, attempt.token):
        _prepare(attempt, paths)
    return task


def _is_prepared(paths: AttemptPaths, token: str) -> bool:
    if not paths.spec.exists():
        return False
    return bool(files.read_object(paths.spec).get("attempt") == token)


def _prepare(attempt: Attempt, paths: AttemptPaths) -> None:
    job = attempt.job
    if not job.directory.is_dir():
        raise gone(job.directory)
    _refuse_links(job.directory, paths)
    present = _take_over(attempt, paths) if attempt.work["inherits"] else _clear(attempt, paths)
    killpoints.reach("prepare.cleared")
    paths.root.mkdir(parents=True, exist_ok=True)
    spec = spec_of(attempt, present)
    files.write_json(job.paths.setup, setup_of(attempt, spec))
    _keep_report_key(attempt, paths)
    files.write_json(paths.spec, spec)
    killpoints.reach("prepare.spec-written")


def _refuse_links(directory: Path, paths: AttemptPaths) -> None:
    """Programs that ran in it may have left anything; what is written here stays here."""
    if files.leads_out(directory, paths.root):
        raise Damaged(
            f"{paths.root} leads out of the job's directory through a link. Remove it, and resubmit."
        )


def _keep_report_key(attempt: Attempt, paths: AttemptPaths) -> None:
    """A job that runs elsewhere reports by itself; on this machine its pool tells all of that at once."""
    scheduler = attempt.scheduler
    if not conf.node_reports() or scheduler is None or scheduler.kind != Scheduler.CONDOR:
        return
    replaced = KeyVersion.objects.filter(pk=attempt.job_id).values_list("version", flat=True).first() or 0
    version = callbacks.version_of(attempt.number, replaced)
    known = {"url": callbacks.report_url(attempt.job_id), "job": attempt.job_id, "version": version}
    text = json.dumps({**known, "key": callbacks.report_key(attempt.job_id, version)})
    paths.report.unlink(missing_ok=True)
    handle = os.open(paths.report, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)


def _clear(attempt: Attempt, paths: AttemptPaths) -> list[str]:
    """Moves aside what the former attempt left; the names that were there before this one."""
    former = attempt.job.paths.attempt(attempt.number - 1)
    if attempt.number > 1 and former.spec.exists():
        archive(former, _present_before(former))
    return sorted(path.name for path in paths.job.root.iterdir())


def _take_over(attempt: Attempt, paths: AttemptPaths) -> list[str]:
    """What the former attempt left is this one's."""
    former = attempt.job.paths.attempt(attempt.work["inherits"])
    inherit(former, paths, blocks.whole(attempt.pk))
    return _present_before(former)


def _present_before(former: AttemptPaths) -> list[str]:
    return list(files.read_object(former.spec).get("present", ())) if former.spec.exists() else []
