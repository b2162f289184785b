"""Logins at an access point: few, and counted in the scheduler's row, so that all processes keep one budget.

Whoever opens a connection calls `count(scheduler.pk)` before it logs in, and does not log in if that raises.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Case, F, Q, QuerySet, Value, When
from django.utils import timezone

from jobs_app.models import Scheduler
from jobs_app.pools.base import PoolUnreachable


class TooManyLogins(PoolUnreachable):
    """The budget of this hour is used up; the next hour has one of its own."""


def count(scheduler_id: int) -> None:
    """One more login. Raises TooManyLogins, and counts nothing, when this hour's are used up."""
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    rows = Scheduler.objects.filter(pk=scheduler_id)
    _begin(rows, hour)
    free = Q(logins_per_hour=0) | Q(logins_in_hour__lt=F("logins_per_hour"))  # 0: as many as it takes
    if not rows.filter(free).update(
        logins_in_hour=F("logins_in_hour") + 1, logins_today=F("logins_today") + 1
    ):
        raise TooManyLogins(_said(rows.get(), hour))


def today(scheduler: Scheduler) -> int:
    """Logins since midnight, UTC."""
    return scheduler.logins_today if _is_of_today(scheduler.login_hour) else 0


def this_hour(scheduler: Scheduler) -> int:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    counted = scheduler.login_hour is not None and scheduler.login_hour >= hour
    return scheduler.logins_in_hour if counted else 0


def _begin(rows: QuerySet[Scheduler], hour: datetime) -> None:
    """The first one of an hour, or of a day, begins anew."""
    old = rows.filter(Q(login_hour=None) | Q(login_hour__lt=hour))
    midnight = hour.replace(hour=0)
    same_day = When(login_hour__gte=midnight, then=F("logins_today"))
    old.update(login_hour=hour, logins_in_hour=0, logins_today=Case(same_day, default=Value(0)))


def _is_of_today(hour: datetime | None) -> bool:
    return hour is not None and hour >= timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)


def _said(scheduler: Scheduler, hour: datetime) -> str:
    return (
        f"{scheduler}: the {scheduler.logins_in_hour} logins of this hour are used up, so nobody logs in "
        f"before {hour + timedelta(hours=1):%H:%M} UTC. Each command logs in by itself while no "
        "`manage.py serve` (or courier service) runs, whose one connection all share: start it. Else find "
        "out why connections break, or allow more (logins_per_hour)."
    )
