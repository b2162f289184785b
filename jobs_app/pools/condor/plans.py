"""The plans of the batches on an access point, each read once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from . import plan
from .plan import ClusterPlan
from .point import AccessPoint


class Plans:
    def __init__(self, point: AccessPoint) -> None:
        self._point = point
        self._known: dict[str, tuple[ClusterPlan, ...]] = {}

    def remember(self, token: str, plans: Sequence[ClusterPlan]) -> None:
        self._known[token] = tuple(plans)

    def find(self, token: str, group: int) -> ClusterPlan | None:
        """None if it is no batch of ours, or one that was forgotten."""
        self.load([token])
        plans = self._known.get(token, ())
        return plans[group] if group < len(plans) else None

    def load(self, tokens: Iterable[str]) -> None:
        """All that are not known yet, by one command."""
        wanted = sorted(set(tokens) - self._known.keys())
        if not wanted:
            return
        for line in self._point.ask("plans.sh", self._point.names.root, *wanted).out.splitlines():
            token, _, text = line.partition(b" ")
            self._known[token.decode()] = plan.from_json(text) if text != b"-" else ()
