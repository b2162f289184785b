"""Hold, release, remove, change: one command each, by a constraint on our own attributes."""

from __future__ import annotations

from ..base import Resources, Selection
from . import answers
from .point import AccessPoint

# What HTCondor says when a constraint names nothing: what is gone already needs nothing.
_NOTHING_MATCHED = ("Couldn't find/", "no jobs matching", "No jobs matched", "not found")


def hold(point: AccessPoint, selection: Selection, reason: str) -> None:
    _act(point, "condor_hold", selection, "-reason", one_line(reason))


def release(point: AccessPoint, selection: Selection) -> None:
    _act(point, "condor_release", selection)


def remove(point: AccessPoint, selection: Selection, reason: str) -> None:
    _act(point, "condor_rm", selection, "-reason", one_line(reason))


def change(point: AccessPoint, selection: Selection, resources: Resources) -> None:
    edits = {
        "RequestCpus": resources.cpus,
        "RequestMemory": resources.memory_mb,
        "RequestDisk": resources.disk_mb * 1024,
        "RequestGpus": resources.gpus,
        "AllowedJobDuration": resources.wall_seconds,
    }
    words = [word for name, value in edits.items() if value for word in (name, str(value))]
    _act(point, "condor_qedit", selection, *words)


def _act(point: AccessPoint, command: str, selection: Selection, *words: str) -> None:
    done = point.command(command, "-constraint", constraint(selection), *words)
    if done.exit != 0 and not any(text in done.complaint for text in _NOTHING_MATCHED):
        raise point.trouble(command, done)


def constraint(selection: Selection) -> str:
    parts = [f"RoostAttempt == {answers.strings([selection.attempt])}"]
    if selection.slices:
        numbers = ", ".join(str(int(number)) for number in selection.slices)
        parts.append(f"member(RoostSlice, {{{numbers}}})")
    return " && ".join(parts)


def one_line(reason: str) -> str:
    return " ".join(reason.split())[:500] or "by Roost"
