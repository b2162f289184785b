"""A job's directory is built aside and renamed: it is there with its state point, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable, NamedTuple

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
    address = statepoints.address(statepoint)
    path = workspace / address
    if (path / STATE_POINT).exists():
        return Created(path, False)
    aside = workspace / f".{address}.{os.urandom(6).hex()}"
    try:
        _build(aside, statepoint, fill)
        return Created(path, _rename(aside, path))
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _build(aside: Path, statepoint: Mapping[str, Any], fill: Callable[[Path], None]) -> None:
    (aside / PRIVATE).mkdir(parents=True)
    statepoints.write(aside, statepoint)
    fill(aside)


def _rename(aside: Path, path: Path) -> bool:
    try:
        os.rename(aside, path)
    except OSError:
        if not path.is_dir():
            raise
        return _mend(aside, path)
    return True


def _mend(aside: Path, path: Path) -> bool:
    """The directory is there. One that lost its state point gets it back."""
    if not (path / STATE_POINT).exists():
        os.replace(aside / STATE_POINT, path / STATE_POINT)
    return False
