"""What somebody looks for in the jobs table: the form's fields, its address, and what listing is asked."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.http import QueryDict
from django.utils import timezone

from jobs_app import listing, states
from jobs_app.errors import Invalid
from jobs_app.parameters import json_mapping

LONGEST = 200
_TERM = re.compile(r"([^\s<>=!,]+?)(<=|>=|!=|=|<|>)([^\s,]+)")
_OPERATORS = {"<=": "$lte", ">=": "$gte", "!=": "$ne", "<": "$lt", ">": "$gt"}
GROUPS = {"active": "Active", "final": "Over"}
DATES = ("created_from", "created_to", "ended_from", "ended_to")
WORDS = {"created_from": "created from", "created_to": "created to", "ended_from": "ended from"}
WORDS |= {"ended_to": "ended to", "point": "state point", "user": "owner"}
_STATUSES = {**GROUPS, **{code: state.word for code, state in states.JOB_STATES.items()}}


@dataclass(frozen=True)
class Chosen:
    """As it was typed, as far as it makes sense; what does not is told in `wrong`."""

    text: str = ""
    status: tuple[str, ...] = ()
    app: str = ""
    template: str = ""
    user: str = ""
    scheduler: str = ""
    created_from: str = ""
    created_to: str = ""
    ended_from: str = ""
    ended_to: str = ""
    point: str = ""
    mine: bool = False
    sort: str = "-created"
    wrong: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, given: QueryDict) -> Chosen:
        wrong: list[str] = []
        plain = {name: _text(given.get(name, ""), name, wrong) for name in _PLAIN}
        status = tuple(dict.fromkeys(code for code in given.getlist("status") if code in _STATUSES))
        days = {name: _day(given.get(name, ""), name, wrong) for name in DATES}
        point = _point(given.get("point", ""), wrong)
        sort = given.get("sort", "")
        known = sort.removeprefix("-") in listing.SORTS
        return cls(
            **plain,
            **days,
            status=status,
            point=point,
            mine=bool(given.get("mine")),
            sort=sort if known else "-created",
            wrong=tuple(wrong),
        )

    @property
    def is_plain(self) -> bool:
        return replace(self, sort="-created") == Chosen()

    @property
    def is_more(self) -> bool:
        """Whether anything of the form's folded part is in use."""
        return replace(self, sort="-created", text="", status=(), mine=False) != Chosen()

    def query(self, **changed: Any) -> str:
        given = replace(self, **changed) if changed else self
        pairs: list[tuple[str, str]] = []
        for each in fields(given):
            value = getattr(given, each.name)
            if each.name == "wrong" or value == each.default:
                continue
            pairs += (
                [(each.name, code) for code in value]
                if each.name == "status"
                else [(each.name, _said(value))]
            )
        return urlencode(pairs)

    @property
    def words(self) -> list[str]:
        """What is filtered by, for people."""
        found = [_STATUSES[code] for code in self.status] + (["mine"] if self.mine else [])
        for name in ("text", "app", "template", "user", "scheduler", *DATES, "point"):
            value = getattr(self, name)
            found += [f"{WORDS.get(name, name)} {value}"] if value else []
        return found

    def wanted(self, person: User) -> listing.Wanted:
        return listing.Wanted(
            status=self.status,
            app=self.app,
            template=self.template,
            user=person.get_username() if self.mine else self.user,
            scheduler=self.scheduler,
            created_after=_start_of(self.created_from),
            created_before=_start_of(self.created_to, days=1),
            ended_after=_start_of(self.ended_from),
            ended_before=_start_of(self.ended_to, days=1),
            statepoint=_read_point(self.point) if self.point else {},
            text=self.text,
            sort=self.sort,
        )


_PLAIN = ("text", "app", "template", "user", "scheduler")


def _said(value: Any) -> str:
    return "1" if value is True else str(value)


def _text(given: str, name: str, wrong: list[str]) -> str:
    text = given.strip()
    if "\0" in text or len(text) > LONGEST or not _storable(text):
        wrong.append(f"{WORDS.get(name, name)}: this is no text that a job could have.")
        return ""
    return text


def _storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _day(given: str, name: str, wrong: list[str]) -> str:
    if not given:
        return ""
    try:
        found = date.fromisoformat(given.strip())
        _start_of(found.isoformat(), days=1)
    except (ValueError, OverflowError):
        wrong.append(f"{WORDS[name]}: {given[:30]!r} is no day. Write it like 2026-11-21.")
        return ""
    return found.isoformat()


def _start_of(day: str, days: int = 0) -> datetime | None:
    """In the reader's zone."""
    if not day:
        return None
    midnight = datetime.fromisoformat(day) + timedelta(days=days)
    return timezone.make_aware(midnight)


def _point(given: str, wrong: list[str]) -> str:
    text = given.strip()
    if not text:
        return ""
    try:
        if len(text) > 10 * LONGEST:
            raise Invalid("it is too long.")
        _read_point(text)
    except Invalid as error:
        wrong.append(f"state point: {error}")
        return ""
    return text


def _read_point(text: str) -> dict[str, Any]:
    """`a=1 b.c<5`, or the same as JSON: {"a": 1, "b.c": {"$lt": 5}}."""
    if text.startswith("{"):
        return _read_json(text)
    found: dict[str, Any] = {}
    for key, operator, value in _TERM.findall(text):
        condition = _value(value) if operator == "=" else {_OPERATORS[operator]: _value(value)}
        former = found.get(key)
        both = isinstance(former, dict) and isinstance(condition, dict)
        found[key] = {**former, **condition} if both else condition  # type: ignore[dict-item]
    if not found or _TERM.sub("", text).strip(" ,\t"):
        raise Invalid("Write it like  a=1 b.c<5  or as JSON.")
    return json_mapping(found)


def _read_json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid('This is no JSON. Write it like {"a": 1, "b.c": {"$lt": 5}}.') from None
    return json_mapping(found)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text.strip("\"'")
