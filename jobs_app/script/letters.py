"""How a part asks Roost where nobody answers at once: it leaves its request as a file, and ends unfinished.
It is started again when the answer lies beside it, and comes to the same build() by the same way.

.roost/attempts/<n>/requests/<id>.json   what is asked
.roost_answers/<id>.json                 what was answered
.roost_jobs/<job>/                       the directory of a job that it may read
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any, Optional

from jobs_app.jobdir import files
from jobs_app.jobdir.layout import JobPaths

ANSWERS, JOBS = ".roost_answers", ".roost_jobs"


class Waiting(BaseException):
    """The part cannot go on before its request is answered. Nothing that a script catches."""


class Letters:
    """Of one part. A request is known by its place among the part's requests, and by its content."""

    def __init__(self, directory: Path, number: int, part: str) -> None:
        self._directory = directory
        self._attempt = JobPaths(directory).attempt(number)
        self._part = part
        self._numbers = count()

    def __call__(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        text = json.dumps(request, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        name = f"{self._part}-{next(self._numbers)}-{digest}"
        answer = self._directory / ANSWERS / (name + ".json")
        if not answer.exists():
            path = self._attempt.request(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            files.write_json(path, {**request, "id": name, "step": self._part})
            raise Waiting(name)
        return self._arrived(files.read_object(answer))

    def _arrived(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """A job that was built elsewhere lies here."""
        place = job_here(self._directory, answer.get("job", ""))
        return {**answer, "path": place} if place is not None else answer


def job_here(directory: Path, jobid: str) -> Optional[str]:
    place = directory / JOBS / jobid
    return str(place) if jobid and place.is_dir() else None
