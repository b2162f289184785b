"""Files as one zip, written while it is read: nothing is kept in memory or on disk."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from jobs_app.errors import BadName
from jobs_app.jobdir import files

CHUNK = 1 << 18


class _Sink(io.RawIOBase):
    """What the zip's writer has written since it was last asked. It cannot go back, so nobody seeks."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._pieces.append(piece)
        return len(piece)

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def stream(root: Path, names: Iterable[str]) -> Iterator[bytes]:
    """Stored, not compressed: results mostly are already. What goes meanwhile is left out."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            yield from _one(archive, sink, root, name)
    yield sink.taken()


def _one(archive: zipfile.ZipFile, sink: _Sink, root: Path, name: str) -> Iterator[bytes]:
    try:
        path = files.locate(root, name)  # looked at again, right before it is opened
        source = path.open("rb")
    except (BadName, OSError):
        return
    with source:
        at = time.gmtime(path.stat().st_mtime)[:6]
        entry = zipfile.ZipInfo(name.encode("utf-8", "replace").decode(), max(at, (1980, 1, 1, 0, 0, 0)))
        entry.external_attr = 0o644 << 16
        with archive.open(entry, "w", force_zip64=True) as target:
            while piece := source.read(CHUNK):
                target.write(piece)
                yield sink.taken()
    yield sink.taken()
