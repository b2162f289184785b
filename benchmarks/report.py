"""The table: on the screen, and in RESULTS.md."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Row

RESULTS = Path(__file__).parent / "RESULTS.md"
FAULTS = "\n# Faults\n"
COLUMNS = ("figure", "ours", "p95", "peer", "ours / peer", "target", "verdict")


def cells(row: Row) -> tuple[str, ...]:
    if row.skipped:
        return (row.name, "", "", "", "", "", row.verdict)
    ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
    amounts = (_amount(value, row.unit) for value in (row.ours, row.p95, row.peer))
    return (row.name, *amounts, ratio, row.target, row.verdict)


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    digits = (2 if value < 10 else 1 if value < 100 else 0) if unit or value % 1 else 0
    return f"{value:,.{digits}f} {unit}".replace(",", " ").strip()


def show(rows: Sequence[Row]) -> None:
    table = Table(*COLUMNS)
    for row in rows:
        table.add_row(*cells(row), style="" if row.reached else "bold red")
    console = Console()
    console.width = max(console.width, 130)  # a line a figure, in a pipe too
    console.print(table)


def write(rows: Sequence[Row], *, quick: bool, whole: bool = True) -> None:
    """`whole`: all figures were measured; else those of other runs stay, each with its day and load."""
    known, said = ({}, {}) if whole else _written()
    when = f"{datetime.datetime.now(datetime.UTC).date()}, {os.getloadavg()[2]:.1f}" + (", quick" * quick)
    known.update({row.name: _line([*cells(row), when]) for row in rows})
    said.update({row.name: f"- {row.name}: {row.note}" for row in rows if row.note})
    head = [_line([*COLUMNS, "day, load"]), _line(["---"] * (len(COLUMNS) + 1))]
    text = "\n".join([_heading(), "", *head, *known.values(), "", *said.values()]).rstrip() + "\n"
    RESULTS.write_text(text + _faults())


def _written() -> tuple[dict[str, str], dict[str, str]]:
    """Lines of the table and notes, by the figure's name."""
    lines = (RESULTS.read_text().partition(FAULTS)[0] if RESULTS.exists() else "").splitlines()
    table = [line for line in lines if line.startswith("| ")][2:]
    named = {line.removeprefix("| ").partition(" | ")[0]: line for line in table}
    notes = {name: line for name in named for line in lines if line.startswith(f"- {name}: ")}
    return named, notes


def write_faults(text: str) -> None:
    """What `make faults` found; the figures stay."""
    figures = RESULTS.read_text().partition(FAULTS)[0] if RESULTS.exists() else ""
    RESULTS.write_text(f"{figures.rstrip()}\n{FAULTS}\n{_made_on('make faults')}\n\n{text}")


def _faults() -> str:
    _, heading, text = (RESULTS.read_text() if RESULTS.exists() else "").partition(FAULTS)
    return heading + text


def _line(row: Sequence[str]) -> str:
    return f"| {' | '.join(row)} |"


def _made_on(how: str) -> str:
    today = datetime.datetime.now(datetime.UTC).date()
    return f"Made by `{how}` on {today}, on {machine()}; load average {os.getloadavg()[2]:.1f}."


def _heading() -> str:
    return (
        f"# Figures\n\nMade by `make bench` (or `python -m benchmarks --file NAME`) on {machine()}.\n"
        "Times are medians of calls, measured in the calling process; ours and the peer's take turns.\n"
        "The peer is exax where nothing else is said."
    )


def machine() -> str:
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores of {_processor()}, Python {platform.python_version()}, {platform.system()}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
