"""What a person would find after it all: prints, as JSON, what became of the jobs that stack.py made."""

from __future__ import annotations

import json
from typing import Any

import django

django.setup()

from jobs_app import conf  # noqa: E402
from jobs_app.models import Attempt, Batch, History, Job, Segment, SubjobRequest  # noqa: E402


def main() -> None:
    print(
        json.dumps(
            {
                "jobs": [look_at(job) for job in Job.objects.order_by("pk")],
                "batches": list(Batch.objects.values_list("token", "remote_id", "refused")),
                "segments": {segment.name: segment.offset for segment in Segment.objects.all()},
                "unanswered": SubjobRequest.objects.filter(answered=False)
                .exclude(attempt__phase="final")
                .count(),
                "pool": str(conf.home() / "pool"),
            }
        )
    )


def look_at(job: Job) -> dict[str, Any]:
    attempts = Attempt.objects.filter(job=job)
    return {
        "name": job.name,
        "status": job._status,
        "message": job.status_message,
        "directory": str(job.directory),
        "parent": job.parent.name if job.parent else "",
        "attempts": [[attempt.phase, attempt.status, attempt.token] for attempt in attempts],
        "history": [[step.before, step.after] for step in History.objects.filter(job=job).order_by("id")],
        "slices": {
            step: job.slice_states(step).hex() for step in ("prepare", "analysis", "synthesis", "run")
        },
    }


if __name__ == "__main__":
    main()
