"""What a look at a pool has found, in plain words."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class Finding:
    level: str
    what: str
    said: str
    cure: str = ""
