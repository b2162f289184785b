"""Which slices of a workflow may run, and which never will: a function of their states."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from jobs_app.states import SliceState

from ..base import Node, Task
from .stage import ENDED, Stage

_BAD = (SliceState.FAILED, SliceState.REMOVED)


class _Seen(NamedTuple):
    node: Node
    waiting: int
    over: bool
    bad: bool  # it failed, or what it waits for did
    begun: bool
    parents: tuple[int, ...]


class Graph:
    def __init__(self, task: Task, stage: Stage) -> None:
        self._task = task
        self._stage = stage
        self._firsts = [node.first for node in task.nodes]
        places = {node.name: place for place, node in enumerate(task.nodes)}
        self._parents = [tuple(places[name] for name in node.parents) for node in task.nodes]

    def node_of(self, sliceno: int) -> Node:
        return self._task.nodes[bisect_right(self._firsts, sliceno) - 1]

    def next_waiting(self) -> int | None:
        """The most urgent slice that may run now."""
        seen = self._look()
        active = Counter(each.node.category for each in seen if each.begun and not each.over)
        open_ = [each for each in seen if each.waiting and self._is_open(each, seen, active)]
        if not open_:
            return None
        node = max(open_, key=lambda each: each.node.priority).node
        return self._stage.states.find(SliceState.WAITING, node.first, node.first + node.slices)

    def _is_open(self, each: _Seen, seen: list[_Seen], active: Counter[str]) -> bool:
        limit = self._task.throttles.get(each.node.category)
        if limit and not each.begun and active[each.node.category] >= limit:
            return False
        if each.node.final:
            return all(other.over for other in seen if not other.node.final)
        return all(seen[place].over and not seen[place].bad for place in each.parents)

    def doomed(self, ended_by: str) -> Iterator[tuple[Node, str]]:
        """Nodes that will not run any more, and why. `ended_by`: a node that has ended the workflow."""
        seen = self._look()
        for each in seen:
            if each.over or each.node.final:
                continue
            parent = next((seen[place].node.name for place in each.parents if seen[place].bad), "")
            if parent:
                yield each.node, f"Node {parent} did not end well."
            elif ended_by and ended_by != each.node.name:
                yield each.node, f"Node {ended_by} ended the workflow."

    def _look(self) -> list[_Seen]:
        seen: list[_Seen] = []
        for node, parents in zip(self._task.nodes, self._parents, strict=True):
            mine = self._stage.states[node.first : node.first + node.slices]
            waiting = mine.count(SliceState.WAITING)
            over = sum(map(mine.count, ENDED)) == node.slices
            bad = any(map(mine.count, _BAD)) or (not node.final and any(seen[place].bad for place in parents))
            seen.append(_Seen(node, waiting, over, bad, waiting < node.slices, parents))
        return seen
