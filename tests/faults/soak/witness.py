"""HTCondor's own log of everything that happens to every job of the pool; Roost never reads it."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

_HEAD = re.compile(rb"^(\d{3}) \((\d+)\.(\d+)\.\d+\) ", re.MULTILINE)
_NOTES = re.compile(rb"^\s*roost ([0-9a-f]+\.\d+) (\S+) ([0-9a-f]{32}) (\d+)\s*$", re.MULTILINE)
_GOOD = b"Normal termination (return value 0)"

SUBMIT, TERMINATED, ABORTED = b"000", b"005", b"009"

Proc = tuple[int, int]


@dataclass(frozen=True)
class Identity:
    plan: str  # one sending, one epoch
    group: str  # one cluster of it
    attempt: str
    slice: int


@dataclass
class Witness:
    path: Path
    identities: dict[Proc, Identity] = field(default_factory=dict)
    procs: dict[str, set[Proc]] = field(default_factory=lambda: defaultdict(set))  # by attempt
    ended_well: set[Proc] = field(default_factory=set)
    gone: set[Proc] = field(default_factory=set)
    nameless: set[Proc] = field(default_factory=set)  # a schedd that dies may not have logged the submission
    _offset: int = 0
    _rest: bytes = b""

    def look(self) -> None:
        """Reads what is new."""
        with self.path.open("rb") as log:
            log.seek(self._offset)
            data = log.read()
        self._offset += len(data)
        *events, self._rest = (self._rest + data).split(b"\n...\n")
        for event in events:
            self._read(event)

    def _read(self, event: bytes) -> None:
        head = _HEAD.search(event)
        if head is None:
            return
        proc = int(head[2]), int(head[3])
        if head[1] == SUBMIT and (notes := _NOTES.search(event)):
            plan, group, attempt, number = (part.decode() for part in notes.groups())
            self.identities[proc] = Identity(plan, group, attempt, int(number))
            self.procs[attempt].add(proc)
            self.nameless.discard(proc)
            return
        if proc not in self.identities:
            self.nameless.add(proc)
        if head[1] in (TERMINATED, ABORTED):
            self.gone.add(proc)
            if head[1] == TERMINATED and _GOOD in event:
                self.ended_well.add(proc)

    def submitted_twice(self, attempt: str) -> list[str]:
        """One sending has an attempt's procs, one cluster a group's, one proc a slice."""
        mine = self.procs.get(attempt, set())
        wrong = []
        plans = {self.identities[proc].plan for proc in mine}
        if len(plans) > 1:
            wrong.append(f"attempt {attempt} was submitted by {sorted(plans)}")
        places: dict[tuple[str, int], set[Proc]] = defaultdict(set)
        for proc in mine:
            identity = self.identities[proc]
            places[identity.group, identity.slice].add(proc)
        wrong += [
            f"attempt {attempt}, group {group}, slice {number} is {sorted(procs)}"
            for (group, number), procs in places.items()
            if len(procs) > 1
        ]
        return wrong

    def is_over(self, attempt: str) -> bool:
        """HTCondor has had it, and has none of it any more."""
        mine = self.procs.get(attempt, set())
        return bool(mine) and mine <= self.gone

    def not_ended_well(self, attempt: str, cluster: int | None = None) -> list[str]:
        """Procs of it that are still there, or that ended otherwise; also if there are none at all. Where no
        submission was logged they are those of the cluster that Roost says it is."""
        mine = self.procs.get(attempt) or {proc for proc in self.nameless if proc[0] == cluster}
        if not mine:
            return ["none was ever submitted"]
        return [f"{proc} is {self.identities.get(proc)}" for proc in sorted(mine - self.ended_well)]
