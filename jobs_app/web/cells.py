"""The small values that rows and pages are made of."""

from __future__ import annotations

from dataclasses import dataclass

from jobs_app.models import Job


def spaced(number: int) -> str:
    """1 000 000; four digits are read as they are."""
    return f"{number:,}".replace(",", "\u00a0") if abs(number) >= 10_000 else str(number)


@dataclass(frozen=True)
class Piece:
    name: str
    start: float
    width: float


@dataclass(frozen=True)
class Bar:
    pieces: list[Piece]
    label: str


def bar(job: Job) -> Bar | None:
    """How far the slices have come, or what somebody outside says of it; None before it was executed."""
    if not job.number_of_attempts:
        return None
    if job.progress is not None:
        return Bar([Piece("done", 0.0, round(job.progress, 2))], f"{round(job.progress, 1):g} %")
    counts = {
        "done": job.slices_done,
        "failed": job.slices_failed,
        "held": job.slices_held,
        "running": job.slices_running,
    }
    words = [f"{spaced(number)} {name}" for name, number in counts.items() if number]
    label = f"{spaced(job.slices_total)} slice{'s' if job.slices_total != 1 else ''}"
    return Bar(_pieces(counts, job.slices_total), ": ".join([label, ", ".join(words)]) if words else label)


def _pieces(counts: dict[str, int], total: int) -> list[Piece]:
    pieces, start = [], 0.0
    for name, number in counts.items():
        width = 100 * number / max(1, total)
        pieces.append(Piece(name, round(start, 2), round(width, 2)))
        start += width
    return pieces
