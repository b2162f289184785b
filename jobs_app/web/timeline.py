"""A job's states over time, as a bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from django.utils import timezone

from jobs_app import inspection, states
from jobs_app.models import History, Job

WIDTH = 1000.0
LEAST = 4.0  # so much of the bar is seen of a state that was short
MOST = 400
_OVER = states.FINAL - {"RES"}  # what comes after these is another attempt


@dataclass(frozen=True)
class Stretch:
    code: str
    x: float
    width: float
    label: str


@dataclass(frozen=True)
class Line:
    stretches: list[Stretch]
    begin: datetime
    end: datetime
    total: str


def line(job: Job, rows: Sequence[History]) -> Line | None:
    """`rows` oldest first. None where there is no time between them."""
    turns = [(row.at, row.after) for row in rows if row.after and row.after != row.before][-MOST:]
    if not turns:
        return None
    end = turns[-1][0] if job.is_final else max(timezone.now(), turns[-1][0])
    if job.is_final:
        turns = turns[:-1]
    if not turns or end <= turns[0][0]:
        return None
    moments = [at for at, _ in turns] + [end]
    lengths = [later - earlier for earlier, later in pairwise(moments)]
    begin = turns[0][0]
    stretches = _drawn([code for _, code in turns], lengths)
    return Line(stretches, begin, end, inspection.duration(end - begin))


def _drawn(codes: Sequence[str], lengths: Sequence[timedelta]) -> list[Stretch]:
    """What lies between two attempts is narrow, however long nobody ran it again."""
    worked = [
        0.0 if code in _OVER else length.total_seconds() for code, length in zip(codes, lengths, strict=True)
    ]
    wide = [max(LEAST, WIDTH * seconds / (sum(worked) or 1.0)) for seconds in worked]
    shrink, x, drawn = WIDTH / sum(wide), 0.0, []
    for code, length, width in zip(codes, lengths, wide, strict=True):
        word, lasted = states.JOB_STATES[code].word, inspection.duration(length)
        label = f"{word}; again after {lasted}" if code in _OVER else f"{word} for {lasted}"
        drawn.append(Stretch(code.lower(), round(x, 2), round(width * shrink, 2), label))
        x += width * shrink
    return drawn
