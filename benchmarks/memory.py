"""The memory of `make serve` at rest, with a million jobs in its database."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import million
from benchmarks.measure import Bench, Row
from benchmarks.server import serve, signed_in

RESTS_AFTER = 5.0  # seconds


def measure(bench: Bench) -> Iterator[Row]:
    with million.home(bench.say) as ours:
        ours.call("let_see_all_jobs")
        with serve(ours) as process:
            _look_at_jobs(process)
            time.sleep(RESTS_AFTER)
            used = _megabytes(process.pid)
    yield Row("memory of `make serve` at rest, 1 000 000 jobs", used, "MB", "< 150 MB", 150)


def _look_at_jobs(process: subprocess.Popen[str]) -> None:
    """Some pages, so that all code is loaded."""
    browser, address = signed_in(process)
    for _ in range(5):
        page = browser.open(f"{address}/jobs/", timeout=60).read().decode()
    if "trivial" not in page:
        raise RuntimeError(f"The list of jobs does not show them:\n{page}")


def _megabytes(root: int) -> float:
    """What the process and its children hold together; pages they share are counted once."""
    return sum(_proportional_set(pid) for pid in _family(root)) / 1024


def _family(root: int) -> list[int]:
    children = Path(f"/proc/{root}/task/{root}/children").read_text().split()
    return [root, *(pid for child in children for pid in _family(int(child)))]


def _proportional_set(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
