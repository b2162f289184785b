"""What became of a workflow's nodes: a function of its event log, as of any attempt.

A node is more than its cluster: it may be tried again, its script may overrule how it ended, and when it
failed its descendants never run. So of a node that may still be overruled the ends of its slices are told
when that is decided: when all of them are well, when its script has spoken, or when a child of it begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jobs_app.jobdir.layout import RUN

from ..base import Event, EventKind
from .dag.progress import REMOVED_BEFORE, DagProgress
from .plan import ClusterPlan
from .progress import Progress

OPEN, WELL, FAILED, SKIPPED = "open", "well", "failed", "skipped"


@dataclass
class _Node:
    said: Mapping[str, Any]
    group: int  # of its clusters; -1: it has none
    state: str = OPEN
    tries: int = 0
    code: int | None = None  # the last bad exit code of a slice
    ends: dict[int, str] = field(default_factory=dict)  # of the procs of its last cluster

    def __getattr__(self, name: str) -> Any:
        return self.said[name]

    @property
    def is_overruled(self) -> bool:
        """Whether a slice that ended well may run again, or the node fail without it."""
        return bool(self.said["post"] or (self.said["retries"] and self.said["slices"] > 1))

    @property
    def is_tried_again(self) -> bool:
        return self.tries <= self.said["retries"] and (self.code is None or self.code != self.said["unless"])


class WorkflowProgress(DagProgress):
    def __init__(self, attempt: str, lead: ClusterPlan) -> None:
        super().__init__(attempt, lead)
        groups = sorted(lead.nodes)
        self._nodes = [
            _Node(said, groups[said["cluster"]] if said["cluster"] >= 0 else -1) for said in lead.graph
        ]
        self._by_group = {node.group: node for node in self._nodes if node.group >= 0}
        self._by_name = {node.name: node for node in self._nodes}
        self._ended_early = ""  # the node that ended all of it
        self._early_well = False
        for node in self._nodes:
            if node.done:
                node.state = WELL

    def begin(self, group: int) -> None:
        super().begin(group)
        node = self._by_group[group]
        node.tries, node.code, node.ends = max(node.tries, len(self._clusters[group])), None, {}

    # --- what a proc does -----------------------------------------------------------------------------------

    def tell(self, event: Event, group: int) -> Iterator[Event]:
        node = self._by_group[group]
        if event.kind == EventKind.STARTED:
            for parent in node.parents:
                yield from self._decide(self._nodes[parent], WELL, event.at)
            yield replace(event, tries=node.tries)
        elif event.kind == EventKind.ENDED:
            yield from self._tell_end(event, node)
        elif event.kind == EventKind.REMOVED:
            yield self._removed_of(event, node)
        else:
            yield event

    def _tell_end(self, event: Event, node: _Node) -> Iterator[Event]:
        event = replace(event, tries=node.tries)
        if event.exit_code == 0 and not event.signal:
            if not node.is_overruled:
                yield event
            return
        self._note_bad(node, event.exit_code)
        if self._ended_early == node.name:
            yield replace(event, exit_code=0) if self._early_well else event
        else:
            yield replace(event, will_retry=bool(node.post) or node.is_tried_again)

    def _note_bad(self, node: _Node, code: int | None) -> None:
        node.code = code
        if not node.post:
            self._look_at_end(node, code)

    def _look_at_end(self, node: _Node, code: int | None) -> None:
        """Whether a node that ends so ends all of the workflow."""
        if node.abort is not None and code == node.abort:
            self._ended_early = node.name
            self._early_well = node.abort_return == 0

    def _removed_of(self, event: Event, node: _Node) -> Event:
        """DAGMan removes a cluster when one of its procs failed, and all when a node ends the workflow."""
        if self._ended_early and self._early_well:
            return replace(event, kind=EventKind.SKIPPED, reason=self._early_words)
        if node.is_tried_again or node.post:  # to DAGMan, removed is failed
            return replace(event, kind=EventKind.EVICTED)
        if self._clusters[node.group][-1].failed:
            return replace(event, reason=f"Another slice of node {node.name} failed.")
        return event

    def end(
        self,
        group: int,
        number: int,
        at: float,
        *,
        good: bool = False,
        removed: bool = False,
        code: int | None = None,
    ) -> Iterator[Event]:
        node = self._by_group[group]
        progress = self._clusters[group][-1]
        progress.end(number, good=good, removed=removed)
        node.ends[number] = "good" if good else "removed" if removed else "bad"
        if not good and not removed:
            self._note_bad(node, code)
        if not progress.left and not node.post:
            yield from self._cluster_ended(node, progress, at)
        yield from self._finish_if_over(at)

    def _cluster_ended(self, node: _Node, progress: Progress, at: float) -> Iterator[Event]:
        early = self._ended_early == node.name
        if (not progress.failed and not progress.removed) or (early and self._early_well):
            yield from self._decide(node, WELL, at)
        elif node.state == OPEN and (early or not node.is_tried_again):
            yield from self._settle_begun(node, at)

    @property
    def _early_words(self) -> str:
        return f"Node {self._ended_early} ended the workflow."

    # --- what a script says -----------------------------------------------------------------------------

    def hook(self, which: str, words: str, at: float) -> Iterator[Event]:
        """`words`: the node, the script's exit code, which try it was (from 0 on), its last line."""
        name, code_text, retry_text, *rest = words.split(" ", 3)
        node, code, retry = self._by_name.get(name), int(code_text), int(retry_text)
        if node is None:
            return
        node.tries = max(node.tries, retry + 1)
        if which == "pre":
            yield from self._before(node, code, retry, rest, at)
        else:
            yield from self._after(node, code, retry, rest, at)

    def _before(self, node: _Node, code: int, retry: int, rest: list[str], at: float) -> Iterator[Event]:
        if code and code == node.pre_skip:
            node.state = WELL
            yield self._all(node, EventKind.SKIPPED, at, reason="Its pre script said that it need not run.")
        elif code:
            self._look_at_end(node, code)
            if self._ended_early or retry >= node.retries or code == node.unless:
                yield self._fail(node, "pre", code, rest, at)

    def _after(self, node: _Node, code: int, retry: int, rest: list[str], at: float) -> Iterator[Event]:
        self._look_at_end(node, code)
        early = self._ended_early == node.name
        if code == 0 or (early and self._early_well):
            yield from self._decide(node, WELL, at)
        elif early or retry >= node.retries or code == node.unless:
            yield self._fail(node, "post", code, rest, at)

    def _fail(self, node: _Node, which: str, code: int, rest: list[str], at: float) -> Event:
        node.state = FAILED
        last = f": {rest[0].strip()}" if rest and rest[0].strip() else "."
        reason = f"Its {which} script ended with exit code {code}{last}"
        return self._all(node, EventKind.ENDED, at, exit_code=code, tries=node.tries, reason=reason)

    # --- verdicts -------------------------------------------------------------------------------------------

    def _decide(self, node: _Node, state: str, at: float) -> Iterator[Event]:
        """What was held back is told; what was told already changes nothing."""
        if node.state != OPEN:
            return
        node.state = state
        for parent in node.parents:
            yield from self._decide(self._nodes[parent], WELL, at)
        if node.is_overruled or node.group < 0:
            yield self._all(node, EventKind.ENDED, at, exit_code=0, tries=max(node.tries, 1))

    def _all(self, node: _Node, kind: EventKind, at: float, **known: Any) -> Event:
        return Event(kind, self.attempt, at, RUN, node.first, node.slices, **known)

    def _finish_if_over(self, at: float) -> Iterator[Event]:
        if self.finished or not self._over or any(each[-1].left for each in self._clusters.values()):
            return
        self.finished = True
        for node in self._nodes:
            yield from self._settle(node, at)
        yield Event(EventKind.FINISHED, self.attempt, at, data=self._outcome())

    def _settle(self, node: _Node, at: float) -> Iterator[Event]:
        """At the end: parents before children."""
        if node.state != OPEN:
            return
        parents = [self._nodes[each] for each in node.parents]
        failed = next((parent.name for parent in parents if parent.state in (FAILED, SKIPPED)), "")
        if node.tries and node.group >= 0 and self._clusters.get(node.group):
            yield from self._settle_begun(node, at)
        elif failed:
            node.state = SKIPPED
            yield self._all(node, EventKind.SKIPPED, at, reason=f"Node {failed} did not end well.")
        elif self._ended_early:
            node.state = SKIPPED
            yield self._all(node, EventKind.SKIPPED, at, reason=self._early_words)
        elif self._removed:
            node.state = FAILED
            yield self._all(node, EventKind.REMOVED, at, reason=self._words or REMOVED_BEFORE)
        else:
            yield from self._decide(node, WELL, at)

    def _settle_begun(self, node: _Node, at: float) -> Iterator[Event]:
        """It is not tried again, whatever was said: each slice is as it ended last."""
        if set(node.ends.values()) <= {"good"}:
            yield from self._decide(node, WELL, at)
            return
        node.state = FAILED
        share = self._shares[node.group]
        for number, how in sorted(node.ends.items()):
            run = share.place(number)
            kind = EventKind.REMOVED if how == "removed" else EventKind.ENDED
            code = {"good": 0, "bad": node.code or 1}.get(how)
            yield Event(kind, self.attempt, at, RUN, run.first, run.count, tries=node.tries, exit_code=code)

    def _outcome(self) -> dict[str, object]:
        failed = [node.name for node in self._nodes if node.state == FAILED]
        if failed and not self._early_well:
            return {"ok": False, "reason": f"{len(failed)} of {len(self._nodes)} nodes did not end well."}
        return {"ok": not self._removed or self._early_well, "reason": self._words}
