"""What came of an attempt's parts: which files each sent, and which its record tells of.

A job may have a million slices, and a slice may say that it left a million files: this is a table of SQLite's
that goes to a file of its own, which nobody else sees, as soon as it is large.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from jobs_app.jobdir.layout import PREPARE, SYNTHESIS

# Later parts saw what earlier ones left; slices stand at their numbers.
_PLACES = {PREPARE: -1, SYNTHESIS: 1 << 40}
_NAMES = {place: name for name, place in _PLACES.items()}

_TABLES = """
PRAGMA journal_mode = OFF;
CREATE TABLE record (place INTEGER PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE file (
    place INTEGER, name TEXT, said TEXT, size INTEGER, sha256 TEXT, away INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (place, name)
) WITHOUT ROWID;
CREATE VIEW differing AS SELECT place, name FROM file WHERE said IS NOT size || ' ' || sha256;
CREATE TABLE several (name TEXT PRIMARY KEY) WITHOUT ROWID;
BEGIN;
"""


class Came(NamedTuple):
    """A file of a part."""

    part: str
    name: str
    size: int
    sha256: str
    is_away: bool  # it stays on the pool
    differs: bool  # slices left other contents under this name


class Received:
    def __init__(self) -> None:
        self._table = sqlite3.connect("", isolation_level=None)
        self._table.executescript(_TABLES)

    def close(self) -> None:
        self._table.close()

    def begin(self, part: str) -> None:
        """The part has sent something, if only what it printed."""
        self._table.execute("INSERT OR IGNORE INTO record VALUES (?, '{}')", [_place(part)])

    def keep_record(self, part: str, record: Mapping[str, Any], files: Mapping[str, tuple[int, str]]) -> None:
        place = _place(part)
        self._table.execute("UPDATE record SET content = ? WHERE place = ?", [json.dumps(record), place])
        self._table.execute("UPDATE file SET said = NULL WHERE place = ?", [place])
        rows = ((place, name, f"{size} {sha256}") for name, (size, sha256) in files.items())
        self._table.executemany(
            "INSERT INTO file (place, name, said) VALUES (?, ?, ?)"
            " ON CONFLICT (place, name) DO UPDATE SET said = excluded.said",
            rows,
        )

    def keep_file(self, part: str, name: str, size: int, sha256: str, *, away: bool = False) -> None:
        self._table.execute(
            "INSERT INTO file (place, name, size, sha256, away) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (place, name) DO UPDATE SET"
            " size = excluded.size, sha256 = excluded.sha256, away = excluded.away",
            [_place(part), name, size, sha256, away],
        )

    def forget(self, part: str) -> None:
        """Nothing is taken of it but what it printed."""
        self._table.execute("UPDATE record SET content = '{}' WHERE place = ?", [_place(part)])
        self._table.execute("DELETE FROM file WHERE place = ?", [_place(part)])

    def count(self) -> int:
        """Of parts."""
        return int(self._table.execute("SELECT count(*) FROM record").fetchone()[0])

    def parts(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Each with its record, in the order in which they ran."""
        for place, content in self._table.execute("SELECT place, content FROM record ORDER BY place"):
            yield _part(place), json.loads(content)

    def record(self, part: str) -> dict[str, Any]:
        found = self._table.execute("SELECT content FROM record WHERE place = ?", [_place(part)]).fetchone()
        return dict(json.loads(found[0])) if found else {}

    def without_record(self, first: int, count: int) -> int | None:
        """The first of these slices that sent no record."""
        end = first + count
        told = "SELECT place FROM record WHERE place >= ? AND place < ? AND content <> '{}' ORDER BY place"
        expected = first
        for (place,) in self._table.execute(told, [first, end]):
            if place != expected:
                break
            expected += 1
        return expected if expected < end else None

    def wrong(self) -> Iterator[str]:
        """Parts of which other files came than their records tell."""
        wrong = "SELECT DISTINCT place FROM differing WHERE place > ? ORDER BY place LIMIT 1000"
        last = -2
        while found := self._table.execute(wrong, [last]).fetchall():
            yield from (_part(place) for (place,) in found)
            last = found[-1][0]

    def wrong_names(self, part: str, limit: int) -> list[str]:
        wrong = "SELECT name FROM differing WHERE place = ? ORDER BY name LIMIT ?"
        return [name for (name,) in self._table.execute(wrong, [_place(part), limit])]

    def compare(self, first: int = 0, count: int = 1_000_000_000) -> None:
        """Finds the names under which these slices left different contents."""
        self._table.execute("DELETE FROM several")
        self._table.execute(
            "INSERT INTO several SELECT name FROM file WHERE place BETWEEN ? AND ? GROUP BY name"
            " HAVING min(sha256) <> max(sha256) OR min(size) <> max(size)",
            [first, first + count - 1],
        )

    def files(self, part: str) -> Iterator[Came]:
        found = self._table.execute(
            "SELECT name, size, sha256, away, several.name IS NOT NULL"
            " FROM file LEFT JOIN several USING (name) WHERE place = ?",
            [_place(part)],
        )
        for name, size, sha256, is_away, differs in found:
            yield Came(part, name, size, sha256, bool(is_away), bool(differs) and part.isdigit())


def _place(part: str) -> int:
    return _PLACES[part] if part in _PLACES else int(part)


def _part(place: int) -> str:
    return _NAMES.get(place) or str(place)
