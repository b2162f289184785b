"""What a rerun takes over from the attempt before: records, results and files of the slices that were done.

Each step may be done again after a crash; the spec, written afterwards, says that all of them were.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from jobs_app.jobdir import facts
from jobs_app.jobdir.layout import OUTPUT, AttemptPaths, part_name
from jobs_app.states import SliceState

Part = tuple[str, int]

_ENDED = bytes(number in tuple(SliceState) and SliceState(number).ended for number in range(256))


def inherit(former: AttemptPaths, heir: AttemptPaths, states: Mapping[str, bytes]) -> None:
    """`states`: of the heir's slices, step by step; those that have ended are taken over as they are."""
    again = list(_open(states))
    heir.root.mkdir(parents=True, exist_ok=True)
    _copy_facts(former.facts, heir.facts, again)
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
    """Complete, or not there."""
    if target.exists() or not source.exists():
        return
    aside = target.with_name(".facts")
    shutil.copyfile(source, aside)
    for step, number in without:
        facts.erase(aside, step, number)
    aside.rename(target)


def _move(source: Path, target: Path) -> None:
    if source.exists() and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)


def done_ranges(states: Mapping[str, bytes]) -> tuple[tuple[str, int, int], ...]:
    """(step, first slice, how many) of what has ended, neighbours together."""
    return tuple((step, first, count) for step, data in states.items() for first, count in _runs(data))


def _runs(data: bytes) -> Iterator[tuple[int, int]]:
    ended = data.translate(_ENDED)
    first = ended.find(1)
    while first >= 0:
        end = ended.find(0, first)
        end = len(ended) if end < 0 else end
        yield first, end - first
        first = ended.find(1, end)
