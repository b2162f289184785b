"""What lies in a job's directory before an attempt is sent: what the former one left is moved aside, then
`spec.json` and `setup.json` tell the runner and the user what was asked for.

Done once an attempt: a spec with the attempt's token says that all of it was done.
"""

from __future__ import annotations

from jobs_app import killpoints
from jobs_app.errors import Damaged
from jobs_app.jobdir import files
from jobs_app.jobdir.archive import archive
from jobs_app.jobdir.layout import AttemptPaths
from jobs_app.models import Attempt
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
    present = _take_over(attempt, paths) if attempt.work["inherits"] else _clear(attempt, paths)
    killpoints.reach("prepare.cleared")
    paths.root.mkdir(parents=True, exist_ok=True)
    spec = spec_of(attempt, present)
    files.write_json(job.paths.setup, setup_of(attempt, spec))
    files.write_json(paths.spec, spec)
    killpoints.reach("prepare.spec-written")


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
