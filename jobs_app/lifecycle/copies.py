"""What stays of an attempt on its pool after its results are here, and until when.

    "at once"         nothing stays
    "on success"      nothing stays of a Complete job; of any other all, until the job is deleted
    "after 30 days"   all stays so long
    "keep"            all stays until the job is deleted

A row remembers each copy that stays until the pool has surely dropped it, whatever happens to the job or to
us meanwhile. (What goes at once is forgotten by forget.py.)
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone

from jobs_app import conf
from jobs_app import parameters as check
from jobs_app.jobdir import remote
from jobs_app.models import Attempt, AttemptPhase, Job, RemoteCopy
from jobs_app.pools.base import PoolError

from .link import Link

AT_ONCE = 200  # copies that one command drops


def remember(attempt: Attempt, status: str) -> None:
    """To be called before the attempt is closed: until then nothing of it is dropped."""
    policy = check.results(attempt.job.parameters.get("results") or conf.results())
    if any(away.attempt == attempt.token for away in remote.read(attempt.job.paths).values()):
        policy = "keep"  # files that are read there
    goes = policy == "at once" or (policy == "on success" and status == "COM")
    remembered, _ = RemoteCopy.objects.filter(token=attempt.token).delete() if goes else (1, {})
    if remembered:
        Attempt.objects.filter(pk=attempt.pk).update(on_pool=goes)
    if not goes:
        known = {"scheduler_id": attempt.scheduler_id, "due": _due(policy)}
        RemoteCopy.objects.update_or_create(token=attempt.token, defaults=known)


def _due(policy: str) -> datetime | None:
    words = policy.split()
    return timezone.now() + timedelta(days=int(words[1])) if words[0] == "after" else None


def let_go(job: Job) -> None:
    """It is being deleted, and its attempts' rows with it: what is still on a pool goes now."""
    now = timezone.now()
    attempts = Attempt.objects.filter(job_id=job.pk)
    RemoteCopy.objects.filter(token__in=attempts.values("token")).update(due=now)
    left = attempts.filter(on_pool=True, scheduler__isnull=False).values_list("scheduler_id", "token")
    rows = [RemoteCopy(scheduler_id=scheduler, token=token, due=now) for scheduler, token in left]
    RemoteCopy.objects.bulk_create(rows, ignore_conflicts=True)


def waiting_for(scheduler_id: int) -> bool:
    return bool(_due_now(scheduler_id).exists())


def _due_now(scheduler_id: int):  # type: ignore[no-untyped-def]  # a QuerySet with an annotation
    live = Attempt.objects.filter(token=OuterRef("token")).exclude(phase=AttemptPhase.FINAL)
    due = RemoteCopy.objects.filter(scheduler=scheduler_id, due__lte=timezone.now())
    return due.filter(~Exists(live)).order_by("pk")


def drop(link: Link) -> int:
    """Has the pool drop what is due; how many. What it does not drop now it drops later."""
    due = list(_due_now(link.scheduler.pk).values_list("pk", "token")[:AT_ONCE])
    if not due:
        return 0
    try:
        link.pool.forget([token for _, token in due])
    except PoolError as error:
        link.failed(error)
        return 0
    RemoteCopy.objects.filter(pk__in=[pk for pk, _ in due]).delete()
    return len(due)
