"""The small values that rows and pages are made of."""

from __future__ import annotations

from dataclasses import dataclass

from jobs_app.models import Job


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
    """How far the slices have come; None before anything was asked of a pool."""
    if not job.number_of_attempts:
        return None
    counts = {
        "done": job.slices_done,
        "failed": job.slices_failed,
        "held": job.slices_held,
        "running": job.slices_running,
    }
    words = [f"{number} {name}" for name, number in counts.items() if number]
    label = f"{job.slices_total} slice{'s' if job.slices_total != 1 else ''}"
    return Bar(_pieces(counts, job.slices_total), ": ".join([label, ", ".join(words)]) if words else label)


def _pieces(counts: dict[str, int], total: int) -> list[Piece]:
    pieces, start = [], 0.0
    for name, number in counts.items():
        width = 100 * number / max(1, total)
        pieces.append(Piece(name, round(start, 2), round(width, 2)))
        start += width
    return pieces
