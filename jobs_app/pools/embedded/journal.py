"""What the daemon writes down: batches, whole or not at all, and segments, to which it only appends.

A record that cannot be written (the disk is full) stays in memory, in its order, and is tried again; what was
half written is completed by the next try. A line that was torn by the death of a daemon is closed with a
newline by the next one, and skipped by all readers.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from jobs_app.killpoints import reach

from ..base import Event, Refused
from .log import log
from .places import Places
from .wire import Note, decode, encode, read_record, record_line

SEGMENTS_STAY = 24 * 3600.0  # seconds
RECORDS_PER_CHECKPOINT = int(os.environ.get("ROOST_POOL_CHECKPOINT", "20000"))


class Journal:
    def __init__(self, places: Places) -> None:
        self._places = places
        self._segments: dict[str, int] = {}
        self._pending: dict[str, bytearray] = {}
        self.trouble = ""  # why the last flush failed
        self._since_checkpoint = 0

    # -- batches

    def keep(self, token: str, batch: Mapping[str, Any]) -> None:
        """Refused, with nothing left behind, if it cannot be written."""
        path = self._places.batch(token)
        beside = path.with_name(f".{path.name}")
        try:
            with open(beside, "wb") as file:
                file.write(encode(batch))
                file.flush()
                reach("pool.batch-half-kept")
            beside.rename(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
            raise Refused(f"The pool cannot keep the batch in {path.parent}: {error.strerror}.") from error

    def has(self, token: str) -> bool:
        return self._places.batch(token).exists()

    def batches(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for path in sorted(self._places.batches.iterdir(), key=lambda path: path.stat().st_mtime_ns):
            if path.name.startswith("."):
                path.unlink()  # half written by a daemon that died; nobody was told that it is kept
            elif path.suffix == ".json":
                try:
                    yield path.stem, json.loads(path.read_bytes())
                except ValueError as error:
                    log(f"{path} is damaged ({error}); put aside, its jobs are unknown")
                    self.put_aside(path.stem)

    def put_aside(self, token: str) -> None:
        path = self._places.batch(token)
        path.rename(path.with_suffix(".damaged"))

    def drop(self, token: str) -> None:
        self._places.batch(token).unlink(missing_ok=True)

    # -- segments

    def drop_old_segments(self, wanted: Collection[str]) -> None:
        """Those of no batch that nobody has written to for a day: no new batch names one so old."""
        old = time.time() - SEGMENTS_STAY
        for path in list(self._places.events.iterdir()):
            is_free = path.name not in wanted and path.name not in self._pending
            if is_free and path.stat().st_mtime < old:
                self._let_go(path.name)
                path.unlink(missing_ok=True)

    def size(self, segment: str) -> int:
        path = self._places.segment(segment)
        return path.stat().st_size if path.exists() else 0

    def add(self, segment: str, record: Event | Note) -> None:
        self._pending.setdefault(segment, bytearray()).extend(record_line(record))
        self._since_checkpoint += 1

    def flush(self) -> list[str]:
        """Writes what is pending; the segments that grew. `trouble` says why something is pending still."""
        self.trouble = ""
        return [segment for segment in list(self._pending) if self._flush(segment)]

    @property
    def is_behind(self) -> bool:
        return bool(self._pending)

    def _flush(self, segment: str) -> bool:
        pending = self._pending[segment]
        try:
            written = os.write(self._handle(segment), pending)
        except OSError as error:
            self.trouble = f"{self._places.segment(segment)}: {error.strerror}"
            self._let_go(segment)
            return False
        del pending[:written]
        if pending:
            self.trouble = f"{self._places.segment(segment)}: the disk took only {written} bytes"
        else:
            del self._pending[segment]
        return written > 0

    def records(self, segment: str, offset: int) -> Iterator[tuple[int, Event | Note]]:
        """With the place of each in the segment."""
        if not self._places.segment(segment).exists():
            return  # the daemon died before its first record
        with open(self._places.segment(segment), "rb") as file:
            file.seek(offset)
            for line in file:
                record = read_record(line)
                if record is not None:
                    yield offset, record
                offset += len(line)

    # -- checkpoints

    @property
    def wants_checkpoint(self) -> bool:
        return self._since_checkpoint >= RECORDS_PER_CHECKPOINT and not self.is_behind

    def keep_checkpoint(self, works: Mapping[str, Any]) -> None:
        """`works` tells all that has been flushed until now. It is a shortcut: without room there is none."""
        self._since_checkpoint = 0
        offsets = {path.name: path.stat().st_size for path in self._places.events.iterdir()}
        beside = self._places.checkpoint.with_name(".checkpoint")
        with contextlib.suppress(OSError):
            beside.write_bytes(encode({"offsets": offsets, "works": works}))
            reach("pool.before-checkpoint")
            beside.rename(self._places.checkpoint)
            reach("pool.checkpoint")

    def checkpoint(self) -> tuple[dict[str, int], dict[str, Any]]:
        """Offsets and works; both empty if there is none."""
        try:
            known = decode(self._places.checkpoint.read_bytes())
            return known["offsets"], known["works"]
        except (OSError, ValueError, KeyError):
            return {}, {}

    def mend(self) -> None:
        """Closes lines that were torn."""
        for path in self._places.events.iterdir():
            with open(path, "rb+") as file:
                if file.seek(0, os.SEEK_END) and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
                    file.write(b"\n")

    def _handle(self, segment: str) -> int:
        if segment not in self._segments:
            path = self._places.segment(segment)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._segments[segment] = os.open(path, flags, 0o600)
        return self._segments[segment]

    def _let_go(self, segment: str) -> None:
        """The next try opens it anew."""
        handle = self._segments.pop(segment, None)
        if handle is not None:
            os.close(handle)
