"""Whose turn it is: the highest priority first, and among equals each in its turn."""

from __future__ import annotations

from collections import deque


class Turns:
    def __init__(self) -> None:
        self._lanes: dict[int, deque[str]] = {}
        self._waiting: set[str] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, name: str, priority: int) -> None:
        """At the end of its lane; nothing happens if it waits already."""
        if name not in self._waiting:
            self._waiting.add(name)
            self._lanes.setdefault(priority, deque()).append(name)

    def first(self) -> str | None:
        return self._lanes[max(self._lanes)][0] if self._lanes else None

    def pass_on(self) -> str:
        """Takes the first one out, and says who it was."""
        priority = max(self._lanes)
        lane = self._lanes[priority]
        name = lane.popleft()
        if not lane:
            del self._lanes[priority]
        self._waiting.discard(name)
        return name
