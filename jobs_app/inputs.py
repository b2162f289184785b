"""Input files that somebody uploads for a job which was not executed yet."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from jobs_app import audit, conf, workspaces
from jobs_app.errors import Invalid, QuotaExceeded, WrongState
from jobs_app.jobdir import files
from jobs_app.models import CondorJob, Job

CHUNK = 1 << 18
SWEPT = 500  # jobs that are looked for at once
_TOO_LARGE = "The file is larger than {} bytes, which are allowed here."


class Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class Kept:
    name: str
    size: int
    sha256: str


def largest() -> int:
    return conf.largest_upload()


def check(name: str, size: int) -> None:
    """Invalid for a file that cannot be an input, before there is a job for it."""
    _plain_name(name)
    if size > largest():
        raise Invalid(_TOO_LARGE.format(largest()))


def keep(job: Job, name: str, source: Source, by: Any) -> Kept:
    """Written beside and renamed, then named in the job's parameters; the audit trail says `by` whom.
    WrongState once the job is executed."""
    taker = _taker(job)
    path = folder_of(job) / _plain_name(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = _write(path, source, _left(path))
    if str(path) not in taker.remote_input_files:
        taker.remote_input_files = [*taker.remote_input_files, str(path)]
        taker.save()
    audit.tell(by, f"Uploaded the input {kept.name} ({kept.size} bytes).", job)
    return kept


def has(job: Job, name: str) -> bool:
    return (folder_of(job) / _plain_name(name)).is_file()


def folder_of(job: Job) -> Path:
    """In the workspace of the job's owner, where its inputs may lie. It goes with the job."""
    return Path(workspaces.get_user_workspace(job.app, job.user)) / workspaces.INPUTS / str(job.pk)


def sweep() -> None:
    """Removes inputs whose jobs are gone."""
    folders = {int(path.name): path for path in workspaces.inputs_folders() if path.name.isdecimal()}
    numbers = list(folders)
    for first in range(0, len(numbers), SWEPT):
        some = numbers[first : first + SWEPT]
        there = set(Job.objects.filter(pk__in=some).values_list("pk", flat=True))
        for number in set(some) - there:
            shutil.rmtree(folders[number], ignore_errors=True)


def _left(path: Path) -> int:
    """Bytes that the owner may still upload in this app; what is replaced does not count."""
    others = (each for each in path.parent.parent.rglob("*") if each != path and each.is_file())
    left = conf.user_uploads() - sum(each.stat().st_size for each in others)
    if left <= 0:
        raise QuotaExceeded(_FULL.format(conf.user_uploads()))
    return left


_FULL = "All uploaded inputs of a user in an app may have {} bytes together. Delete jobs that had some."


def _taker(job: Job) -> CondorJob:
    if not isinstance(job, CondorJob):
        raise WrongState(f"A {job.type} job takes no input files. Give it options, or the results of a job.")
    if job.frozen:
        raise WrongState(f"Job {job.pk} was executed already, so its inputs stay as they are.")
    return job


def _plain_name(name: str) -> str:
    """All inputs lie beside each other when the job runs, so a name has no folders."""
    safe = files.safe_name(name, what="name of an input")
    if "/" in safe or safe.startswith(".") or not safe.isprintable() or "," in safe:
        raise Invalid(f"{name[:80]!r} cannot be the name of an input: no folders, commas or dot in front.")
    return safe


def _write(path: Path, source: Source, left: int) -> Kept:
    digest, size, most = hashlib.sha256(), 0, largest()
    with files.writing(path) as handle:
        while piece := source.read(CHUNK):
            size += len(piece)
            if size > most:
                raise Invalid(_TOO_LARGE.format(most))
            if size > left:
                raise QuotaExceeded(_FULL.format(conf.user_uploads()))
            digest.update(piece)
            handle.write(piece)
        handle.flush()
        os.fsync(handle.fileno())
    return Kept(path.name, size, digest.hexdigest())
