"""Limits per app and user, from the retention rules: how many jobs, how many at once, how much data."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet, Sum

from jobs_app import states
from jobs_app.errors import QuotaExceeded
from jobs_app.models import Job, RetentionRule
from jobs_app.models.plain import one_row


def check_create(app: str, user: Any, more: int = 1) -> None:
    if one_row(RetentionRule, "id", "max_jobs IS NOT NULL") is None:
        return
    for rule in _rules(app, user, max_jobs=None):
        count = jobs_of(rule).count()
        if count + more > (rule.max_jobs or 0):
            raise QuotaExceeded(
                f"{whose(rule)} may have {rule.max_jobs} jobs and has {count}. Delete some that are over."
            )


def is_set() -> bool:
    """Whether any rule limits what may be executed."""
    return one_row(RetentionRule, "id", "max_active IS NOT NULL OR max_size_mb IS NOT NULL") is not None


def check_execute(job: Job) -> None:
    if not is_set():
        return
    for rule in _rules(job.app, job.user_id, max_active=None, max_size_mb=None):
        _check_active(rule)
        _check_size(rule)


def _check_active(rule: RetentionRule) -> None:
    if rule.max_active is None:
        return
    count = jobs_of(rule).filter(stage=states.AT_WORK).count()
    if count >= rule.max_active:
        raise QuotaExceeded(
            f"{whose(rule)} may have {rule.max_active} jobs at work at once and has {count}. "
            "Wait until one is over, or stop one."
        )


def _check_size(rule: RetentionRule) -> None:
    if rule.max_size_mb is None:
        return
    used = (jobs_of(rule).aggregate(total=Sum("size_bytes"))["total"] or 0) / 2**20
    if used >= rule.max_size_mb:
        raise QuotaExceeded(
            f"{whose(rule)} may keep {rule.max_size_mb} MB and keeps {used:.0f} MB. "
            "Delete jobs that are over."
        )


def _rules(app: str, user: Any, **limits: None) -> list[RetentionRule]:
    """Those for this app and user that set one of the limits."""
    set_ones = Q()
    for name in limits:
        set_ones |= Q(**{f"{name}__isnull": False})
    whose = Q(user=None) | Q(user=user) if user is not None else Q(user=None)
    return list(RetentionRule.objects.filter(set_ones, whose, app__in=("", app)).select_related("user"))


def jobs_of(rule: RetentionRule) -> QuerySet[Job]:
    """What the rule counts: a rule for every user is about all jobs together."""
    jobs = Job.objects.all()
    if rule.app:
        jobs = jobs.filter(app=rule.app)
    return jobs.filter(user=rule.user) if rule.user_id is not None else jobs


def whose(rule: RetentionRule) -> str:
    who = rule.user.get_username() if rule.user else "All users together"
    return f"{who} in {rule.app}" if rule.app else who
