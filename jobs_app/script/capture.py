"""All that a part and its children print goes to its file, by the file descriptors."""

from __future__ import annotations

import faulthandler
import os
import sys
from pathlib import Path


def begin(path: Path) -> None:
    """From now on this process prints to `path`, anew."""
    sys.stdout.flush()
    sys.stderr.flush()
    handle = _open(path)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)
    os.close(nothing)
    sys.stdout = os.fdopen(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
    faulthandler.enable(2)  # a crash in C leaves its Python lines


def _open(path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    try:
        return os.open(path, flags, 0o644)
    except FileNotFoundError:
        path.parent.mkdir(exist_ok=True)
        return os.open(path, flags, 0o644)


def end(path: Path) -> int:
    """The bytes that were printed; a file of none goes."""
    sys.stdout.flush()
    sys.stderr.flush()
    size = os.fstat(1).st_size
    if not size:
        path.unlink(missing_ok=True)
    return size
