"""Submit descriptions in HTCondor's own language, found by name in folders that an administrator controls."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from ..base import Refused

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_QUEUE = re.compile(r"^\s*queue\b", re.IGNORECASE | re.MULTILINE)


def finder(folders: Sequence[Path]) -> Callable[[str], str]:
    """The first folder that has a template wins, so a project can replace what Roost brings."""

    def find(name: str) -> str:
        if not _NAME.fullmatch(name):
            raise Refused(f"{name!r} cannot name a submit description: letters, digits, '_' and '-' only.")
        for folder in folders:
            path = folder / f"{name}.sub"
            if path.is_file():
                return _checked(path)
        known = sorted({path.stem for folder in folders for path in folder.glob("*.sub")})
        raise Refused(
            f"There is no submit description {name!r}. There are: {', '.join(known)}. (One of an app that is "
            "newer than what sends jobs, serve or a worker, is found when that is started again.)"
        )

    return find


def _checked(path: Path) -> str:
    text = path.read_text()
    if _QUEUE.search(text):
        raise Refused(f"{path} has a queue statement. Leave it out: Roost writes it, from the job's slices.")
    return text
