"""What this machine has, for jobs that ask for more of it than will ever be free."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ..base import Refused, Resources

_CURE = "Ask for less, or give the job another scheduler."


def check(resources: Resources, slots: int, directory: str) -> None:
    """Refused, if no slice that needs so much can ever run here."""
    if resources.cpus > slots:
        raise Refused(f"cpus={resources.cpus}: this machine runs jobs on {slots} cores. {_CURE}")
    if resources.gpus:
        raise Refused(f"gpus={resources.gpus}: the scheduler of this machine hands out no GPUs. {_CURE}")
    if resources.memory_mb > memory_mb():
        raise Refused(f"memory={resources.memory_mb} MB: this machine has {memory_mb()} MB. {_CURE}")
    if resources.disk_mb and resources.disk_mb > disk_mb(directory):
        raise Refused(f"disk={resources.disk_mb} MB: the disk here has {disk_mb(directory)} MB. {_CURE}")


def memory_mb() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20


def disk_mb(directory: str) -> int:
    """Of the file system in which the job lies, free or not."""
    place = Path(directory)
    there = next((folder for folder in (place, *place.parents) if folder.exists()), Path("/"))
    return shutil.disk_usage(there).total >> 20
