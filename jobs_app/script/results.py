"""What prepare and the slices returned: kept for the later steps, as pickles that Python 3.9 reads."""

from __future__ import annotations

import io
import os
import pickle
from collections import defaultdict
from pathlib import Path
from typing import Any

from jobs_app.errors import Invalid
from jobs_app.jobdir import files
from jobs_app.jobdir.layout import ANALYSIS, PREPARE, AttemptPaths
from jobs_app.jobdir.pack import FROM_SLICES, LARGEST, Pack

from .current import PICKLE_PROTOCOL


class Unstorable(Invalid):
    """A result that cannot be written down."""


class Results:
    """Of an attempt with so many slices; of many slices the small results are packed."""

    def __init__(self, attempt: AttemptPaths, slices: int) -> None:
        self._attempt = attempt
        self._pack = Pack(attempt.root / "results") if slices >= FROM_SLICES else None

    def store(self, step: str, sliceno: int, result: Any, title: str) -> None:
        data = pickled(result, title)
        path = self._attempt.result(step, sliceno)
        if step != ANALYSIS or self._pack is None:
            _write(path, data)
        elif len(data) <= LARGEST:
            self._pack.add(sliceno, data)
            path.unlink(missing_ok=True)
        else:
            _write(path, data)
            self._pack.remove(sliceno)

    def load(self, step: str, sliceno: int = 0) -> Any:
        packed = self._pack.get(sliceno) if self._pack is not None and step == ANALYSIS else None
        if packed is not None:
            return pickle.loads(packed)
        with open(self._attempt.result(step, sliceno), "rb") as handle:
            return pickle.load(handle)


def keep(path: Path, result: Any, title: str) -> None:
    _write(path, pickled(result, title))


def _write(path: Path, data: bytes) -> None:
    try:
        files.write_bytes(path, data)
    except FileNotFoundError:
        os.makedirs(path.parent, exist_ok=True)
        files.write_bytes(path, data)


def pickled(result: Any, title: str) -> bytes:
    try:
        return pickle.dumps(result, PICKLE_PROTOCOL)
    except Exception as error:  # noqa: BLE001 - pickle raises anything; a plainer form may be possible
        return _pickled_plainly(result, title, error)


class _Plain(pickle.Pickler):
    """Makes every defaultdict a dict: its factory is mostly a lambda, and has done its work."""

    def reducer_override(self, value: Any) -> Any:
        return (dict, (dict(value),)) if isinstance(value, defaultdict) else NotImplemented


def _pickled_plainly(result: Any, title: str, first: Exception) -> bytes:
    buffer = io.BytesIO()
    try:
        _Plain(buffer, PICKLE_PROTOCOL).dump(result)
    except Exception:  # noqa: BLE001 - the first error is the one to report
        advice = " What prepare sets in globals does not reach analysis either." if title == PREPARE else ""
        raise Unstorable(
            f"The result of {title}, {files.show(result)} of type {type(result).__name__}, cannot be "
            f"stored: {first}. Return values of plain types, or what pickle can write.{advice}"
        ) from first
    return buffer.getvalue()
