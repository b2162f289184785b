"""Where a process may be killed: the names are read from the code itself, so none can be missing here."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import jobs_app

_REACH = re.compile(r'\breach\("([a-z.-]+)"\)')
POOL = ("pool", "zygote", "leader", "part", "client", "runner")
ROWS = ("execute", "begin", "courier", "record", "finish")


@cache
def points(*first_words: str) -> tuple[str, ...]:
    """Those whose names begin with one of the words."""
    root = Path(jobs_app.__file__).parent
    found = {name for path in root.rglob("*.py") for name in _REACH.findall(path.read_text())}
    return tuple(sorted(name for name in found if name.split(".")[0] in first_words))


# Places where only somebody comes who mourns another: who has to die first.
_AFTER = {"pool.leader-died": "leader.loaded"}


@dataclass(frozen=True)
class Kill:
    """Where and when: at the `count`-th time that any process comes to `point`."""

    point: str
    count: int

    def __str__(self) -> str:
        first = _AFTER.get(self.point)
        return f"{self.point}:{self.count}" + (f",{first}:2" if first else "")


def seeds(config: pytest.Config, sample: int, all_of_them: int) -> list[int]:
    """All, or always the same ones of them."""
    if config.getoption("--faults") == "all":
        return list(range(all_of_them))
    return sorted(random.Random(1).sample(range(all_of_them), sample))


def draw(seed: int, names: tuple[str, ...], longest: int = 12) -> tuple[Kill, ...]:
    """Each name in its turn; early times more often than late ones, for some places are not reached often.
    Every third time somebody else is killed as well."""
    chance = random.Random(seed)
    first = Kill(names[seed % len(names)], chance.choice((1, 1, 2, 3, chance.randint(1, longest))))
    if seed % 3:
        return (first,)
    return first, Kill(chance.choice(names), chance.randint(1, longest))
