"""What a script returned, if it is small and plain. Nothing of it is executed: a pickle that names a class
or a function is not read."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

from jobs_app import inspection
from jobs_app.models import Job

LARGEST = 2000  # bytes of the pickle
LONGEST = 200  # letters
PLAIN = (bool, int, float, str, dict, list, tuple)


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} is not plain")


def result_of(job: Job) -> str:
    """ "3.14159"; "" for none, or one that would need its script or more than a line."""
    if not inspection.has_directory(job) or not job.is_final:
        return ""
    value = _read(job.directory / "result.pickle")
    text = repr(value) if isinstance(value, PLAIN) else ""
    return text if len(text) <= LONGEST else ""


def _read(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        return _Plain(io.BytesIO(data)).load() if len(data) <= LARGEST else None
    except (OSError, pickle.UnpicklingError, EOFError, ValueError, LookupError, AttributeError, TypeError):
        return None
