"""The plans on an access point, by the sending's token and epoch; each is read once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from . import plan
from .plan import ClusterPlan
from .point import AccessPoint


class Plans:
    def __init__(self, point: AccessPoint) -> None:
        self._point = point
        self._known: dict[str, tuple[ClusterPlan, ...]] = {}

    def remember(self, name: str, plans: Sequence[ClusterPlan]) -> None:
        self._known[name] = plan.linked(plans)

    def find(self, name: str, group: int) -> ClusterPlan | None:
        """None if it is no batch of ours, or one that was forgotten."""
        plans = self.of(name)
        return plans[group] if group < len(plans) else None

    def of(self, name: str) -> tuple[ClusterPlan, ...]:
        self.load([name])
        return self._known.get(name, ())

    def load(self, names: Iterable[str]) -> None:
        """All that are not known yet, by one command."""
        wanted = sorted(set(names) - self._known.keys())
        if not wanted:
            return
        for line in self._point.ask("plans.sh", self._point.names.root, *wanted).out.splitlines():
            name, _, text = line.partition(b" ")
            self._known[name.decode()] = plan.from_json(text) if text != b"-" else ()
