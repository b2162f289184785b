"""How far an attempt has come that runs as nodes of a DAG.

It is over when its DAG is, or its part of one, and no proc of it is left: DAGMan submits nothing more then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...base import Event, EventKind
from ..plan import ClusterPlan, Run, Share
from ..progress import Progress

REMOVED_BEFORE = "Removed before it was started."


class DagProgress:
    def __init__(self, attempt: str, lead: ClusterPlan) -> None:
        self.attempt = attempt
        self.finished = False
        self._retries = {group: plan.retries for group, plan in lead.nodes.items()}
        self._shares: dict[int, Share] = {
            group: share
            for group, plan in lead.nodes.items()
            for share in plan.shares
            if share.attempt == attempt
        }
        self._clusters: dict[int, list[Progress]] = {}  # of each group, in the order of its tries
        self._over = False
        self._removed = False
        self._words = ""

    def begin(self, group: int) -> None:
        """A cluster of this group was submitted."""
        self._clusters.setdefault(group, []).append(Progress(self._shares[group]))

    def tell(self, event: Event, group: int) -> Iterator[Event]:
        yield self.seen(event, group)

    def hook(self, which: str, words: str, at: float) -> Iterator[Event]:  # noqa: ARG002
        """A script before or after a node has ended; see workflow_progress.py."""
        yield from ()

    def seen(self, event: Event, group: int) -> Event:
        """A node that fails and has tries left is submitted again, so its procs have not failed for good."""
        tries = len(self._clusters[group])
        if tries > self._retries[group] or self._shares[group].recorded:
            return replace(event, tries=tries) if event.kind == EventKind.ENDED else event
        if event.kind == EventKind.ENDED and (event.exit_code or event.signal):
            return replace(event, tries=tries, will_retry=True)
        if event.kind == EventKind.REMOVED and self._clusters[group][-1].failed:
            return replace(event, kind=EventKind.EVICTED)
        return event

    def end(
        self,
        group: int,
        number: int,
        at: float,
        *,
        good: bool = False,
        removed: bool = False,
        code: int | None = None,  # noqa: ARG002 - a workflow's progress looks at it
    ) -> Iterator[Event]:
        self._clusters[group][-1].end(number, good=good, removed=removed)
        yield from self._finish_if_over(at)

    def end_cluster(self, group: int, at: float) -> Iterator[Event]:
        """What was never materialised will not come any more."""
        progress = self._clusters[group][-1]
        if progress.left:
            yield from progress.end_all(at)
            progress.finish_silently()
        yield from self._finish_if_over(at)

    def over(self, at: float, *, well: bool, words: str = "") -> Iterator[Event]:
        """DAGMan will submit nothing more of it. `well`: what it did not submit was not wanted."""
        self._over = True
        self._removed = self._removed or not well
        self._words = self._words or words
        yield from self._finish_if_over(at)

    def not_begun(self) -> Iterator[Run]:
        for group, share in self._shares.items():
            if group not in self._clusters:
                yield from share.runs

    def _finish_if_over(self, at: float) -> Iterator[Event]:
        if self.finished or not self._over or any(each[-1].left for each in self._clusters.values()):
            return
        self.finished = True
        kind = EventKind.REMOVED if self._removed else EventKind.SKIPPED
        reason = (self._words or REMOVED_BEFORE) if self._removed else ""
        for run in self.not_begun():
            yield Event(kind, self.attempt, at, run.step, run.first, run.count, reason=reason)
        yield Event(EventKind.FINISHED, self.attempt, at, data=self._outcome())

    def _outcome(self) -> dict[str, object]:
        last = [each[-1] for each in self._clusters.values()]
        failed, removed = sum(each.failed for each in last), sum(each.removed for each in last)
        reason = ""
        if failed:
            reason = f"{failed} slices failed."
        elif removed or self._removed:
            reason = self._words or f"{removed} slices were removed."
        recorded = any(share.recorded for share in self._shares.values())
        return {"ok": not reason, "reason": reason, **({"recorded": True} if recorded else {})}
