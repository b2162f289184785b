"""Where a command writes: for people (in a terminal), plain (in a pipe), or JSON (--json)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

Row = Mapping[str, Any]


def plainly(value: Any) -> str:
    return "" if value is None else str(value)


@dataclass(frozen=True)
class Column:
    """`key` finds the value in a row; `shown` makes a text of it."""

    title: str
    key: str
    shown: Callable[[Any], str] = plainly
    right: bool = False
    style: Callable[[Any], str] | str = ""

    def style_of(self, value: Any) -> str:
        return self.style if isinstance(self.style, str) else self.style(value)


class Output:
    def __init__(self, stream: Any, errors: Any = None, *, as_json: bool = False) -> None:
        self.stream: TextIO = _bare(stream)
        self.errors: TextIO = _bare(errors or sys.stderr)
        self.as_json = as_json
        self.fancy = not as_json and self.stream.isatty()

    @cached_property
    def console(self) -> Console:
        from rich.console import Console

        return Console(file=self.stream, highlight=False, soft_wrap=False)

    @cached_property
    def _error_console(self) -> Console:
        from rich.console import Console

        return Console(file=self.errors, highlight=False)

    # --- values -----------------------------------------------------------------------------------------

    def table(self, columns: Sequence[Column], rows: Iterable[Row], empty: str = "") -> None:
        if self.as_json:
            self.json(list(rows))
        elif self.fancy:
            self._rich_table(columns, list(rows), empty)
        else:
            self._plain_table(columns, rows)

    def fields(self, pairs: Iterable[tuple[str, Any]]) -> None:
        """Names and values, one a line. (As JSON a command writes its own value.)"""
        if self.fancy:
            self._rich_fields(pairs)
        else:
            for name, value in pairs:
                self.write(f"{name}\t{one_line(plainly(value))}\n")

    def json(self, value: Any) -> None:
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
        self.write(text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n")  # JSON's own escapes

    # --- words ------------------------------------------------------------------------------------------

    def say(self, text: str, style: str = "") -> None:
        """For people: nothing of it appears in JSON."""
        if self.as_json:
            return
        text = harmless(text)
        if self.fancy:
            self.console.print(text, style=style or None, markup=False)
        else:
            self.write(text + "\n")

    def warn(self, text: str) -> None:
        text = harmless(text)
        if self.errors.isatty():
            self._error_console.print(text, style="red", markup=False)
        else:
            self.errors.write(text + "\n")

    def write(self, text: str) -> None:
        self.stream.write(text)

    # --- how --------------------------------------------------------------------------------------------

    def _plain_table(self, columns: Sequence[Column], rows: Iterable[Row]) -> None:
        for row in rows:
            cells = (one_line(column.shown(row.get(column.key))) for column in columns)
            self.write("\t".join(cells) + "\n")

    def _rich_table(self, columns: Sequence[Column], rows: Sequence[Row], empty: str) -> None:
        from rich.table import Table
        from rich.text import Text

        if not rows:
            self.say(empty, "dim")
            return
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        for column in columns:
            justify = "right" if column.right else "left"
            table.add_column(column.title, justify=justify, overflow="fold", no_wrap=column.right)  # type: ignore[arg-type]
        for row in rows:
            values = [(column, row.get(column.key)) for column in columns]
            table.add_row(
                *(Text(one_line(column.shown(value)), column.style_of(value)) for column, value in values)
            )
        self.console.print(table)

    def _rich_fields(self, pairs: Iterable[tuple[str, Any]]) -> None:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(style="dim")
        table.add_column(overflow="fold")
        for name, value in pairs:
            table.add_row(name, Text(harmless(plainly(value))))
        self.console.print(table)


def _bare(stream: Any) -> Any:
    """Django wraps the streams of commands, and the wrapper ends each piece of a line with a newline."""
    return getattr(stream, "_out", stream)


def one_line(text: str) -> str:
    """A cell of plain text: what would end it or begin another one is written as an escape."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _escape(letter) for letter in text)


def harmless(text: str) -> str:
    """Lines of text from elsewhere: what would steer the terminal is written as an escape."""
    return "".join(letter if letter in "\n\t" else one_line(letter) for letter in text)


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode()
