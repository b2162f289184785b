"""What the parts of a job printed: a file a part, and of many slices the short ones packed."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Optional, Union

from .files import safe_name
from .layout import PREPARE, SYNTHESIS
from .pack import LARGEST, Pack

Part = Union[str, int]

_PART = re.compile(f"(?:{PREPARE}|{SYNTHESIS}|0|[1-9][0-9]{{0,8}})")


class Output:
    """The OUTPUT folder of one attempt. Only plain files in it: a link may lead anywhere."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pack = Pack(folder)

    def names(self) -> list[Part]:
        """The parts that printed anything: prepare, the slices ascending, synthesis."""
        return sorted({*self._files(), *self._pack.numbers()}, key=_order)

    def _files(self) -> list[Part]:
        try:
            with os.scandir(self.folder) as entries:
                found = [entry.name for entry in entries if _PART.fullmatch(entry.name)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return [int(name) if name.isdecimal() else name for name in found if self._length(name)]

    def parts(self) -> dict[Part, str]:
        """The text of each."""
        return {part: self.text(part) for part in self.names()}

    def text(self, part: Part) -> str:
        """'' for a part that printed nothing."""
        return self.read(part).decode("utf-8", "replace").replace("\r\n", "\n")

    def size(self, part: Part) -> int:
        length = self._length(part)
        if length is not None:
            return length
        place = self._pack.place(int(part)) if _is_number(part) else None
        return place.length if place else 0

    def read(self, part: Part, offset: int = 0, length: int = -1) -> bytes:
        """Bytes of a part from `offset` on; none where there are none (yet)."""
        if self._length(part) is not None:
            try:
                with open(self._path(part), "rb", opener=_open_no_link) as handle:
                    handle.seek(offset)
                    return handle.read(length)
            except FileNotFoundError:  # it was packed meanwhile
                pass
        packed = (self._pack.get(int(part)) if _is_number(part) else None) or b""
        return packed[offset:] if length < 0 else packed[offset : offset + length]

    def _length(self, part: Part) -> Optional[int]:
        """Of its own file; None where there is none."""
        try:
            status = os.lstat(self._path(part))
        except (FileNotFoundError, NotADirectoryError):
            return None
        is_plain = stat.S_ISREG(status.st_mode) and not os.path.islink(self.folder)
        return status.st_size if is_plain else None

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


def _open_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW)


def _order(part: Part) -> tuple[int, int, str]:
    if isinstance(part, int):
        return (1, part, "")
    return ({PREPARE: 0, SYNTHESIS: 2}.get(part, 3), 0, part)
