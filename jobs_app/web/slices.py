"""A job's slices as a grid: blocks with their counts first, a block opened, then single slices. One byte a
slice is read, whatever the number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from jobs_app import inspection, situation
from jobs_app.models import Job
from jobs_app.situation import Slice
from jobs_app.states import SliceState

from . import current
from .parts import number
from .security import Request, job_for

COLUMNS = 32
MOST_CELLS = 256
PAGE = 50
WIDE, HIGH, GAP = 20, 20, 3
FILTERS = ("failed", "held", "running")
# From the bottom of a cell to its top.
_ORDER = ("failed", "held", "removed", "suspended", "running", "done", "skipped", "waiting")
_USUAL = ("done", "waiting", *(name for name in _ORDER if name not in ("done", "waiting")))
_BYTES = {name: SliceState[name.upper()].to_bytes() for name in _ORDER}


@dataclass(frozen=True)
class Level:
    """A coloured part of a cell."""

    name: str
    y: float
    height: float


@dataclass(frozen=True)
class Cell:
    first: int
    count: int
    x: int
    y: int
    counts: dict[str, int]
    levels: tuple[Level, ...]
    label: str
    url: str

    @property
    def markup(self) -> SafeString:
        """Written here: there are hundreds, and a template would take as long as all the rest of a page."""
        rects = "".join(
            f'<rect class="{level.name}" x="{self.x}" y="{level.y:g}" width="{WIDE}"'
            f' height="{level.height:g}"/>'
            for level in self.levels
        )
        link = f'<a href="{escape(self.url)}"><title>{self.label}</title>{rects}</a>'
        return mark_safe(link)  # noqa: S308 - names of states and numbers


@dataclass(frozen=True)
class Grid:
    step: str
    first: int
    count: int
    total: int
    each: int
    cells: list[Cell]
    legend: list[tuple[str, int, str]]

    @property
    def last(self) -> int:
        return self.first + self.count - 1

    @property
    def whole(self) -> bool:
        return self.count >= self.total

    @property
    def width(self) -> int:
        return min(COLUMNS, max(1, len(self.cells))) * (WIDE + GAP)

    @property
    def height(self) -> int:
        return -(-len(self.cells) // COLUMNS) * (HIGH + GAP)


def grid(job: Job, step: str = "", first: int = 0, count: int | None = None) -> Grid | None:
    """None where the step has no slices yet."""
    step = step or job.main_step
    total = job.slice_counts(step).total
    if not total:
        return None
    first = min(first, total - 1)
    count = min(count or total, total - first)
    states = job.slice_states(step, first, count)
    each = _nice(-(-count // MOST_CELLS))
    block = address(job, step=step)
    cells = [
        _cell(block, place, first + start, states[start : start + each])
        for place, start in enumerate(range(0, len(states), each))
    ]
    legend = [(name, sum(cell.counts[name] for cell in cells)) for name in reversed(_ORDER)]
    return Grid(step, first, count, total, each, cells, [(name, n, colour(name)) for name, n in legend if n])


def _nice(number: int) -> int:
    """The next of 1, 2, 5, 10, 20, ..."""
    power = 1
    while True:
        for step in (1, 2, 5):
            if step * power >= number:
                return step * power
        power *= 10


def _cell(block: str, place: int, first: int, states: bytes) -> Cell:
    """`block`: the address of a block, without where it begins."""
    counts = _counts(states)
    words = ", ".join(f"{n} {name}" for name, n in counts.items() if n)
    one = len(states) == 1
    label = f"slice {first}: {words[2:]}" if one else f"slices {first} to {first + len(states) - 1}: {words}"
    x, y = place % COLUMNS * (WIDE + GAP), place // COLUMNS * (HIGH + GAP)
    url = f"{block}&first={first}&count={len(states)}"
    return Cell(first, len(states), x, y, counts, _levels(counts, len(states), y), label, url)


def _counts(states: bytes) -> dict[str, int]:
    """From the bottom to the top of a cell. The usual states go first."""
    found, rest = dict.fromkeys(_ORDER, 0), states
    for name in _USUAL:
        if rest:
            others = rest.translate(None, _BYTES[name])  # `count` is slow where much is found
            found[name] = len(rest) - len(others)
            rest = others
    return found


def _levels(counts: dict[str, int], total: int, top: int) -> tuple[Level, ...]:
    """What is rare shows all the same: one that failed among thousands is what one looks for."""
    heights = {name: max(HIGH * n / total, 3.0) for name, n in counts.items() if n}
    shrink = HIGH / sum(heights.values())
    levels, bottom = [], float(top + HIGH)
    for name, height in heights.items():
        bottom -= height * shrink
        levels.append(Level(colour(name), round(bottom, 2), round(height * shrink, 2)))
    return tuple(levels)


def colour(state: str) -> str:
    """The class of a state's colour. `waiting` is that of a place whose content is on its way."""
    return "idle" if state == "waiting" else state


