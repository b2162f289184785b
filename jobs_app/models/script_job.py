from __future__ import annotations

from typing import Any, ClassVar

from jobs_app import parameters as check
from jobs_app.jobdir.layout import ANALYSIS

from .job import Job


def anything(value: Any) -> Any:
    """Checked later, against what the script declares."""
    return value


class ScriptJob(Job):
    """A job script: prepare, analysis over slices, synthesis."""

    PARAMETERS: ClassVar = {
        "method": check.line,
        "slices": check.whole(1),
        "options": anything,
        "datasets": anything,
        "jobs": anything,
        "concurrency": check.whole(0),
        "retries": check.whole(0),
        "memory": check.megabytes,
        "disk": check.megabytes,
        "wall_time": check.seconds,
        "cpus": check.whole(1),
        "gpus": check.whole(0),
        "environment": check.environment,
        "caption": check.text,
    }
    LITERAL: ClassVar = frozenset({"options", "datasets", "jobs", "caption"})
    main_step: ClassVar = ANALYSIS

    class Meta:
        proxy = True

    def _count_slices(self) -> None:
        self.slices_total = self.parameters.get("slices", 1)
