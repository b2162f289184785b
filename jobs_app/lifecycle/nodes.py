"""The rows of a workflow's nodes: what the last try of each came to, and what is said of one that failed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from jobs_app.models import Attempt, SliceBlock, WorkflowNode
from jobs_app.pools.base import Event, EventKind
from jobs_app.states import SliceState

from .sheet import Sheet
from .workflow import Place, places

_TOLD = (
    EventKind.STARTED,
    EventKind.ENDED,
    EventKind.HELD,
    EventKind.RELEASED,
    EventKind.REMOVED,
    EventKind.SKIPPED,
    EventKind.EVICTED,
)
_COLUMNS = ("tries", "host", "exit_code", "signal", "started", "ended", "reason")


def record(sheet: Sheet) -> None:
    graph = places(sheet.work)
    touched = [(name, event) for event in sheet.events for name in _named(graph, event)]
    names = {name for name, _ in touched}
    rows = WorkflowNode.objects.filter(attempt_id__in=sheet.attempt_ids, name__in=names)
    changed = list(rows)
    for row in changed:
        for name, event in touched:
            if name == row.name:
                _note(row, event)
    WorkflowNode.objects.bulk_update(changed, _COLUMNS, batch_size=200)


def _named(graph: list[Place], event: Event) -> Iterator[str]:
    """The nodes that an event is about."""
    if not event.step or event.kind not in _TOLD:
        return
    number = max(bisect_right(graph, event.slice, key=lambda place: place.first) - 1, 0)
    for place in graph[number:]:
        if place.first >= event.slice + event.count:
            return
        yield place.name


def _note(row: WorkflowNode, event: Event) -> None:
    at = datetime.fromtimestamp(event.at, UTC)
    if event.kind == EventKind.STARTED:
        if event.tries > row.tries:
            row.exit_code = row.signal = None
        row.tries, row.host = max(row.tries, event.tries), event.host[:255] or row.host
        row.started, row.ended, row.reason = row.started or at, None, ""
        return
    row.reason = event.reason or (row.reason if event.kind == EventKind.ENDED else "")
    if event.kind in (EventKind.ENDED, EventKind.REMOVED, EventKind.SKIPPED):
        row.ended = at
    if event.kind == EventKind.ENDED:
        row.tries = max(row.tries, event.tries)
        whole = event.slice <= row.first and event.slice + event.count >= row.first + row.slices
        if event.exit_code or event.signal or row.exit_code is None or whole:
            row.exit_code, row.signal = event.exit_code, event.signal


# --- what is said of it ---------------------------------------------------------------------------------


def failure(attempt: Attempt, number: int, why: str) -> str:
    """`number`: of the first slice that failed, and `why` it did."""
    rows = list(WorkflowNode.objects.filter(attempt_id=attempt.pk).order_by("position"))
    row = next(row for row in rows if row.first <= number < row.first + row.slices)
    failed = sum(1 for _ in _failed(attempt, rows)) - 1
    said = row.reason if row.reason.startswith("Its ") else why
    part = f" in its slice {number - row.first}" if row.slices > 1 and said is why else ""
    text = f"Node {row.name} failed{part}: {said[:1].lower()}{said[1:]}"
    if not failed:
        return text
    return f"{text} ({failed} more node{'s' * (failed > 1)} failed.)"


def _failed(attempt: Attempt, rows: Iterable[WorkflowNode]) -> Iterator[WorkflowNode]:
    blocks = (
        SliceBlock.objects.filter(attempt_id=attempt.pk).order_by("first").values_list("states", flat=True)
    )
    states = b"".join(bytes(block) for block in blocks)
    for row in rows:
        if SliceState.FAILED in states[row.first : row.first + row.slices]:
            yield row
