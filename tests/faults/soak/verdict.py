"""What must be true: nothing submitted twice, nothing lost, no result lost or mixed, no false end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .witness import Witness
from .work import Order


@dataclass
class Verdict:
    """Each list holds sentences about what was wrong, and is empty if all is well."""

    duplicates: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    false_ends: list[str] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    by_kind: Counter[str] = field(default_factory=Counter)

    @property
    def good(self) -> bool:
        return not (self.duplicates or self.lost or self.mixed or self.false_ends)


FORGOTTEN = "stopped by a person, since its pool had forgotten it"


def judge(orders: Iterable[Order], witness: Witness) -> Verdict:
    from jobs_app.models import Job

    witness.look()
    verdict = Verdict()
    for order in orders:
        job = Job.objects.filter(pk=order.job).prefetch_related("attempts").first()
        verdict.by_kind[order.kind] += 1
        if job is None:
            verdict.lost.append(f"{order.name} has no row any more")
            continue
        _judge(order, job, witness, verdict)
    return verdict


def _judge(order: Order, job: Any, witness: Witness, verdict: Verdict) -> None:
    verdict.ends[job.cached_status] += 1
    said = f"{order.name} (job {job.pk}): {job.cached_status}, {job.status_message!r}"
    for attempt in job.attempts.all():
        verdict.duplicates += [f"{said}: {wrong}" for wrong in witness.submitted_twice(attempt.token)]
    if not job.is_final:
        verdict.lost.append(f"{said}: has not ended")
    elif job._status not in _allowed(order):
        verdict.lost.append(f"{said}: should be one of {sorted(_allowed(order))}, touched {order.touched}")
    elif job._status == order.expected:
        verdict.mixed += [f"{said}: {wrong}" for wrong in order.answers(job.directory, order)]


def _allowed(order: Order) -> set[str]:
    """Where somebody removed slices on the pool itself, or all that it knew of them, the job says that it did
    not end well."""
    if "removed" in order.touched or FORGOTTEN in order.touched:
        return {order.expected, "ABT", "ERR", "VCP"}
    return {order.expected}


def false_end(order: Order, attempt: str, witness: Witness) -> str:
    """A job that is Complete has only procs that HTCondor itself saw end well."""
    witness.look()
    from jobs_app.models import Attempt

    sent = Attempt.objects.filter(token=attempt).values_list("batch__remote_id", flat=True).first()
    wrong = witness.not_ended_well(attempt, int(sent) if sent and sent.isdecimal() else None)
    if not wrong:
        return ""
    return (
        f"{order.name} was Complete before HTCondor had seen all of attempt {attempt} end well: {wrong[:5]}"
    )
