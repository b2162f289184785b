"""/results: what jobs put among the results, of all jobs that one may see."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from jobs_app.errors import Invalid
from jobs_app.models import ResultLink
from jobs_app.web.results import linked

from .door import Request, door
from .types import MOST, Text

router = Router(tags=["results"])


class ResultOut(Schema):
    name: str
    header: str
    description: str
    app: str
    job: int
    filename: str = Field(description="among the job's files")
    url: str = Field(description="of the file, for a browser that has signed in")
    at: datetime = Field(description="when it was put here, or took over the name")


class Results(Schema):
    results: list[ResultOut] = Field(description="newest first")
    next: str | None = Field(description="give it as `cursor` for the next page; null at the end")


class Wanted(Schema):
    find: Text = Field(default="", max_length=200, description="in the name, header or description")
    app: Text = Field(default="", max_length=255)
    cursor: Text = Field(default="", max_length=100)
    limit: int = Field(default=50, ge=1, le=1000)


@router.get("/results", response=Results, auth=door("files:read"), summary="What jobs put among the results")
def results(request: Request, wanted: Query[Wanted]) -> Any:
    """Of all jobs that you may see."""
    rows = linked(request.auth, wanted.find)
    if wanted.app:
        rows = rows.filter(app=wanted.app)
    if wanted.cursor:
        at, pk = _read(wanted.cursor)
        rows = rows.filter(Q(at__lt=at) | Q(at=at, pk__lt=pk))
    found = list(rows[: wanted.limit + 1])
    shown, more = found[: wanted.limit], len(found) > wanted.limit
    return {"results": [_result(link) for link in shown], "next": _cursor(shown[-1]) if more else None}


def _result(link: ResultLink) -> dict[str, Any]:
    same = ("name", "header", "description", "app", "filename", "at")
    url = reverse("job-file", args=[link.job_id, link.filename])
    return {"job": link.job_id, "url": url, **{name: getattr(link, name) for name in same}}


def _cursor(link: ResultLink) -> str:
    return f"{link.at.isoformat()}/{link.pk}"


def _read(text: str) -> tuple[datetime, int]:
    at, _, pk = text.partition("/")
    try:
        moment, number = datetime.fromisoformat(at), int(pk)
        aware = timezone.is_aware(moment) and moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _wrong() from None
    if not aware or not 0 < number <= MOST:
        raise _wrong()
    return aware, number


def _wrong() -> Invalid:
    return Invalid("This cursor is none of this list. Give `next` of the page before.")
