"""What lets a job go on that went beyond a limit: how much more it needs, as a command to type."""

from __future__ import annotations

from jobs_app import situation
from jobs_app.lifecycle import holds
from jobs_app.management.hints import line
from jobs_app.models import Job


def how_much_more(job: Job) -> str:
    """By what it used, where that is known; "" for a job that no limit holds."""
    limit = holding_limit(job)
    if not limit:
        return ""
    used = situation.most_used(job, limit)
    unit = holds.UNITS[limit]
    more = f"--{limit.replace('_', '-')} {holds.suggested(limit, job.parameters, used)}{unit}"
    told = f"It has used {used:.4g} {unit} of {limit}. " if used else ""
    return f"{told}Enough may be: {line(f'jobs release {job.pk} {more}')}"


def holding_limit(job: Job) -> str:
    if job.state.code != "HLD":
        return ""
    reason = job.attempts.order_by("-number").values_list("reason", flat=True).first() or ""
    return holds.limit(situation.hold_code(reason), reason)
