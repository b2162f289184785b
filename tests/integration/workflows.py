"""What the tests of workflows ask on either pool."""

from __future__ import annotations

from jobs_app.models import Job
from jobs_app.states import SliceState


def states(job: Job) -> dict[str, str]:
    """Of each node: its slices' states."""
    known = job.slice_states("run", 0, job.slices_total)
    rows = job.attempts.get(number=job.number_of_attempts).nodes.order_by("position")
    return {
        row.name: "+".join(sorted({SliceState(s).name for s in known[row.first : row.first + row.slices]}))
        for row in rows
    }
