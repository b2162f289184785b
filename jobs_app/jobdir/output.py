"""What the parts of a job printed: a file a part, and of many slices the short ones packed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Union

from .files import safe_name
from .layout import PREPARE, SYNTHESIS
from .pack import LARGEST, Pack

Part = Union[str, int]

_OURS = ("pack", "index")


class Output:
    """The OUTPUT folder of one attempt."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pack = Pack(folder)

    def names(self) -> list[Part]:
        """The parts that printed anything: prepare, the slices ascending, synthesis."""
        return sorted({*self._files(), *self._pack.numbers()}, key=_order)

    def _files(self) -> list[Part]:
        try:
            with os.scandir(self.folder) as entries:
                files = [entry.name for entry in entries if entry.name not in _OURS and entry.stat().st_size]
        except FileNotFoundError:
            return []
        return [int(name) if name.isdecimal() else name for name in files]

    def parts(self) -> dict[Part, str]:
        """The text of each."""
        return {part: self.text(part) for part in self.names()}

    def text(self, part: Part) -> str:
        """'' for a part that printed nothing."""
        return self.read(part).decode("utf-8", "replace").replace("\r\n", "\n")

    def size(self, part: Part) -> int:
        try:
            return self._path(part).stat().st_size
        except FileNotFoundError:
            place = self._pack.place(int(part)) if _is_number(part) else None
            return place.length if place else 0

    def read(self, part: Part, offset: int = 0, length: int = -1) -> bytes:
        """Bytes of a part from `offset` on; none where there are none (yet)."""
        try:
            with open(self._path(part), "rb") as handle:
                handle.seek(offset)
                return handle.read(length)
        except FileNotFoundError:
            packed = (self._pack.get(int(part)) if _is_number(part) else None) or b""
            return packed[offset:] if length < 0 else packed[offset : offset + length]

    def _path(self, part: Part) -> Path:
        return self.folder / safe_name(str(part), what="part").replace("/", "_")

    def pack(self, sliceno: int) -> None:
        """The slice has ended: if what it printed is short, it needs no file of its own any more."""
        path = self.folder / str(sliceno)
        try:
            piece = path.read_bytes() if path.stat().st_size <= LARGEST else b""
        except FileNotFoundError:
            self._pack.remove(sliceno)  # what a try before this one had printed
            return
        if piece:
            self._pack.add(sliceno, piece)
            path.unlink()


def _is_number(part: Part) -> bool:
    return str(part).isdecimal()


def _order(part: Part) -> tuple[int, int, str]:
    if isinstance(part, int):
        return (1, part, "")
    return ({PREPARE: 0, SYNTHESIS: 2}.get(part, 3), 0, part)
