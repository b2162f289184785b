"""A file of a job, as a value that one job hands to another."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any, NamedTuple, Optional

from jobs_app.errors import Invalid

from .job import Job, NoJob


class JobWithFile(NamedTuple):
    """`job.withfile(name)` makes one. An option is declared by the class itself, or by `JobWithFile()`."""

    job: str = NoJob
    name: str = ""
    sliced: bool = False
    extra: Any = None

    def filename(self, sliceno: Optional[int] = None) -> str:
        return self._job.filename(self.name, self._checked(sliceno))

    def resolve(self, sliceno: Optional[int] = None) -> str:
        """What `filename` was called in 2020."""
        return self.filename(sliceno)

    @property
    def path(self) -> Path:
        return Path(self.filename())

    def load(self, sliceno: Optional[int] = None, **how: Any) -> Any:
        return self._job.load(self.name, self._checked(sliceno), **how)

    def json_load(self, sliceno: Optional[int] = None, **how: Any) -> Any:
        return self._job.json_load(self.name, self._checked(sliceno), **how)

    def open(self, mode: str = "r", sliceno: Optional[int] = None, **how: Any) -> IO[Any]:
        return self._job.open(self.name, mode, self._checked(sliceno), **how)

    @property
    def _job(self) -> Job:
        return self.job if isinstance(self.job, Job) else Job(self.job)

    def _checked(self, sliceno: Optional[int]) -> Optional[int]:
        if self.sliced and sliceno is None:
            raise Invalid(
                f"{self.name!r} of {self.job} is a file per slice: say which, as in filename(sliceno)."
            )
        if sliceno is not None and not self.sliced:
            raise Invalid(f"{self.name!r} of {self.job} is one file, not one per slice: leave sliceno out.")
        return sliceno
