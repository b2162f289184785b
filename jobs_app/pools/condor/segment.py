"""A segment as it is read: log events turned into events, each attempt's end found on the way.

What has ended is a function of the log up to the offset, so a reader that starts in the middle is told what
stands before (see `scripts/prefix.sh`) and then says the same as one that read all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any

from jobs_app.jobdir.layout import part_name

from ..base import Event, EventKind, Garbled
from . import answers, eventlog
from .dag.progress import DagProgress
from .eventlog import LogEvent
from .plan import ClusterPlan, Share
from .progress import Progress
from .workflow_progress import WorkflowProgress

_BY_RULE, _WAITS = 3, 75  # job_script.sub holds a part that waits for a subjob

FindPlan = Callable[[str, int], ClusterPlan | None]  # by its name, and which cluster of it


@dataclass
class Segment:
    """The state of a reader. `find_plan` may ask the access point; each cluster is asked for once."""

    zone: tzinfo
    find_plan: FindPlan
    ahead: float = 0.0  # seconds by which the clock that wrote it is ahead of ours
    clusters: dict[int, ClusterPlan | None] = field(default_factory=dict)
    attempts: dict[str, Progress | DagProgress] = field(default_factory=dict)
    groups: dict[int, int] = field(default_factory=dict)  # of each cluster that a DAG submitted

    def know(self, cluster: int, name: str, group: int) -> ClusterPlan | None:
        if cluster not in self.clusters:
            plan = self.clusters[cluster] = self.find_plan(name, group)
            if plan is not None:
                self._open(cluster, plan, name, group)
        return self.clusters[cluster]

    def ended_before(self, cluster: int, proc: int, how: str) -> None:
        """A proc that ended before this reader began: "good", "bad", "bad:3" (an exit code) or "removed"."""
        how, _, code = how.partition(":")
        if plan := self.clusters.get(cluster):
            _exhaust(self._proc_over(cluster, plan, proc, 0.0, how, int(code) if code else None))

    def finished_before(self, cluster: int) -> None:
        if plan := self.clusters.get(cluster):
            _exhaust(self._cluster_over(cluster, plan, 0.0))

    def said_before(self, cluster: int, text: str) -> None:
        if plan := self.clusters.get(cluster):
            verb, _, rest = text.partition(" ")
            _exhaust(self._said(plan, verb, rest, 0.0))

    def translate(self, event: LogEvent) -> Iterator[Event]:
        if event.code == eventlog.SUBMIT:
            yield from self._submitted(event)
            return
        plan, at = self.clusters.get(event.cluster), self._at(event)
        if plan is None:
            return  # not a cluster of ours
        if event.code == eventlog.CLUSTER_REMOVED:
            yield from self._cluster_over(event.cluster, plan, at)
        elif plan.lead:
            yield from self._of_lead(event, plan, at)
        elif event.code != eventlog.GENERIC:  # what a node may write there is no news
            yield from self._of_proc(event, plan, at)

    def _of_proc(self, event: LogEvent, plan: ClusterPlan, at: float) -> Iterator[Event]:
        share, number = plan.locate(event.proc)
        for found in _MAKERS[event.code](event, at, share, number):
            final = _is_final(found)
            dag = self.attempts.get(share.attempt)
            known = isinstance(dag, DagProgress) and event.cluster in self.groups
            if known:
                yield from dag.tell(found, self.groups[event.cluster])  # type: ignore[union-attr]
            else:
                yield found
            if final:
                yield from self._proc_over(event.cluster, plan, event.proc, at, _how(found), found.exit_code)

    def _submitted(self, event: LogEvent) -> Iterator[Event]:
        identity = eventlog.identity(event.text)
        if identity is None:
            return
        plan = self.know(event.cluster, identity.plan, identity.group)
        if plan is None:
            return
        if plan.lead:
            for attempt in plan.lead:
                yield Event(EventKind.ACCEPTED, attempt, self._at(event))
            return
        share, number = plan.locate(event.proc)
        if share.attempt != identity.attempt:
            raise Garbled(
                f"Proc {event.cluster}.{event.proc} says that it belongs to attempt {identity.attempt}; "
                f"the plan of its batch says {share.attempt}."
            )
        if number == 0 and plan.unit is None:
            yield Event(EventKind.ACCEPTED, share.attempt, self._at(event))

    # --- what has ended -------------------------------------------------------------------------------------

    def _open(self, cluster: int, plan: ClusterPlan, name: str, group: int) -> None:
        for attempt in plan.lead:
            self.attempts.setdefault(attempt, _progress_of(attempt, plan))
        if plan.unit is None:
            return
        self.groups[cluster] = group
        lead = self.find_plan(name, plan.unit)
        for share in plan.shares:
            if share.attempt not in self.attempts and lead is not None:
                self.attempts[share.attempt] = _progress_of(share.attempt, lead)
            self._dag(share.attempt).begin(group)

    def _dag(self, attempt: str) -> DagProgress:
        found = self.attempts.get(attempt)
        if isinstance(found, DagProgress):
            return found
        raise Garbled(f"Attempt {attempt} runs as nodes of a DAG that its batch does not know.")

    def _proc_over(
        self, cluster: int, plan: ClusterPlan, proc: int, at: float, how: str, code: int | None = None
    ) -> Iterator[Event]:
        good, removed = how == "good", how == "removed"
        if plan.lead:
            yield from self._lead_over(plan, at, well=good, words="")
            return
        share, number = plan.locate(proc)
        if plan.unit is not None:
            group = self.groups[cluster]
            dag = self._dag(share.attempt)
            yield from dag.end(group, number, at, good=good, removed=removed, code=code)
            return
        progress = self._progress(share)
        if progress.end(number, good=good, removed=removed):
            yield progress.finish(at)

    def _cluster_over(self, cluster: int, plan: ClusterPlan, at: float) -> Iterator[Event]:
        """What a factory never materialised will not come any more."""
        for share in plan.shares:
            if plan.unit is not None:
                yield from self._dag(share.attempt).end_cluster(self.groups[cluster], at)
                continue
            progress = self._progress(share)
            if not progress.finished:
                yield from progress.end_all(at)
                yield progress.finish(at)

    def _progress(self, share: Share) -> Progress:
        known = self.attempts.get(share.attempt)
        if not isinstance(known, Progress):
            known = self.attempts[share.attempt] = Progress(share)
        return known

    # --- a DAGMan -------------------------------------------------------------------------------------------

    def _of_lead(self, event: LogEvent, plan: ClusterPlan, at: float) -> Iterator[Event]:
        if event.code == eventlog.TERMINATED:
            how = eventlog.ending(event)
            words = f"DAGMan ended with exit code {how.exit_code}." if how.exit_code else ""
            yield from self._lead_over(plan, at, well=how.exit_code == 0, words=words)
        elif event.code == eventlog.ABORTED:
            yield from self._lead_over(plan, at, well=False, words="")
        elif event.code == eventlog.HELD:
            code, reason = eventlog.hold(event)
            for attempt in plan.lead:
                yield from self._of_not_begun(EventKind.HELD, attempt, at, code=code, reason=reason)
        elif event.code == eventlog.RELEASED:
            for attempt in plan.lead:
                yield from self._of_not_begun(EventKind.RELEASED, attempt, at)
        elif event.code == eventlog.GENERIC:
            yield from self._said(plan, *eventlog.saying(event), at)

    def _lead_over(self, plan: ClusterPlan, at: float, *, well: bool, words: str) -> Iterator[Event]:
        for attempt in plan.lead:
            yield from self._dag(attempt).over(at, well=well, words=words)

    def _of_not_begun(self, kind: EventKind, attempt: str, at: float, **known: Any) -> Iterator[Event]:
        for run in self._dag(attempt).not_begun():
            yield Event(kind, attempt, at, run.step, run.first, run.count, **known)

    def _said(self, plan: ClusterPlan, verb: str, rest: str, at: float) -> Iterator[Event]:
        """What a script beside a DAGMan wrote into the log: see roost_dag.sh."""
        attempt, _, words = rest.partition(" ")
        if attempt not in plan.lead:
            return
        if verb in ("pre", "post"):
            yield from self._dag(attempt).hook(verb, words, at)
        elif verb == "over":
            yield from self._dag(attempt).over(at, well=words == "well")
        elif verb == "held":
            yield from self._of_not_begun(EventKind.HELD, attempt, at, code=1, reason=words)
        elif verb == "released":
            yield from self._of_not_begun(EventKind.RELEASED, attempt, at)

    def _at(self, event: LogEvent) -> float:
        return _unix(event.time, self.zone) - self.ahead


@lru_cache(4096)
def _unix(text: bytes, zone: tzinfo) -> float:
    said = text.decode()
    if said[2] == "/":  # HTCondor's older form has no year
        now = datetime.now(zone)
        when = datetime.strptime(f"{now.year}/{said}", "%Y/%m/%d %H:%M:%S").replace(tzinfo=zone)
        return (when if when <= now else when.replace(year=now.year - 1)).timestamp()
    return datetime.fromisoformat(said).replace(tzinfo=zone).timestamp()


def _progress_of(attempt: str, lead: ClusterPlan) -> DagProgress:
    return WorkflowProgress(attempt, lead) if lead.graph else DagProgress(attempt, lead)


def _is_final(event: Event) -> bool:
    return event.kind == EventKind.REMOVED or (event.kind == EventKind.ENDED and not event.will_retry)


def _how(event: Event) -> str:
    if event.kind == EventKind.REMOVED:
        return "removed"
    return "good" if event.exit_code == 0 and not event.signal else "bad"


def _exhaust(events: Iterator[Event]) -> None:
    for _ in events:
        pass


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
        usage=eventlog.usage(event),
        will_retry=event.code == eventlog.EVICTED,
        data=_to_be_read(share, number),
    )


def _to_be_read(share: Share, number: int) -> dict[str, Any]:
    """Where a record tells what HTCondor cannot: see parts.py."""
    if share.whole:
        return {"steps": [(run.step, run.count) for run in share.runs]}
    if share.recorded:
        run = share.place(number)
        return {"part": part_name(run.step, run.first)}
    return {}


def _used(event: LogEvent, at: float, share: Share, number: int) -> Iterator[Event]:
    if usage := eventlog.usage(event):
        yield _event(EventKind.USAGE, at, share, number, usage=usage)


def _evicted(event: LogEvent, at: float, share: Share, number: int) -> Iterator[Event]:
    if eventlog.was_requeued(event):
        return _terminated(event, at, share, number)
    return iter([_event(EventKind.EVICTED, at, share, number, reason=eventlog.reason(event)[:2000])])


def _held(event: LogEvent, at: float, share: Share, number: int) -> Iterator[Event]:
    code, reason = eventlog.hold(event)
    if code == _BY_RULE and eventlog.subcode(event) == _WAITS and (share.whole or share.recorded):
        asks = _to_be_read(share, number).get("part", "0")
        yield _event(EventKind.HELD, at, share, number, code=code, reason=reason, data={"asks": asks})
        return
    more = answers.hold_code(code, eventlog.subcode(event))
    said = answers.hold_reason(code, eventlog.subcode(event), reason)
    yield _event(EventKind.HELD, at, share, number, code=more, reason=said)


def _simple(kind: EventKind) -> Maker:
    def make(event: LogEvent, at: float, share: Share, number: int) -> Iterator[Event]:
        yield _event(kind, at, share, number, reason=eventlog.reason(event)[:2000])

    return make


Maker = Callable[[LogEvent, float, Share, int], Iterator[Event]]
_MAKERS: dict[int, Maker] = {
    eventlog.EXECUTE: _started,
    eventlog.TERMINATED: _terminated,
    eventlog.EVICTED: _evicted,
    eventlog.IMAGE_SIZE: _used,
    eventlog.SHADOW_EXCEPTION: _simple(EventKind.EVICTED),
    eventlog.RECONNECT_FAILED: _simple(EventKind.EVICTED),
    eventlog.ABORTED: _simple(EventKind.REMOVED),
    eventlog.SUSPENDED: _simple(EventKind.SUSPENDED),
    eventlog.UNSUSPENDED: _simple(EventKind.RESUMED),
    eventlog.HELD: _held,
    eventlog.RELEASED: _simple(EventKind.RELEASED),
}
