"""What running parts say of themselves, as their pool told it: kept where it lies for parts that run here."""

from __future__ import annotations

from collections.abc import Sequence

from jobs_app.jobdir import files
from jobs_app.jobdir.layout import AttemptPaths
from jobs_app.models import Attempt
from jobs_app.pools.base import Event, EventKind


def keep(events: Sequence[Event], scheduler: int | None = None) -> None:
    said = {(event.attempt, event.data["says"]): event for event in events if event.kind == EventKind.SAYING}
    if not said:
        return
    rows = Attempt.objects.filter(token__in={token for token, _ in said}).select_related("job__project")
    if scheduler is not None:
        rows = rows.filter(scheduler=scheduler)
    paths = {row.token: row.job.paths.attempt(row.number) for row in rows}
    for (token, part), event in said.items():
        if token in paths and paths[token].root.is_dir():
            _write(paths[token], part, event)


def _write(paths: AttemptPaths, part: str, event: Event) -> None:
    path = paths.root / "status" / part
    lines = event.data["lines"]
    if not lines:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(exist_ok=True)
    stack = [{"text": text, "since": event.at, "line": 0} for text in lines]
    files.write_json(path, {"pid": 0, "stack": stack})
