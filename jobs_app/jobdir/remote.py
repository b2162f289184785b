"""Which of a job's files lie on its pool instead of here: too large to be fetched before they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from . import files
from .layout import JobPaths


@dataclass(frozen=True)
class Away:
    """Where one file lies: in the archive of an attempt's part, under the name that it had there."""

    attempt: str  # the token
    part: str
    member: str
    size: int
    sha256: str


def read(paths: JobPaths) -> dict[str, Away]:
    """By the names that the files have in the job's directory."""
    if not paths.remote.exists():
        return {}
    listed: dict[str, Any] = files.read_object(paths.remote)
    return {name: Away(**known) for name, known in listed.items()}


def write(paths: JobPaths, away: Mapping[str, Away]) -> None:
    if away or paths.remote.exists():
        files.write_json(paths.remote, {name: asdict(known) for name, known in sorted(away.items())})


def absent(paths: JobPaths) -> dict[str, Away]:
    """Those that nobody has read yet, or that had to make room again."""
    return {name: away for name, away in read(paths).items() if not (paths.root / name).exists()}