def address(job: Job, **given: Any) -> str:
    query = urlencode({name: value for name, value in given.items() if value not in ("", None)})
    return reverse("job-slices", args=[job.pk]) + (f"?{query}" if query else "")


# --- the page ---------------------------------------------------------------------------------------------


@require_safe
def slices_page(request: Request, pk: int) -> HttpResponse:
    job = job_for(request.user, pk)
    etag = current.version(job, request)
    if same := current.unchanged(request, etag):
        return same
    steps = [name for name, _ in inspection.steps(job)]
    step = request.GET.get("step", "")
    step = step if step in steps else job.main_step
    chosen = request.GET.get("state", "")
    first = number(request.GET.get("first", ""), 0)
    drawn = grid(job, step, first, number(request.GET.get("count", ""), 0) or None)
    context = {
        "job": job,
        "here": "slices",
        "grid": drawn,
        "steps": [(name, address(job, step=name)) for name in steps],
        "step": step,
        "filters": _filters(job, step, chosen),
        "chosen": chosen,
        **_rows(job, drawn, chosen, first),
    }
    return current.page(request, "jobs/slices.html", etag, context)


def _filters(job: Job, step: str, chosen: str) -> list[tuple[str, int, str, bool]]:
    counts = vars(job.slice_counts(step))
    return [(name, counts[name], address(job, step=step, state=name), name == chosen) for name in FILTERS]


def _rows(job: Job, drawn: Grid | None, chosen: str, first: int) -> dict[str, Any]:
    if drawn is None:
        return {"rows": []}
    if chosen in FILTERS:
        some = situation.slices_in(job, SliceState[chosen.upper()], drawn.step, first, PAGE + 1)
        found, rest = some[:PAGE], some[PAGE:]
        more = address(job, step=drawn.step, state=chosen, first=rest[0].number) if rest else ""
    else:
        found = situation.slices(job, drawn.step, drawn.first, min(PAGE, drawn.count))
        left = drawn.count - PAGE
        more = address(job, step=drawn.step, first=drawn.first + PAGE, count=left) if left > 0 else ""
    return {"rows": rows_of(job, drawn.step, found), "more": more}


def rows_of(job: Job, step: str, found: Sequence[Slice]) -> list[dict[str, Any]]:
    return [_row(job, step, each) for each in found]


def _row(job: Job, step: str, each: Slice) -> dict[str, Any]:
    part = str(each.number) if step == job.main_step else step
    took = each.end - each.start if each.start and each.end else None
    return {
        "number": each.number,
        "state": each.state.name.lower(),
        "colour": colour(each.state.name.lower()),
        "host": each.host,
        "tries": each.tries,
        "start": moment(each.start),
        "end": moment(each.end),
        "took": f"{took:.1f} s" if took is not None else "",
        "ending": _ending(each),
        "memory": _of(each.memory_used, each.memory, "MB"),
        "share": min(100, round(100 * each.memory_used / each.memory))
        if each.memory_used and each.memory
        else 0,
        "log": reverse("job-output", args=[job.pk]) + f"?{urlencode({'part': part})}",
    }


def _ending(each: Slice) -> str:
    if each.signal:
        return f"signal {each.signal}"
    return "" if each.exit_code is None else f"exit {each.exit_code}"


def _of(used: float | None, asked: float | None, unit: str) -> str:
    if not used and not asked:
        return ""
    return f"{used or '?'} of {asked} {unit}" if asked else f"{used} {unit}"


def moment(seconds: float | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (ValueError, OverflowError, OSError):  # a record that a node wrote
        return None
