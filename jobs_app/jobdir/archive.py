"""What an attempt left moves aside when the next one opens, which so begins with a clean directory."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from . import files
from .layout import PRIVATE, SETUP, AttemptPaths

_SIGNAC = "signac_"


def archive(attempt: AttemptPaths, present: Collection[str] = ()) -> None:
    """Renames into `kept/` all that lies at the job's top level, its OUTPUT, post.json and manifest included.

    What stays: signac's files, and the names in `present`, which were there before the attempt. setup.json
    stays, and a copy is kept. Killed at any moment, it can be called again; then, once more,
    it does nothing.
    """
    done = attempt.root / "archived"
    if done.exists():
        return
    attempt.kept.mkdir(parents=True, exist_ok=True)
    _keep_setup(attempt)
    for path in _leavings(attempt, present):
        os.rename(path, _free(attempt.kept / path.name))
    done.touch()


def _keep_setup(attempt: AttemptPaths) -> None:
    kept = attempt.kept / SETUP
    if attempt.job.setup.exists() and not kept.exists():
        files.write_bytes(kept, attempt.job.setup.read_bytes())


def _leavings(attempt: AttemptPaths, present: Collection[str]) -> Iterator[Path]:
    for name in sorted(os.listdir(attempt.job.root)):
        if name not in (PRIVATE, SETUP) and not name.startswith(_SIGNAC) and name not in present:
            yield attempt.job.root / name
    if attempt.job.manifest.exists():
        yield attempt.job.manifest


def _free(path: Path) -> Path:
    """`path`, or a name like it that is not taken: rename would replace a file."""
    number = 1
    free = path
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.name}.{number}")
    return free
