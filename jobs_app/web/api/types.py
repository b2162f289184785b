"""The shapes that several resources share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from ninja import Path, Query, Schema
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field

MOST = 2**63 - 1


def _storable(value: str) -> str:
    if "\0" in value:
        raise ValueError("contains NUL, which no database holds")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("contains half a character (a lone surrogate)") from None
    return value


Text = Annotated[str, AfterValidator(_storable)]
Number = Annotated[int, Field(ge=1, le=MOST)]
Name = Annotated[str, AfterValidator(_storable), Field(min_length=1, max_length=255)]
Moment = AwareDatetime

JobId = Annotated[int, Path(..., ge=1, le=MOST, description="the job's number")]


class Given(Schema):
    """What comes in: a word that is not known is an error, not ignored."""

    model_config = ConfigDict(extra="forbid")


class TemplateRef(Schema):
    name: str
    version: int


class Slices(Schema):
    total: int
    running: int
    done: int
    failed: int
    held: int


class JobOut(Schema):
    id: int
    name: str
    description: str
    app: str
    type: str
    template: TemplateRef | None
    method: str
    user: str | None
    scheduler: str | None
    parent: int | None = Field(description="the job that built it, if you may see that one")
    status: str = Field(description="the code: PEN SUB RUN VAR PAS HLD OTH RES COM ERR ABT VCP")
    state: str = Field(description="the word, or the app's own text")
    message: str
    final: bool
    slices: Slices
    progress: float | None = Field(description="per cent, while a report tells it; else the slices do")
    attempts: int
    priority: int
    created: datetime
    executed: datetime | None
    started: datetime | None
    ended: datetime | None


class ShareOut(Schema):
    group: str
    may: str


class AttemptOut(Schema):
    number: int
    scheduler: str | None
    phase: str
    status: str
    reason: str
    created: datetime
    sent: datetime | None
    started: datetime | None
    ended: datetime | None
    exit_code: int | None
    signal: int | None


class BadgeOut(Schema):
    kind: str = Field(
        description="unknown (to its pool), unreachable, asked (and not done yet), idle (waits)"
    )
    text: str
    since: datetime | None


class CureOut(Schema):
    """Post `slices` and `limits` to .../actions/{action}; other limits will do too."""

    action: str
    text: str
    slices: list[int] | None = Field(description="these; null: the whole job")
    limits: dict[str, int | str] | None


class WhyOut(Schema):
    reason: str
    advice: str
    cures: list[CureOut] = Field(description="the one that helps most first; none for who may not act")


class JobDetail(JobOut):
    jobid: str
    address: str | None
    parameters: dict[str, Any]
    statepoint: dict[str, Any] | None
    extended_properties: dict[str, Any]
    size_bytes: int | None
    badges: list[BadgeOut] = Field(description="what is to be said beside its state, and since when it is so")
    why: WhyOut | None = Field(
        description="of a job that is held, has failed or waits in vain: what can be done"
    )
    may: list[str] = Field(description="what you may do: read, act, edit")
    shares: list[ShareOut]
    after: list[int] = Field(description="jobs that it waits for, as far as you may see them")
    uses: list[int] = Field(description="jobs that it reads, as far as you may see them")
    history: list[AttemptOut] = Field(description="its attempts")


class Problem(Schema):
    """RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""


__all__ = ["Query"]
