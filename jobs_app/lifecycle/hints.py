"""Looks that somebody asked for by a callback: a job's courier takes those that are due, some at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from jobs_app.models import Attempt, AttemptPhase, Hint, Job, KeyVersion, Report

AGAIN = timedelta(seconds=5)  # after a look at a job, before the next one
SETTLED = timedelta(seconds=10)  # before that a pool may not know what it was just sent
AT_ONCE = 500
RECEIPTS = timedelta(minutes=15)  # longer than a report's time is believed, on both sides


def take_due(scheduler_id: int, now: datetime | None = None) -> list[str]:
    """Tokens of attempts at which a look is due. They count as looked at from now on."""
    now = now or timezone.now()
    due = Hint.objects.filter(scheduler_id=scheduler_id, due__lte=now)
    ids = list(due.filter(Q(looked=None) | Q(looked__lte=now - AGAIN)).values_list("pk", flat=True)[:AT_ONCE])
    if not ids:
        return []
    waits = Q(later__gt=now)
    Hint.objects.filter(pk__in=ids, due__lte=now).update(
        due=Case(When(waits, then=F("later")), default=Value(None)),
        later=Value(None),
        looked=now,
    )
    sent = Attempt.objects.filter(job__in=ids, scheduler=scheduler_id, phase=AttemptPhase.SENT)
    return list(sent.filter(sent__lte=now - SETTLED).values_list("token", flat=True))


def drop_old(now: datetime | None = None) -> None:
    """Receipts that nobody can use again, and what was kept of jobs that are not there."""
    now = now or timezone.now()
    with transaction.atomic():
        Report.objects.filter(received__lt=now - RECEIPTS, applied=True).delete()
        quiet = Hint.objects.filter(due=None, window__lt=now - RECEIPTS)
        quiet.delete()
    gone = KeyVersion.objects.exclude(pk__in=Job.objects.values("pk"))
    gone.delete()
