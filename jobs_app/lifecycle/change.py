"""The one way in which a job's state changes: a conditional update, with its history row beside it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction

from jobs_app import audit, states
from jobs_app.errors import WrongState
from jobs_app.models import Attempt, AttemptPhase, History, Job

from .actors import Actor, is_somebody

MESSAGE_LENGTH = 2048
UNSENT = "Waits to be sent to "  # said of a job until its pool is heard of
RESUMED = "Resumed by "  # likewise
LIMITED = "Waits: "  # likewise, with the reason
_ENDING: Mapping[str, str] = {
    AttemptPhase.FETCHING: ": nothing of it runs any more, and its results are being brought",
    AttemptPhase.PROCESSING: ": nothing of it runs any more, and its results are being processed",
}


def move(
    job_id: int,
    before: Collection[str],
    after: str,
    *,
    by: Actor,
    why: str = "",
    attempt: int = 0,
    **fields: Any,
) -> bool:
    """Moves the job on if it is still in one of the states `before`; False if somebody was first."""
    with transaction.atomic(savepoint=False):
        was = next(iter(before)) if len(before) == 1 else status_for_update(job_id)
        if was not in before or not Job.objects.filter(pk=job_id, _status=was).update(
            _status=after, **fields
        ):
            return False
        note(job_id, by, why, attempt=attempt, before=was, after=after)
    return True


def note(job_id: int, by: Actor, why: str, *, attempt: int = 0, before: str = "", after: str = "") -> None:
    History.objects.create(
        job_id=job_id, attempt=attempt, user_id=by.user_id, actor=by.name, before=before, after=after, why=why
    )
    if is_somebody(by):
        audit.write_of_job(by.name, by.user_id, why or f"{before} -> {after}", job_id)


def status_for_update(job_id: int) -> str:
    """The state now; the row stays locked until the transaction ends (on SQLite, all of them)."""
    statuses = Job.objects.select_for_update().filter(pk=job_id).values_list("_status", flat=True)
    return statuses.first() or ""


def message(text: str) -> str:
    """What fits into a row; the whole text is in the attempt's reason."""
    return text if len(text) <= MESSAGE_LENGTH else text[: MESSAGE_LENGTH - 2] + " …"


def refuse(job: Job, verb: str, cure: str) -> WrongState:
    """The error for a job that is in no state for `verb`."""
    status = Job.objects.filter(pk=job.pk).values_list("_status", flat=True).first()
    if status is None:
        return WrongState(f"Job {job.pk} ({job.name!r}) does not exist any more.")
    phases = Attempt.objects.filter(job=job.pk).order_by("number").values_list("phase", flat=True)
    said = states.JOB_STATES[status].word + _ENDING.get(phases.last() or "", "")
    return WrongState(f"Cannot {verb} job {job.pk} ({job.name!r}): it is {said}. {cure}")
