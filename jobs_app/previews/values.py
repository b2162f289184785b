"""What a preview is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MOST_ROWS = 100
MOST_COLUMNS = 50
LONGEST_CELL = 200


class Unreadable(Exception):
    """In words for the reader of the page."""


@dataclass(frozen=True)
class Table:
    columns: list[str]
    rows: list[list[str]]
    kinds: list[str] = field(default_factory=list)
    cut_rows: bool = False  # there are more
    cut_columns: int = 0
    numbers: dict[str, list[float | None]] = field(default_factory=dict)  # to be plotted


@dataclass(frozen=True)
class Part:
    """A named thing in a file: a group, a dataset, a table."""

    name: str
    about: str
    table: Table | None = None


@dataclass(frozen=True)
class Structure:
    about: str
    parts: list[Part]
    cut: bool = False


def counted(number: int, thing: str) -> str:
    """ "1 key", "2 keys" """
    return f"{number} {thing}{'' if number == 1 else 's'}"


def cell(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value) if value is not None else ""
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= LONGEST_CELL else text[:LONGEST_CELL] + "…"
