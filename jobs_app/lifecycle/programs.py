"""What a job's parameters say of a program: where it lies, its arguments, what it may use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jobs_app.errors import BadParameter
from jobs_app.models import Job
from jobs_app.parameters import split_arguments
from jobs_app.pools.base import Resources


def executable_of(job: Job, name: str) -> str:
    """A file of ours by its absolute path; anything else is looked for on the node."""
    here = below(job, name)
    return str(here) if here.is_file() else name


def below(job: Job, name: str) -> Path:
    """A relative name is one in the job's workspace, which by default is its own folder."""
    return Path(job.workspace or job.directory) / name


def check_inputs(job: Job, names: Iterable[str], whose: str) -> None:
    """An error is better now than on the pool. What another job may still leave is looked for when this one
    is sent, and so is what lies in its own folder, which is made after this."""
    for name in names:
        if _is_missing(job, name) and not job.waits_for.exists():
            raise BadParameter(
                f"{whose}: remote_input_files names {name[:200]!r}, and no such file can be read here. "
                "Put it there, or name the job that makes it: after=[...]."
            )


def _is_missing(job: Job, name: str) -> bool:
    path = Path(job.workspace, name)
    return path.is_absolute() and "$(" not in str(path) and not _is_there(path)


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


_SLICE = re.compile(r"\$\((?:process|procid)\)", re.IGNORECASE)


def arguments_of(given: Any, slices: int = 1) -> tuple[tuple[str, ...], ...]:
    """A row for all slices, or one for each: also where $(Process), a slice's number, stands in it."""
    if given and not isinstance(given, str) and isinstance(given[0], list):
        return tuple(tuple(row) for row in given)
    words = tuple(split_arguments(given) if isinstance(given, str) else given or ())
    if not any(map(_SLICE.search, words)):
        return (words,) if words else ()
    return tuple(tuple(_SLICE.sub(str(number), word) for word in words) for number in range(slices))


def resources_of(parameters: Mapping[str, Any]) -> Resources:
    return Resources(
        cpus=parameters.get("cpus", 1),
        memory_mb=parameters.get("memory", 0),
        disk_mb=parameters.get("disk", 0),
        gpus=parameters.get("gpus", 0),
        wall_seconds=parameters.get("wall_time", 0),
    )
