"""The first rows of a CSV or TSV file."""

from __future__ import annotations

import csv
import io
import itertools
import math

from .values import MOST_COLUMNS, MOST_ROWS, Table, Unreadable, cell

MOST_PLOTTED = 2_000
LONGEST_NUMBER = 40


def read(data: bytes, *, whole: bool, separator: str = "") -> Table:
    """`data`: the beginning of the file, `whole` if that is all of it."""
    text = data.decode("utf-8", "replace").removeprefix("﻿")
    if not whole:
        text = text[: text.rfind("\n") + 1] or text
    reader = csv.reader(io.StringIO(text.replace("\0", "")), delimiter=separator or _separator(text))
    try:
        rows = list(itertools.islice(reader, MOST_PLOTTED + 1))
        more = next(reader, None) is not None
    except csv.Error as error:
        raise Unreadable(f"It is no table that can be read: {error}.") from error
    if not rows:
        raise Unreadable("It is empty.")
    head, rows = _head(rows)
    cut = len(rows) > MOST_ROWS or more or not whole
    shown = [[cell(value) for value in row[:MOST_COLUMNS]] for row in rows[:MOST_ROWS]]
    names = [cell(name) for name in head]
    return Table(
        names[:MOST_COLUMNS],
        shown,
        cut_rows=cut,
        cut_columns=max(0, len(names) - MOST_COLUMNS),
        numbers=numeric(names[:MOST_COLUMNS], rows),
    )


def _separator(text: str) -> str:
    first = text.partition("\n")[0]
    return max(",;\t|", key=first.count) if any(sign in first for sign in ",;\t|") else ","


def _head(rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """A first row without any number is the names."""
    first = rows[0]
    if len(rows) > 1 and any(first) and not any(number(value) is not None for value in first):
        return first, rows[1:]
    width = max(len(row) for row in rows[:MOST_ROWS])
    return [str(place + 1) for place in range(width)], rows


def number(text: str) -> float | None:
    text = text.strip()
    if not text or len(text) > LONGEST_NUMBER or text[0].isalpha() or "_" in text:
        return None
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def numeric(names: list[str], rows: list[list[str]]) -> dict[str, list[float | None]]:
    """The columns that are almost all numbers."""
    found: dict[str, list[float | None]] = {}
    for place, name in enumerate(names):
        values = [number(row[place]) if place < len(row) else None for row in rows]
        known = sum(value is not None for value in values)
        if known >= 2 and known >= 0.9 * len(values):
            found[name] = values
    return found
