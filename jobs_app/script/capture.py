"""All that a part and its children print goes to its file, by the file descriptors."""

from __future__ import annotations

import faulthandler
import os
import sys
from pathlib import Path
from typing import TextIO

_END = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK
_ANEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW


class Capture:
    """From now on this process prints to `path`, anew."""

    def __init__(self, path: Path) -> None:
        self.path = path
        sys.stdout.flush()
        sys.stderr.flush()
        handle = _open(path)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        os.close(handle)
        os.close(nothing)
        self._streams = sys.stdout, sys.stderr = _stream(1), _stream(2)
        faulthandler.enable(2)  # a crash in C leaves its Python lines

    def end(self, last_words: str = "") -> int:
        """The bytes that were printed; a file of none goes. A script may have closed or replaced anything."""
        for stream in (*self._streams, sys.stdout, sys.stderr):
            if not getattr(stream, "closed", True):
                stream.flush()
        with os.fdopen(os.open(self.path, _END, 0o644), "wb") as handle:
            handle.write(last_words.encode("utf-8", "backslashreplace"))
            size = handle.seek(0, os.SEEK_END)
        if not size:
            self.path.unlink()
        return size


def _stream(descriptor: int) -> TextIO:
    return os.fdopen(descriptor, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _open(path: Path) -> int:
    """Never through a link, and never a pipe that a former try or a script has put there."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        path.unlink()
    try:
        return os.open(path, _ANEW, 0o644)
    except FileNotFoundError:
        path.parent.mkdir(exist_ok=True)
        return os.open(path, _ANEW, 0o644)
