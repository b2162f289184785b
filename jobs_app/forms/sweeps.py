"""A sweep as text: a table (CSV, its first line names the columns), or ranges that are multiplied.

    size, temperature          size = 16, 32, 64
    16, 1.5                    temperature = 1.5 : 3.5 : 0.5
    32, 2.0

A range holds both its ends where steps lead there; a range without step counts by 1.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from dataclasses import dataclass
from decimal import Decimal, DivisionByZero, InvalidOperation

from jobs_app.errors import Invalid

Row = dict[str, str]

_NUMBER = r"\s*([+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,2})?)\s*"
_RANGE = re.compile(f"{_NUMBER}:{_NUMBER}(?::{_NUMBER})?")
_ASSIGNMENT = re.compile(r"\s*([^=,;\t]+?)\s*=(.*)")


@dataclass(frozen=True)
class Sweep:
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


NONE = Sweep((), ())


def read(text: str, most: int) -> Sweep:
    """Invalid, which names the line, for what is no sweep."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return NONE
    sweep = _ranges(lines, most) if _ASSIGNMENT.match(lines[0]) else _table("\n".join(lines), most)
    _refuse_doubles(sweep)
    return sweep


def write(sweep: Sweep) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(sweep.columns)
    writer.writerows([row[column] for column in sweep.columns] for row in sweep.rows)
    return out.getvalue()


# --- ranges ---------------------------------------------------------------------------------------------


def _ranges(lines: list[str], most: int) -> Sweep:
    axes: dict[str, list[str]] = {}
    count = 1
    for line in lines:
        found = _ASSIGNMENT.match(line)
        if not found:
            raise Invalid(f"{line[:80]!r} is no range. Write size = 16, 32 or t = 0.1:1.0:0.1, a line each.")
        if found[1] in axes:
            raise Invalid(f"{found[1]!r} is named twice. Put its values in one line.")
        axes[found[1]] = values(found[2], most)
        count *= len(axes[found[1]])
        _refuse_more(count, most)
    rows = itertools.product(*axes.values())
    return Sweep(tuple(axes), tuple(dict(zip(axes, row, strict=True)) for row in rows))


def values(text: str, most: int) -> list[str]:
    """Of one line: ranges and single values, in any mixture."""
    found: list[str] = []
    for piece in next(csv.reader([text], skipinitialspace=True), []):
        span = _RANGE.fullmatch(piece)
        found += _steps(span[1], span[2], span[3], most) if span else [piece.strip()]
        _refuse_more(len(found), most)
    if not any(found):
        raise Invalid("A name without values. Write size = 16, 32 or t = 0.1:1.0:0.1.")
    return found


def _steps(first: str, last: str, step: str | None, most: int) -> list[str]:
    """In decimal numbers: 0.1 + 0.2 is 0.3 here."""
    start, end = Decimal(first), Decimal(last)
    width = Decimal(step) if step else Decimal(1 if end >= start else -1)
    try:
        number = int((end - start) / width)
    except (DivisionByZero, InvalidOperation):
        raise Invalid(f"{first}:{last}:{step} does not move. Give a step that is not 0.") from None
    if number < 0:
        raise Invalid(f"{first}:{last}:{step} leads away from its end. Turn the sign of the step.")
    _refuse_more(number + 1, most)
    return [format(start + width * k, "f") for k in range(number + 1)]


# --- tables ---------------------------------------------------------------------------------------------


def _table(text: str, most: int) -> Sweep:
    separator = next((mark for mark in "\t;," if mark in text.partition("\n")[0]), ",")
    try:
        lines = list(csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise Invalid(f"This is no table: {error}.") from None
    header, body = [name.strip() for name in lines[0]], lines[1:]
    if "" in header or len(set(header)) < len(header):
        raise Invalid("The first line names the columns: each with a name of its own, none empty.")
    _refuse_more(len(body), most)
    return Sweep(tuple(header), tuple(_row(header, cells, at) for at, cells in enumerate(body, 1)))


def _row(header: list[str], cells: list[str], at: int) -> Row:
    if len(cells) != len(header):
        raise Invalid(f"Row {at} has {len(cells)} values for {len(header)} columns.")
    return {name: cell.strip() for name, cell in zip(header, cells, strict=True)}


def _refuse_more(count: int, most: int) -> None:
    if count > most:
        raise Invalid(f"These are more than {most} jobs at once. Sweep in several steps.")


def _refuse_doubles(sweep: Sweep) -> None:
    seen: dict[tuple[str, ...], int] = {}
    for at, row in enumerate(sweep.rows, 1):
        if (first := seen.setdefault(tuple(row.values()), at)) != at:
            raise Invalid(f"Rows {first} and {at} say the same. Leave one out.")
