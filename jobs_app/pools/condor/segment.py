"""A segment as it is read: log events turned into events, each attempt's end found on the way.

What has ended is a function of the log up to the offset, so a reader that starts in the middle is told what
stands before (see `scripts/prefix.sh`) and then says the same as one that read all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import lru_cache

from ..base import Event, EventKind, Garbled
from . import eventlog
from .eventlog import LogEvent
from .plan import ClusterPlan, Share
from .progress import Progress

FindPlan = Callable[[str, int], ClusterPlan | None]  # by its name, and which cluster of it


@dataclass
class Segment:
    """The state of a reader. `find_plan` may ask the access point; each cluster is asked for once."""

    zone: tzinfo
    find_plan: FindPlan
    clusters: dict[int, ClusterPlan | None] = field(default_factory=dict)
    attempts: dict[str, Progress] = field(default_factory=dict)

    def know(self, cluster: int, name: str, group: int) -> ClusterPlan | None:
        if cluster not in self.clusters:
            self.clusters[cluster] = self.find_plan(name, group)
        return self.clusters[cluster]

    def ended_before(self, cluster: int, proc: int, how: str) -> None:
        """A proc that ended before this reader began: "good", "bad" or "removed"."""
        if plan := self.clusters.get(cluster):
            share, number = plan.locate(proc)
            progress = self._progress(share)
            if progress.end(number, good=how == "good", removed=how == "removed"):
                progress.finish_silently()

    def finished_before(self, cluster: int) -> None:
        if plan := self.clusters.get(cluster):
            for share in plan.shares:
                self._progress(share).finish_silently()

    def translate(self, event: LogEvent) -> Iterator[Event]:
        if event.code == eventlog.SUBMIT:
            yield from self._submitted(event)
            return
        plan = self.clusters.get(event.cluster)
        if plan is None:
            return  # not a cluster of ours
        if event.code == eventlog.CLUSTER_REMOVED:
            yield from self._cluster_removed(event, plan)
            return
        share, number = plan.locate(event.proc)
        make = _MAKERS[event.code]
        for found in make(event, self._at(event), share, number):
            yield found
            if _is_final(found):
                yield from self._end(found, share, number)

    def _submitted(self, event: LogEvent) -> Iterator[Event]:
        identity = eventlog.identity(event.text)
        if identity is None:
            return
        plan = self.know(event.cluster, identity.plan, identity.group)
        if plan is None:
            return
        share, number = plan.locate(event.proc)
        if share.attempt != identity.attempt:
            raise Garbled(
                f"Proc {event.cluster}.{event.proc} says that it belongs to attempt {identity.attempt}; "
                f"the plan of its batch says {share.attempt}."
            )
        if number == 0:
            yield Event(EventKind.ACCEPTED, share.attempt, self._at(event))

    def _end(self, event: Event, share: Share, number: int) -> Iterator[Event]:
        progress = self._progress(share)
        good = event.kind == EventKind.ENDED and event.exit_code == 0 and not event.signal
        if progress.end(number, good=good, removed=event.kind == EventKind.REMOVED):
            yield progress.finish(event.at)

    def _cluster_removed(self, event: LogEvent, plan: ClusterPlan) -> Iterator[Event]:
        """What a factory never materialised will not come any more."""
        at = self._at(event)
        for progress in map(self._progress, plan.shares):
            if not progress.finished:
                yield from progress.end_all(at)
                yield progress.finish(at)

    def _progress(self, share: Share) -> Progress:
        known = self.attempts.get(share.attempt)
        if known is None:
            known = self.attempts[share.attempt] = Progress(share)
        return known

    def _at(self, event: LogEvent) -> float:
        return _unix(event.time, self.zone)


@lru_cache(4096)
def _unix(text: bytes, zone: tzinfo) -> float:
    said = text.decode()
    if said[2] == "/":  # HTCondor's older form has no year
        now = datetime.now(zone)
        when = datetime.strptime(f"{now.year}/{said}", "%Y/%m/%d %H:%M:%S").replace(tzinfo=zone)
        return (when if when <= now else when.replace(year=now.year - 1)).timestamp()
    return datetime.fromisoformat(said).replace(tzinfo=zone).timestamp()


def _is_final(event: Event) -> bool:
    return event.kind == EventKind.REMOVED or (event.kind == EventKind.ENDED and not event.will_retry)


def _event(kind: EventKind, at: float, share: Share, number: int, **known: object) -> Event:
    run = share.place(number)
    return Event(kind, share.attempt, at, run.step, run.first, run.count, **known)  # type: ignore[arg-type]


def _started(event: LogEvent, at: float, share: Share, number: int) -> Iterator[Event]:
    yield _event(EventKind.STARTED, at, share, number, host=eventlog.host(event))


def _terminated(event: LogEvent, at: float, share: Share, number: int) -> Iterator[Event]:
    how = eventlog.ending(event)
    yield _event(
        EventKind.ENDED,
        at,
        share,
        number,
        exit_code=how.exit_code,
        signal=how.signal,
        memory_mb=how.memory_mb,
        will_retry=event.code == eventlog.EVICTED,
        data={"steps": [(run.step, run.count) for run in share.runs]} if share.whole else {},
    )


def _evicted(event: LogEvent, at: float, share: Share, number: int) -> Iterator[Event]:
    if eventlog.was_requeued(event):
        return _terminated(event, at, share, number)
    return iter([_event(EventKind.EVICTED, at, share, number, reason=eventlog.reason(event)[:2000])])


def _held(event: LogEvent, at: float, share: Share, number: int) -> Iterator[Event]:
    code, reason = eventlog.hold(event)
    yield _event(EventKind.HELD, at, share, number, code=code, reason=reason)


def _simple(kind: EventKind) -> Maker:
    def make(event: LogEvent, at: float, share: Share, number: int) -> Iterator[Event]:
        yield _event(kind, at, share, number, reason=eventlog.reason(event)[:2000])

    return make


Maker = Callable[[LogEvent, float, Share, int], Iterator[Event]]
_MAKERS: dict[int, Maker] = {
    eventlog.EXECUTE: _started,
    eventlog.TERMINATED: _terminated,
    eventlog.EVICTED: _evicted,
    eventlog.SHADOW_EXCEPTION: _simple(EventKind.EVICTED),
    eventlog.RECONNECT_FAILED: _simple(EventKind.EVICTED),
    eventlog.ABORTED: _simple(EventKind.REMOVED),
    eventlog.SUSPENDED: _simple(EventKind.SUSPENDED),
    eventlog.UNSUSPENDED: _simple(EventKind.RESUMED),
    eventlog.HELD: _held,
    eventlog.RELEASED: _simple(EventKind.RELEASED),
}
