"""Results that stayed on their pool are read when somebody asks for them: `locate` of any file that is not
here brings it, whole and checked by its sha256. Pieces can be had alone. What was brought may go again, to
make room.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jobs_app import conf
from jobs_app.errors import Damaged
from jobs_app.jobdir import files, remote
from jobs_app.jobdir.layout import JobPaths
from jobs_app.jobdir.remote import Away
from jobs_app.models import Attempt, Errand, Job
from jobs_app.pools.base import Garbled, Pool

from . import errands

PATIENCE = 6 * 3600.0  # seconds for a whole file
CHUNK = 1 << 20


def bring(root: Path, name: str, wait: float = PATIENCE) -> None:
    """The file `name` of the job in `root` is here afterwards, if it is one that stayed on its pool."""
    away = remote.read(JobPaths(root)).get(name)
    if away is not None:
        attempt = _attempt(away, name)
        errands.ask(_pool_of(attempt), "bring", {"name": name}, attempt, wait=wait)


def read_range(job: Job, name: str, offset: int, length: int) -> bytes:
    """A piece of a file; of one that stayed on its pool no more than the piece travels."""
    path = job.directory / name
    away = remote.read(job.paths).get(name)
    if away is None or path.exists():
        return _piece(files.locate(job.directory, name), offset, length)
    attempt = _attempt(away, name)
    into = secrets.token_hex(8)
    question = {"name": name, "offset": offset, "length": length, "into": into}
    errands.ask(_pool_of(attempt), "piece", question, attempt)
    aside = job.paths.ranges / into
    try:
        return aside.read_bytes()
    finally:
        aside.unlink(missing_ok=True)


def _piece(path: Path, offset: int, length: int) -> bytes:
    with path.open("rb") as handle:
        handle.seek(offset)
        return handle.read(length)


def _attempt(away: Away, name: str) -> Attempt:
    attempt = Attempt.objects.filter(token=away.attempt).select_related("scheduler").first()
    if attempt is None:
        raise Damaged(
            f"{name} stayed on a pool, with an attempt that nobody knows any more. Run the job again."
        )
    return attempt


def _pool_of(attempt: Attempt) -> Any:
    if attempt.scheduler is None:
        raise Damaged(f"Attempt {attempt} has no scheduler any more. Run the job again.")
    return attempt.scheduler


# --- in the courier -----------------------------------------------------------------------------------------


@errands.serves("bring")
def _bring(errand: Errand) -> errands.Work:
    paths, away, name = _asked(errand)
    return lambda pool: _fetch(pool, paths, away, name)


@errands.serves("piece")
def _bring_piece(errand: Errand) -> errands.Work:
    paths, away, _ = _asked(errand)
    question = errand.question
    span = (int(question["offset"]), int(question["length"]))
    into = paths.ranges / files.safe_name(str(question["into"]))
    return lambda pool: _fetch_piece(pool, away, span, into)


def _asked(errand: Errand) -> tuple[JobPaths, Away, str]:
    name = str(errand.question["name"])
    if errand.attempt is None:
        raise Damaged(f"{name} belongs to no attempt.")
    paths = errand.attempt.job.paths
    return paths, remote.read(paths)[name], name


def _fetch(pool: Any, paths: JobPaths, away: Away, name: str) -> dict[str, Any]:
    path = paths.root / name
    if path.exists():
        return {}
    _make_room(paths, away.size)
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.writing(path) as handle, _reading(pool, away) as stream:
        digest, size = hashlib.sha256(), 0
        for chunk in _chunks(stream):
            handle.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        if (size, digest.hexdigest()) != (away.size, away.sha256):
            raise Garbled(f"{name} is on the pool, but not as it was made. Ask again, or run the job again.")
    return {}


def _fetch_piece(pool: Any, away: Away, span: tuple[int, int], into: Path) -> dict[str, Any]:
    into.parent.mkdir(parents=True, exist_ok=True)
    with files.writing(into) as handle, _reading(pool, away, *span) as stream:
        for chunk in _chunks(stream):
            handle.write(chunk)
    return {}


def _reading(pool: Pool, away: Away, offset: int = 0, length: int | None = None) -> Any:
    read = getattr(pool, "reading_away", None)
    if read is None:
        raise Garbled("The pool of this job keeps no files.")
    return read(away.attempt, away.part, away.member, offset, length)


def _chunks(stream: Any) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK):
        yield chunk


def _make_room(paths: JobPaths, size: int) -> None:
    """What was brought longest ago goes first; it is still on the pool."""
    here = [(paths.root / name, known.size) for name, known in remote.read(paths).items()]
    brought = sorted((each for each in here if each[0].exists()), key=lambda each: each[0].stat().st_atime)
    most = conf.remote_cache_mb() << 20
    total = size + sum(known for _, known in brought)
    for path, known in brought:
        if total <= most:
            return
        path.unlink(missing_ok=True)
        total -= known


files.bring_with(bring)
