"""What a rerun takes over from the attempt before: records, results and files of the slices that were done.

Each step may be done again after a crash; the spec, written afterwards, says that all of them were.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from jobs_app.jobdir import facts, usage
from jobs_app.jobdir.layout import OUTPUT, AttemptPaths, part_name
from jobs_app.states import SliceState

Part = tuple[str, int]

_ENDED = bytes(number in tuple(SliceState) and SliceState(number).ended for number in range(256))
_REMOVED = bytes(number == SliceState.REMOVED for number in range(256))
_WELL = bytes(number == SliceState.DONE for number in range(256))


def inherit(former: AttemptPaths, heir: AttemptPaths, states: Mapping[str, bytes]) -> None:
    """`states`: of the heir's slices, step by step; those that have ended are taken over as they are."""
    again = list(_open(states))
    heir.root.mkdir(parents=True, exist_ok=True)
    _copy_facts(former.facts, heir.facts, again)
    _copy_usage(former, heir, again)
    for name in ("results", "files"):
        _move(former.root / name, heir.root / name)
    for step, number in again:
        _move(heir.output(step, number), former.kept / OUTPUT / part_name(step, number))
    for path in (heir.job.post, heir.job.manifest):
        _move(path, former.kept / path.name)


def _open(states: Mapping[str, bytes]) -> Iterator[Part]:
    for step, data in states.items():
        yield from ((step, number) for number, state in enumerate(data) if not _ENDED[state])


def _copy_facts(source: Path, target: Path, without: Iterable[Part]) -> None:
    if not target.exists() and source.exists():
        _copy(source, target, without, facts.erase)


def _copy_usage(former: AttemptPaths, heir: AttemptPaths, without: Iterable[Part]) -> None:
    """Where the others ran, and what they used."""
    if heir.usage.exists() or not former.usage.exists() or not former.hosts.exists():
        return
    shutil.copyfile(former.hosts, heir.hosts)
    _copy(former.usage, heir.usage, without, usage.erase)


def _copy(
    source: Path, target: Path, without: Iterable[Part], erase: Callable[[Path, str, int], None]
) -> None:
    """Complete, or not there."""
    aside = target.with_name(f".{target.name}")
    shutil.copyfile(source, aside)
    for step, number in without:
        erase(aside, step, number)
    aside.rename(target)


def _move(source: Path, target: Path) -> None:
    if source.exists() and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)


Ranges = tuple[tuple[str, int, int], ...]  # step, first slice, how many: neighbours together


def done_ranges(states: Mapping[str, bytes]) -> Ranges:
    """Of what has ended."""
    return _ranges(states, _ENDED)


def well_ranges(states: Mapping[str, bytes]) -> Ranges:
    return _ranges(states, _WELL)


def removed_ranges(states: Mapping[str, bytes]) -> Ranges:
    return _ranges(states, _REMOVED)


def _ranges(states: Mapping[str, bytes], wanted: bytes) -> Ranges:
    """`wanted`: for each state 1 or 0."""
    found = ((step, data.translate(wanted)) for step, data in states.items())
    return tuple((step, first, count) for step, marks in found for first, count in _runs(marks))


def _runs(marks: bytes) -> Iterator[tuple[int, int]]:
    first = marks.find(1)
    while first >= 0:
        end = marks.find(0, first)
        end = len(marks) if end < 0 else end
        yield first, end - first
        first = marks.find(1, end)
