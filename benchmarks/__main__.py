"""Every figure, ours beside the peer's: `python -m benchmarks [--quick] [NAME...]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import (
    api,
    busy,
    callbacks,
    create,
    download,
    events,
    following,
    job_page,
    listing,
    many,
    memory,
    new,
    news,
    painted,
    refresh,
    report,
    reuse,
    slices,
    small,
    submit,
    table,
    transfers,
)
from benchmarks.measure import Bench, Row, Size, Skipped, not_measured
from benchmarks.pool import shared_pool
from tests.pool.pool import TestPool

FIGURES: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "reuse": reuse.measure,
    "new": new.measure,
    "create": create.measure,
    "listing": listing.measure,
    "api": api.measure,
    "download": download.measure,
    "job_page": job_page.measure,
    "file": job_page.download,
    "painted": painted.measure,
    "memory": memory.measure,
    "submit": submit.measure,
    "many": many.measure,
    "slices": slices.measure,
    "refresh": refresh.measure,
    "events": events.measure,
    "following": following.measure,
    "files": transfers.files,
    "large": transfers.large,
    "beside": transfers.beside,
    "news": news.measure,
    "small": small.measure,
    "busy": busy.measure,
    "table": table.measure,
    "callbacks": callbacks.measure,
}


def main() -> int:
    asked = _arguments()
    # Removed at the end: where much was deleted, ext4 is slow to make new files for minutes.
    with tempfile.TemporaryDirectory(prefix="roost-bench-") as folder, shared_pool() as pool:
        rows = [
            row
            for name in asked.names or FIGURES
            for row in _measured(name, Path(folder) / name, asked.quick, pool)
        ]
    report.show(rows)
    if asked.file or not asked.names:
        report.write(rows, quick=asked.quick, whole=not asked.names)
        print(f"Written to {report.RESULTS}")
    return 0 if all(row.reached for row in rows) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"one of {', '.join(FIGURES)}; all when left out"
    )
    parser.add_argument("--quick", action="store_true", help="fewer calls; the figures are rougher")
    parser.add_argument(
        "--file", action="store_true", help="keeps the other figures of RESULTS.md as they are"
    )
    asked = parser.parse_args()
    unknown = set(asked.names) - FIGURES.keys()
    if unknown:
        parser.error(f"There is no figure {', '.join(sorted(unknown))}. Say one of {', '.join(FIGURES)}.")
    return asked


def _measured(name: str, folder: Path, quick: bool, pool: Callable[[], TestPool]) -> list[Row]:
    print(f"{name}:", file=sys.stderr)
    folder.mkdir()
    bench = Bench(Size(quick), folder, lambda line: print(f"  {line}", file=sys.stderr), pool)
    try:
        return list(FIGURES[name](bench))
    except Skipped as why:
        return [not_measured(name, str(why))]


if __name__ == "__main__":
    sys.exit(main())
