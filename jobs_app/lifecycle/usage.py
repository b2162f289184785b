"""Keeps where slices ran and what they used, beside the job's files: no row has room for a million of them.

Nothing depends on it: what is lost in a crash is not shown.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace

from jobs_app.jobdir import usage
from jobs_app.jobdir.layout import RUN, AttemptPaths
from jobs_app.models import Attempt
from jobs_app.pools.base import Event, EventKind, Events

log = logging.getLogger(__name__)

MOST = 10_000  # slices for which one event is written down
REMEMBERED = 5_000  # attempts

Changes = dict[usage.Key, dict[str, object]]


def without(found: Events) -> Events:
    """What is to be recorded in the rows."""
    if any(event.kind == EventKind.USAGE for event in found.events):
        return replace(found, events=tuple(each for each in found.events if each.kind != EventKind.USAGE))
    return found


class Keeper:
    """Of one courier: it remembers where the attempts lie that it hears of."""

    def __init__(self) -> None:
        self._places: dict[str, AttemptPaths | None] = {}

    def keep(self, events: Iterable[Event]) -> None:
        changes: dict[str, Changes] = {}
        for event in events:
            if known := _known(event):
                for number in range(event.slice, event.slice + min(event.count, MOST)):
                    slices = changes.setdefault(event.attempt, {})
                    slices.setdefault((event.step, number), {}).update(known)
        self._learn([attempt for attempt in changes if attempt not in self._places])
        for attempt, slices in changes.items():
            if paths := self._places.get(attempt):
                _write(paths, slices)

    def _learn(self, attempts: Sequence[str]) -> None:
        if not attempts:
            return
        if len(self._places) > REMEMBERED:
            self._places.clear()
        self._places.update(dict.fromkeys(attempts))
        rows = Attempt.objects.filter(token__in=attempts).select_related("job__project")
        for attempt in rows:
            if attempt.job.address:
                self._places[attempt.token] = attempt.job.paths.attempt(attempt.number)


def _write(paths: AttemptPaths, slices: Mapping[usage.Key, Mapping[str, object]]) -> None:
    if not paths.root.is_dir():
        return
    try:
        usage.update(paths.usage, paths.hosts, slices)
    except OSError as error:
        log.warning("What slices used cannot be written to %s: %s", paths.usage, error)


def _known(event: Event) -> dict[str, object]:
    if event.kind == EventKind.STARTED:
        return {"host": event.host, "start": event.at, "end": 0.0, "ended": 0} if event.step else {}
    if event.kind == EventKind.EVICTED:
        return {"end": event.at}
    if event.kind not in (EventKind.ENDED, EventKind.USAGE):
        return {}
    used = asdict(event.usage) if event.usage else {}
    known = {name: value for name, value in used.items() if value is not None}
    if event.kind == EventKind.ENDED and (event.usage or not event.count > 1):
        known["end"] = event.at
    if event.kind == EventKind.ENDED and event.step == RUN:  # a script's parts record that themselves
        known["ended"] = usage.how_it_ended(event.exit_code, event.signal)
    return known
