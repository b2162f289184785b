"""Who may see a job, and who may act on it. Pages, commands and the verbs all ask here.

its owner                                sees it, acts on it
members of the groups it is shared with  see it
staff, and who has the permission
"jobs_app.jobs_table_actions"            see everybody's, act on everybody's
anybody else                             is told that there is no such job
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet

from jobs_app.models import Job

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser, AnonymousUser

    Person = AbstractUser | AnonymousUser

EVERYBODYS = "jobs_app.jobs_table_actions"


def sees_all(user: Person) -> bool:
    return bool(user.is_active and (user.is_staff or user.has_perm(EVERYBODYS)))


def may_act(user: Person, job: Job) -> bool:
    if not user.is_authenticated or not user.is_active:
        return False
    return job.user_id == user.pk or sees_all(user)


def may_read(user: Person, job: Job) -> bool:
    return may_act(user, job) or shared_with(user).filter(pk=job.pk).exists()


def shared_with(user: Person) -> QuerySet[Job]:
    if not user.is_authenticated or not user.is_active:
        return Job.objects.none()
    links = Job.groups.through.objects.filter(group__user=user.pk)
    return Job.objects.filter(pk__in=links.values("job_id"))


def readable(user: Person) -> QuerySet[Job]:
    """Every job that this person may see."""
    if sees_all(user):
        return Job.objects.all()
    if not user.is_authenticated or not user.is_active:
        return Job.objects.none()
    return Job.objects.filter(Q(user=user.pk) | Q(pk__in=shared_with(user).values("pk")))
