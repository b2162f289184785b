"""A job's directory is built aside and renamed: it is there with its state point, or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable, NamedTuple

from . import files
from . import statepoint as statepoints
from .layout import PRIVATE, STATE_POINT


class Created(NamedTuple):
    path: Path
    fresh: bool  # made by this call; else it was there, or another process was first


def create(
    workspace: Path, statepoint: Mapping[str, Any], fill: Callable[[Path], None] = lambda _: None
) -> Created:
    """The directory of the job with this state point; `fill` adds to a new one before it appears.

    Of two processes that create the same one at once one wins, and both get it.
    """
    known = statepoints.plain(statepoint)
    path = workspace / statepoints.address_of(known)
    if os.path.exists(f"{path}/{STATE_POINT}"):
        return Created(path, False)
    aside = workspace / f".{path.name}.{os.urandom(6).hex()}"
    try:
        _build(aside, known, fill)
        fresh = _rename(aside, path)
    except BaseException:
        files.remove_tree(aside)
        raise
    return Created(path, fresh)


def _build(aside: Path, statepoint: Mapping[str, Any], fill: Callable[[Path], None]) -> None:
    """Plain calls of the system: there may be thousands of jobs."""
    try:
        os.mkdir(aside)
    except FileNotFoundError:
        os.makedirs(aside)
    os.mkdir(f"{aside}/{PRIVATE}")
    with open(f"{aside}/{STATE_POINT}", "xb") as handle:
        handle.write(statepoints.encoded(statepoint))
    fill(aside)


def _rename(aside: Path, path: Path) -> bool:
    try:
        os.rename(aside, path)
    except OSError:
        if not path.is_dir():
            raise
        _mend(aside, path)
        files.remove_tree(aside)
        return False
    return True


def _mend(aside: Path, path: Path) -> None:
    """The directory is there. One that lost its state point gets it back."""
    if not (path / STATE_POINT).exists():
        os.replace(aside / STATE_POINT, path / STATE_POINT)
