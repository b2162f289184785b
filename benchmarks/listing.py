"""list_jobs(): a page of 100 among a million rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks import million
from benchmarks.measure import Bench, Row, Times, in_milliseconds

PAGES: dict[str, dict[str, Any]] = {
    "first page": {},
    "middle page, by the last key": {"after": million.ROWS // 2},
    "middle page, by its number": {"offset": million.ROWS // 2},
    "last page": {"reverse": True},
    "first page of one user": {"user": "user7"},
}


def measure(bench: Bench) -> Iterator[Row]:
    with million.home(bench.say) as ours:
        for name, page in PAGES.items():
            times = Times.of([ours.call("list_page", count=bench.size(50, 20), **page)])
            yield in_milliseconds(f"list_jobs(), 100 of 1 000 000: {name}", times, below_ms=20)
