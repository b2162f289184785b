from __future__ import annotations

from typing import Any, ClassVar

from jobs_app import parameters as check
from jobs_app.jobdir.layout import ANALYSIS
from jobs_app.script.job import Files, learn
from jobs_app.script.job import Job as Handle

from .job import Job


def anything(value: Any) -> Any:
    """Checked later, against what the script declares."""
    return value


class ScriptJob(Job):
    """A job script: prepare, analysis over slices, synthesis."""

    PARAMETERS: ClassVar = {
        "method": check.line,
        "slices": check.whole(1, check.MOST_SLICES),
        "options": anything,
        "datasets": anything,
        "jobs": anything,
        **check.OF_SLICES,
        "environment": check.environment,
        "caption": check.text,
    }
    LITERAL: ClassVar = frozenset({"options", "datasets", "jobs", "caption"})
    main_step: ClassVar = ANALYSIS

    class Meta:
        proxy = True

    # --- its results, as scripts see them -----------------------------------------------------------------

    @property
    def handle(self) -> Handle:
        """The job as `build` gives it: a text, its id, that knows its files."""
        if self.address:
            learn(self.jobid, self.directory)
        return Handle(self.jobid, self.method or None)

    def load(self, *args: Any, **kwargs: Any) -> Any:
        return self.handle.load(*args, **kwargs)

    def json_load(self, *args: Any, **kwargs: Any) -> Any:
        return self.handle.json_load(*args, **kwargs)

    def output(self, what: str | int | None = None) -> Any:
        return self.handle.output(what)

    @property
    def files(self) -> Files:
        return self.handle.files

    def _count_slices(self) -> None:
        self.slices_total = self.parameters.get("slices", 1)
