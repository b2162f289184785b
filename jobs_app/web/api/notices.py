"""/notices: of what you are told, where, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404
from ninja import Query, Router, Schema, Status
from pydantic import Field

from jobs_app import permissions
from jobs_app.models import Notice
from jobs_app.notices import preferences, sending

from .door import Request, door
from .problems import Refused
from .types import MOST, Given, Number, Text

router = Router(tags=["notices"])


class Preferences(Schema):
    on: list[str] = Field(description="end, failure, held")
    email: bool = Field(description="to the address in your account")
    webhook: str


class NewPreferences(Given):
    on: list[Text] = Field(max_length=10, examples=[["end", "held"]])
    email: bool = False
    webhook: Text = Field(default="", max_length=1000, description="empty: none")
    new_secret: bool = Field(default=False, description="make a new secret also for a webhook that has one")


class Kept(Preferences):
    secret: str | None = Field(description="signs what goes to the webhook, where it is new; shown this once")


class NoticeOut(Schema):
    id: int
    channel: str
    subject: str
    content: dict[str, Any]
    state: str = Field(description="waiting, sent, dead (given up)")
    tries: int
    error: str
    created: datetime
    due: datetime
    sent: datetime | None


class Notices(Schema):
    notices: list[NoticeOut] = Field(description="newest first")
    next: int | None = Field(description="give it as `before` for the next page")


class Before(Schema):
    before: int = Field(default=MOST, ge=1, le=MOST)
    limit: int = Field(default=100, ge=1, le=1000)


@router.get(
    "/notices/preferences",
    response=Preferences,
    auth=door("notices:read"),
    summary="Of what you are told",
)
def told_of(request: Request) -> Any:
    return vars(preferences.of(_user(request)))


@router.put(
    "/notices/preferences",
    response=Kept,
    auth=door("notices:write"),
    summary="Say of what you are told",
)
def keep(request: Request, body: NewPreferences) -> Any:
    """All of it anew. A new webhook has a new secret; `new_secret` makes one for the same webhook."""
    user = _user(request)
    secret = preferences.keep(
        user, body.on, email=body.email, webhook_url=body.webhook, new_secret=body.new_secret
    )
    return {**vars(preferences.of(user)), "secret": secret or None}


@router.get("/notices", response=Notices, auth=door("notices:read"), summary="Your notices")
def listed(request: Request, which: Query[Before]) -> Any:
    rows = Notice.objects.filter(user=_user(request).pk, pk__lt=which.before).order_by("-pk")
    found = list(rows[: which.limit + 1])
    shown, more = found[: which.limit], len(found) > which.limit
    return {"notices": shown, "next": shown[-1].pk if more else None}


@router.post(
    "/notices/{number}/again",
    response={204: None},
    auth=door("notices:write"),
    summary="Send one again that was given up",
)
def again(request: Request, number: Number) -> Any:
    row = Notice.objects.filter(pk=number, user=_user(request).pk).first()
    if row is None:
        raise Http404
    sending.try_again(row)
    return Status(204, None)


def _user(request: Request) -> Any:
    """A service is told of nothing: it has no address."""
    person: Any = request.auth
    user = person.user if isinstance(person, permissions.Caller) else person
    if user is None:
        raise Refused(409, "A service has no notices. Ask for /events instead.")
    return user
