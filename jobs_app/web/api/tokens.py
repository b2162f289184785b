"""/tokens: make, list, revoke."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.http import Http404
from django.utils import timezone
from ninja import Router, Schema, Status
from pydantic import Field

from jobs_app import permissions, tokens
from jobs_app.models import ApiToken

from .door import Request, door
from .types import Given, Text

router = Router(tags=["tokens"])


class TokenOut(Schema):
    prefix: str
    name: str
    scopes: list[str]
    owner: str | None = Field(description="null: a service's")
    app: str
    created: datetime
    expires: datetime | None
    revoked: datetime | None
    last_used: datetime | None


class NewTokenOut(TokenOut):
    token: str = Field(description="shown this once")


class NewToken(Given):
    name: Text = Field(min_length=1, max_length=100)
    scopes: list[Text] = Field(min_length=1, max_length=20, examples=[["jobs:read", "files:read"]])
    days: int | None = Field(default=90, ge=1, le=3650, description="until it expires; null: never")


@router.get("/tokens", response=list[TokenOut], auth=door("tokens:read"), summary="Your tokens")
def listed(request: Request) -> Any:
    return [_token(row) for row in tokens.of(request.auth).select_related("owner")]


@router.post("/tokens", response={201: NewTokenOut}, auth=door("tokens:write"), summary="Make a token")
def make(request: Request, body: NewToken) -> Any:
    """It can do what you can, as far as its scopes reach. One made with a token can do no more than that."""
    expires = timezone.now() + timedelta(days=body.days) if body.days else None
    tokens.refuse_more(request.auth, body.scopes, expires)
    user, app = _owner(request.auth)
    row, text = tokens.make(body.name, user, body.scopes, expires=expires, app=app, by=request.auth)
    return Status(201, {**_token(row), "token": text})


def _owner(person: Any) -> tuple[Any, str]:
    return (person.user, person.app) if isinstance(person, permissions.Caller) else (person, "")


@router.delete("/tokens/{prefix}", response={204: None}, auth=door("tokens:write"), summary="Revoke a token")
def revoke(request: Request, prefix: Text) -> Any:
    row = tokens.of(request.auth).filter(prefix=prefix).first()
    if row is None:
        raise Http404
    tokens.revoke(row, request.auth)
    return Status(204, None)


def _token(row: ApiToken) -> dict[str, Any]:
    same = ("prefix", "name", "scopes", "app", "created", "expires", "revoked", "last_used")
    owner = row.owner.get_username() if row.owner else None
    return {"owner": owner, **{name: getattr(row, name) for name in same}}
