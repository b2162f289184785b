"""The errors of a part's earlier tries: they stay beside that of the last one, named for their try."""

from __future__ import annotations

from pathlib import Path

from jobs_app.errors import Damaged

from . import files


def set_aside(path: Path, tries: int) -> None:
    """What an earlier try than this one left: errors/2.json becomes errors/2.1.json."""
    try:
        former = files.read_object(path).get("tries", 0)
    except FileNotFoundError:
        return
    except Damaged:
        former = 0
    if former != tries:
        path.replace(path.with_name(f"{path.stem}.{former}{path.suffix}"))


def is_aside(path: Path) -> bool:
    return "." in path.stem
