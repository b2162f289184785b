"""How long finished jobs stay: by number, age and size, for an app, a user, or both.

    for doomed in plan():          what would go, and why; nothing is touched
        print(doomed)
    apply()                        the same, done

A job that another one at work reads or waits for stays, whatever the rules say.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from jobs_app import states
from jobs_app.errors import RoostError
from jobs_app.models import Job, JobDependency, JobUse, RetentionRule

from .delete import delete
from .quota import jobs_of, whose

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Doomed:
    """A job that goes, and why."""

    pk: int
    name: str
    size_bytes: int
    why: str

    def __str__(self) -> str:
        return f"{self.pk} ({self.name!r}, {self.size_bytes / 2**20:.1f} MB): {self.why}"


def plan() -> list[Doomed]:
    found: dict[int, Doomed] = {}
    for rule in RetentionRule.objects.select_related("user").order_by("pk"):
        for doomed in _doomed_by(rule):
            found.setdefault(doomed.pk, doomed)
    return [found[pk] for pk in sorted(found)]


def apply(doomed: Iterable[Doomed] | None = None) -> list[Doomed]:
    """Removes what is planned now, or what was planned before; returns what is gone. A job that cannot go is
    reported and stands in nobody's way."""
    gone = []
    for each in plan() if doomed is None else doomed:
        job = Job.objects.filter(pk=each.pk).select_related("project").first()
        if job is not None and _remove(job, each):
            gone.append(each)
    return gone


def _remove(job: Job, doomed: Doomed) -> bool:
    try:
        delete(job)
    except (RoostError, OSError):
        log.exception("Retention: %s could not be removed", doomed)
        return False
    log.info("Retention: removed %s", doomed)
    return True


def _doomed_by(rule: RetentionRule) -> Iterator[Doomed]:
    """The newest jobs are counted first."""
    count, total = 0, 0
    now = timezone.now()
    oldest = now - timedelta(days=rule.days) if rule.days is not None else None
    rows = _finished(rule).order_by("-completion_time", "-pk")
    for pk, name, size, completed in rows.values_list("pk", "name", "size_bytes", "completion_time"):
        count, total = count + 1, total + (size or 0)
        if rule.keep is not None and count > rule.keep:
            yield Doomed(pk, name, size or 0, f"{whose(rule)}: the newest {rule.keep} stay")
        elif oldest is not None and completed is not None and completed < oldest:
            yield Doomed(pk, name, size or 0, f"{whose(rule)}: older than {rule.days} days")
        elif rule.size_mb is not None and total > rule.size_mb * 2**20:
            yield Doomed(pk, name, size or 0, f"{whose(rule)}: {rule.size_mb} MB stay")


def _finished(rule: RetentionRule) -> QuerySet[Job]:
    at_work = Job.objects.filter(stage__in=[states.AT_WORK, "PEN"]).values("pk")
    read = JobUse.objects.filter(used=OuterRef("pk"), job__in=at_work)
    awaited = JobDependency.objects.filter(before=OuterRef("pk"), job__in=at_work)
    over = jobs_of(rule).filter(completion_time__isnull=False)
    return over.filter(~Exists(read), ~Exists(awaited))
