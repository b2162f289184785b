"""Small disks that can be filled: files with a file system in them, mounted where something writes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BALLAST = ".ballast"
KEPT_FREE = 4096  # bytes: less than any file needs


@contextmanager
def small_disk(image: Path, place: Path, megabytes: int) -> Iterator[Path]:
    place.mkdir(parents=True, exist_ok=True)
    with image.open("wb") as handle:
        handle.truncate(megabytes << 20)
    _do("mkfs.ext4", "-q", "-m", "0", str(image))
    _do("mount", "-o", "loop", str(image), str(place))
    try:
        yield place
    finally:
        _do("umount", "-l", str(place))


def fill(disk: Path) -> None:
    handle = os.open(disk / BALLAST, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        free = os.statvfs(disk)
        os.posix_fallocate(handle, 0, max(1, free.f_bavail * free.f_frsize - KEPT_FREE * 8))
    finally:
        os.close(handle)


def empty(disk: Path) -> None:
    (disk / BALLAST).unlink(missing_ok=True)


def _do(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}")
