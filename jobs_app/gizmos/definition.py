"""What a table shows and offers, as the server decided it: signed, so that a browser can hold it and send it
back but not change it. It is good for one person and for the jobs that stood in the table."""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from django.core import signing

from jobs_app.errors import Invalid, NotAllowed

from .actions import Known, opened
from .columns import Column

_SALT = "roost.jobs-table"
DAYS = 30
LONGEST = 7000  # characters; it travels in a header


@dataclass(frozen=True)
class Definition:
    columns: tuple[Column, ...]
    actions: tuple[Any, ...] = ()  # as they are kept
    name: str = "jobs"  # of this table among those of its page
    show_status: bool = True
    detailed: bool = False
    select: bool = False  # a box to choose each row by
    follow: bool = False  # other jobs may come onto this page: newer ones,
    filtered: bool = False  # and those that come to fit by what becomes of them
    results_url: str = ""
    monitor_url: str = ""

    @cached_property
    def known(self) -> list[Known | None]:
        return [opened(each, self.results_url, self.monitor_url) for each in self.actions]

    @property
    def width(self) -> int:
        return len(self.columns) + self.show_status + bool(self.actions) + self.select

    def needs(self, head: str) -> bool:
        return any(column.head == head for column in self.columns)


@dataclass(frozen=True)
class Shown:
    """A definition as it came back, with the jobs that stood in the table."""

    definition: Definition
    ids: tuple[int, ...]


def seal(definition: Definition, ids: list[int], viewer: int | None) -> str:
    said = {**asdict(definition), "columns": [(each.header, each.path) for each in definition.columns]}
    text = signing.dumps([said, ids, viewer], salt=_SALT, compress=True)
    if len(text) > LONGEST:
        raise Invalid(f"This jobs table is too large ({len(text)} characters). Show fewer rows or columns.")
    return text


def unseal(text: str, viewer: int | None) -> Shown:
    try:
        said, ids, whose = signing.loads(text, salt=_SALT, max_age=DAYS * 24 * 3600)
        columns = tuple(Column(header, path) for header, path in said.pop("columns"))
        definition = Definition(columns, tuple(said.pop("actions")), **said)
    except (signing.BadSignature, ValueError, TypeError, KeyError, zlib.error):
        raise NotAllowed("This table is not one of ours, or too old. Load the page again.") from None
    if whose != viewer:
        raise NotAllowed("This table was made for somebody else. Load the page again.")
    return Shown(definition, tuple(ids))
