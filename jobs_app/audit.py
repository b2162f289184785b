"""Who did what, from where: written in the transaction of what was done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from jobs_app import conf, origin
from jobs_app.models import AuditEntry, Job

LONGEST = 2000
PROGRAM = "program"
AT_ONCE = 5000


def write(who: str, user_id: int | None, what: str, job_id: int | None = None, job_name: str = "") -> None:
    AuditEntry.objects.create(**_entry(who, user_id, what), job_id=job_id, job_name=job_name[:200])


def tell(person: Any, what: str, job: Job | None = None) -> None:
    """Of a user, a token's caller, or None: a program of the app's own."""
    name, user_id = (person.get_username(), person.pk) if person is not None else (PROGRAM, None)
    write(name, user_id, what, *((job.pk, job.name) if job is not None else ()))


def write_of_jobs(who: str, user_id: int | None, what: str, names: Mapping[int, str]) -> None:
    known = _entry(who, user_id, what)
    rows = [AuditEntry(**known, job_id=pk, job_name=name[:200]) for pk, name in names.items()]
    AuditEntry.objects.bulk_create(rows, batch_size=500)


def write_of_job(who: str, user_id: int | None, what: str, job_id: int) -> None:
    names = Job.objects.filter(pk=job_id).values_list("name", flat=True)
    write(who, user_id, what, job_id, names.first() or "")


def _entry(who: str, user_id: int | None, what: str) -> dict[str, object]:
    known = origin.now() or origin.Origin()
    return {
        "who": (known.who if known.who and who == PROGRAM else who)[:200],
        "user_id": user_id,
        "what": what[:LONGEST],
        "via": known.via,
        "address": known.address[:64],
        "request": known.request[:64],
    }


def drop_old() -> int:
    """Those that ROOST_AUDIT_DAYS lets go, some at a time."""
    days = conf.audit_days()
    if not days:
        return 0
    old = AuditEntry.objects.filter(at__lt=timezone.now() - timedelta(days=days)).order_by("at")
    gone, _ = AuditEntry.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:AT_ONCE])).delete()
    return gone
