"""A part is a session of its own, with all the processes that it has started: counted and ended together."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20


class Process(NamedTuple):
    pid: int
    session: int
    alive: bool
    memory_mb: float


def processes() -> Iterator[Process]:
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            yield from _process(path)


def _process(path: Path) -> Iterator[Process]:
    try:
        state, *fields = (path / "stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return  # it has just ended, or is somebody else's
    yield Process(int(path.name), int(fields[2]), state not in b"ZX", int(fields[20]) * _PAGE_MB)


def memory() -> dict[int, float]:
    """MB that each session uses."""
    used: dict[int, float] = {}
    for process in processes():
        used[process.session] = used.get(process.session, 0.0) + process.memory_mb
    return used


def has_survivors(session: int) -> bool:
    """Does anything of it live, though its first process is dead and waited for?"""
    try:
        os.killpg(session, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return any(process.session == session and process.alive for process in processes())


def kill(session: int) -> None:
    """What has made groups of its own in it too."""
    for process in processes():
        if process.session == session and process.alive:
            _kill(process.pid)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # it was quicker
