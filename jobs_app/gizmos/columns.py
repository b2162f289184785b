"""What stands in a column: an attribute of the job, or a place inside one of its mappings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any

from jobs_app import inspection
from jobs_app.errors import Invalid
from jobs_app.models import Job
from jobs_app.parameters import unknown
from jobs_app.terminal.output import one_line

LONGEST = 300  # characters of a cell

MAPPINGS = ("extended_properties", "statepoint", "parameters", "statuses")
# How far a path leads into other rows. Not to passwords, keys and the like.
REACH = {
    "user": ("username", "first_name", "last_name", "email"),
    "scheduler": ("name",),
    "template": ("name", "version"),
    "project": ("name",),
}
SHOWN_AS = {
    "user": "user.username",
    "scheduler": "scheduler.name",
    "template": "template.name",
    "project": "project.name",
}
HEADERS = {
    "creation_time": "Created",
    "start_time": "Started",
    "completion_time": "Ended",
    "run_time": "Time",
}
HEADERS |= {"execute_time": "Handed over", "user": "Owner", "id": "Id", "status": "State", "label": "App"}
KINDS = {"name": "name", "status": "state", "cached_status": "state", "slices": "slices", "id": "number"}
OURS = ("slices",)  # drawn, not read


@dataclass(frozen=True)
class Column:
    header: str
    path: str

    @property
    def kind(self) -> str:
        return KINDS.get(self.path, "text")

    @property
    def head(self) -> str:
        return self.path.partition(".")[0]


@dataclass(frozen=True)
class Cell:
    column: Column
    job: Job

    @cached_property
    def value(self) -> Any:
        return value_of(self.job, self.column.path)

    @property
    def kind(self) -> str:
        if isinstance(self.value, datetime):
            return "time"
        if isinstance(self.value, timedelta):
            return "duration"
        return "number" if isinstance(self.value, int | float) else self.column.kind

    @property
    def text(self) -> str:
        return shown(self.value)

    @property
    def since(self) -> datetime | None:
        """From when on a time still grows, for a script to count on."""
        return self.job.grows_since if self.column.path == "run_time" else None


def columns(given: Iterable[str | Sequence[str]]) -> tuple[Column, ...]:
    return tuple(_column(each) for each in given)


def _column(given: str | Sequence[str]) -> Column:
    if isinstance(given, str):
        return Column(header_of(given), _checked(given))
    if len(given) != 2 or not all(isinstance(part, str) for part in given):
        raise Invalid(f"{given!r} is no column. Give the name of an attribute, or (header, attribute).")
    header, path = given
    return Column(header, _checked(path))


def header_of(path: str) -> str:
    return HEADERS.get(path) or path.rpartition(".")[2].replace("_", " ").capitalize()


def _checked(path: str) -> str:
    head, _, rest = path.partition(".")
    if head not in _names():
        raise Invalid(unknown("column", path, sorted(_names()), "a jobs table"))
    if rest and head not in MAPPINGS and rest not in REACH.get(head, ()):
        raise Invalid(
            f"The column {path!r} leads nowhere. After a dot may stand: a key of {', '.join(MAPPINGS)}; "
            + "; ".join(f"of {name}: {', '.join(parts)}" for name, parts in REACH.items())
        )
    return path


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    found = {*OURS, "groups"}
    kinds: list[type[Job]] = [Job, *Job.types.values()]
    for kind in kinds:
        found |= {name for name in dir(kind) if _is_readable(kind, name)}
    return frozenset(found)


def _is_readable(kind: type[Job], name: str) -> bool:
    """Fields and properties; no methods, no managers, nothing private."""
    if name.startswith("_") or name in ("objects", "types", "pk"):
        return False
    if name in REACH or isinstance(getattr(kind, name, None), property):
        return True
    return any(field.attname == name for field in kind._meta.concrete_fields)


def value_of(job: Job, path: str) -> Any:
    if path in OURS:
        return ""
    if path == "status":
        return job.cached_status  # asking the row for each would be a query for each
    if path == "groups":
        return ", ".join(group.name for group in job.groups.all())
    head, _, rest = SHOWN_AS.get(path, path).partition(".")
    value = getattr(job, head, None)
    if not rest:
        return value
    return _inside(value, rest) if head in MAPPINGS else getattr(value, rest, None)


def _inside(value: Any, path: str) -> Any:
    for key in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, timedelta):
        return inspection.duration(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = (
        json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else str(value)
    )
    text = one_line(text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
