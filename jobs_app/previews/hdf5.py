"""The groups and datasets of an HDF5 file, and the first rows of the small ones. Links to other files
are named and not followed; neither are datasets that lie in other files."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from .values import LONGEST_CELL, MOST_COLUMNS, MOST_ROWS, Part, Structure, Table, cell, counted

MOST_PARTS = 200
DEEPEST = 12
MOST_TABLES = 12
LARGEST_CHUNK = 64 << 20


def read(path: str) -> Structure:
    with h5py.File(path, "r", locking=False) as file:
        found = _Walk()
        parts = list(found.parts(file, "", 0))
    return Structure(f"HDF5, {counted(len(parts), 'part')} shown", parts, found.cut)


class _Walk:
    def __init__(self) -> None:
        self.cut = False
        self._left, self._tables = MOST_PARTS, MOST_TABLES
        self._seen: set[Any] = set()

    def parts(self, group: Any, before: str, depth: int) -> Iterator[Part]:
        for name in group:
            if self._left <= 0 or depth > DEEPEST:
                self.cut = True
                return
            self._left -= 1
            yield from self._one(group, name, f"{before}/{name}", depth)

    def _one(self, group: Any, name: str, place: str, depth: int) -> Iterator[Part]:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            yield Part(cell(place), "a link, not followed")
            return
        found = group.get(name)
        if isinstance(found, h5py.Group):
            yield Part(cell(place), "group" + _attributes(found))
            yield from self._inside(found, place, depth)
        elif isinstance(found, h5py.Dataset):
            yield self._dataset(found, place)
        else:
            yield Part(cell(place), type(found).__name__)

    def _inside(self, found: Any, place: str, depth: int) -> Iterator[Part]:
        """A group may have itself within it."""
        key = h5py.h5o.get_info(found.id)
        if (key.fileno, key.addr) not in self._seen:
            self._seen.add((key.fileno, key.addr))
            yield from self.parts(found, place, depth + 1)

    def _dataset(self, found: Any, place: str) -> Part:
        shape = " × ".join(map(str, found.shape or ())) or "one value"
        about = f"{shape} of {cell(str(found.dtype))}{_attributes(found)}"
        if found.external or found.is_virtual:
            return Part(cell(place), f"{about}; it lies in another file, and is not read")
        if self._tables <= 0 or not _is_small(found):
            return Part(cell(place), about)
        self._tables -= 1
        return Part(cell(place), about, _table(found))


def _attributes(found: Any) -> str:
    number = len(found.attrs)
    return f", {number} attribute{'s' if number != 1 else ''}" if number else ""


def _is_small(found: Any) -> bool:
    """What has to be unpacked for the first rows."""
    if found.shape is None or found.dtype.itemsize > 1 << 16 or len(found.shape) > 2:
        return False
    chunk = math.prod(found.chunks or (1,)) * found.dtype.itemsize
    wide = found.shape[1] if len(found.shape) == 2 else 1
    across = -(
        -min(wide, MOST_COLUMNS) // (found.chunks[1] if found.chunks and len(found.chunks) > 1 else wide or 1)
    )
    return bool(chunk * max(1, across) <= LARGEST_CHUNK)


def _table(found: Any) -> Table:
    if found.shape == ():
        return Table(["value"], [[_shown(found[()])]])
    names = found.dtype.names
    data = found[:MOST_ROWS, :MOST_COLUMNS] if len(found.shape) == 2 else found[:MOST_ROWS]
    if names and data.ndim == 1:
        columns = {str(name): data[name] for name in names[:MOST_COLUMNS]}
    elif data.ndim == 2:
        columns = {str(place): data[:, place] for place in range(data.shape[1])}
    else:
        columns = {"value": data}
    rows = [[_shown(value) for value in row] for row in zip(*columns.values(), strict=True)]
    numbers = {
        name: _numbers(column)
        for name, column in columns.items()
        if column.dtype.kind in "iuf" and column.ndim == 1
    }
    width = len(names) if names else found.shape[1] if len(found.shape) == 2 else 1
    return Table(
        [cell(name) for name in columns],
        rows,
        [],
        found.shape[0] > len(rows),
        max(0, width - MOST_COLUMNS),
        numbers,
    )


def _numbers(column: Any) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in column]


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return cell(value[:LONGEST_CELL].decode("utf-8", "replace"))
    return cell(str(value))
