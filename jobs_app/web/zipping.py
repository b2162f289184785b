"""Files as one zip, written while it is read: nothing is kept in memory or on disk.

What stayed on a pool is brought meanwhile, after all that is here. What cannot be had is named in the zip,
with the reason.
"""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from jobs_app.errors import BadName
from jobs_app.jobdir import files
from jobs_app.models import Job

from . import away

CHUNK = 1 << 18
MISSING = "NOT IN THIS ZIP.txt"
PATIENCE = 600.0  # seconds for each file that is brought


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


def stream(job: Job, names: Iterable[str]) -> Iterator[bytes]:
    """Stored, not compressed: results mostly are already."""
    sink, missing = _Sink(), dict[str, str]()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        later = []
        for name in names:
            if away.is_here(job, name):
                yield from _one(archive, sink, job.directory, name, missing)
            else:
                later.append(name)
        for name in _brought(job, later, missing):
            yield from _one(archive, sink, job.directory, name, missing)
        if missing:
            archive.writestr(MISSING, _said(missing))
    yield sink.taken()


def _brought(job: Job, names: Iterable[str], missing: dict[str, str]) -> Iterator[str]:
    """Where a pool gives no answer once, nobody waits for each of its files."""
    silent = ""
    for name in names:
        if silent:
            missing[name] = silent
            continue
        try:
            away.bring(job, name, PATIENCE)
        except away.SILENT as error:
            silent = missing[name] = str(error)
        except away.TROUBLES as error:
            missing[name] = str(error)
        else:
            yield name


def _said(missing: dict[str, str]) -> str:
    return "".join(f"{name}: {why}\n" for name, why in missing.items())


def _one(
    archive: zipfile.ZipFile, sink: _Sink, root: Path, name: str, missing: dict[str, str]
) -> Iterator[bytes]:
    try:
        path = files.locate(root, name)  # looked at again, right before it is opened
        source = path.open("rb")
    except (BadName, OSError) as error:
        missing[name] = "It has gone meanwhile." if isinstance(error, FileNotFoundError) else str(error)
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
