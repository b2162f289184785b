"""With which groups a job is shared, and for what. The API, the forms and the job's page all come here.

Who may edit a job may share it (`permissions`): with groups that one is in, staff and services with any. A
share may be ended whoever's group it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet

from jobs_app import audit, permissions
from jobs_app.errors import Invalid
from jobs_app.models import Job, JobShare

if TYPE_CHECKING:
    from jobs_app.permissions import Person

OFFERED = 100  # groups, for a form to choose from


def of(job: Job) -> QuerySet[JobShare]:
    return JobShare.objects.filter(job=job).select_related("group").order_by("group__name")


def groups(person: Person) -> QuerySet[Group]:
    """Those that this person may share with."""
    rows = Group.objects.order_by("name")
    return rows if permissions.sees_all(person) else rows.filter(user=person.pk)


def group_of(person: Person, name: str) -> Group:
    group = groups(person).filter(name=name).first()
    if group is None:
        raise Invalid(f"You are in no group {name[:80]!r}, so nothing can be shared with it.")
    return group


def told(shares: Iterable[tuple[str, str]]) -> str:
    """(group, what it may) as the audit trail has them."""
    return f"Shared with {', '.join(f'{group} ({may})' for group, may in shares) or 'nobody'}."


def replace(job: Job, shares: Iterable[tuple[Group, str]]) -> None:
    """These, and no others."""
    wanted = list(shares)
    JobShare.objects.filter(job=job).exclude(group__in=[group for group, _ in wanted]).delete()
    for group, may in wanted:
        _keep(job, group, may)


def check(may: str) -> None:
    if may not in dict(JobShare.MAY):
        raise Invalid(f"{may[:80]!r} is nothing that a group may do. Choose one of what is offered.")


def change(person: Person, job: Job, group: str, may: str) -> None:
    """The share with one group: it begins, or is for something else from now on."""
    check(may)
    with transaction.atomic():
        _keep(job, group_of(person, group), may)
        _tell(person, job)


def end(person: Person, job: Job, group: str) -> None:
    with transaction.atomic():
        gone, _ = JobShare.objects.filter(job=job, group__name=group).delete()
        if gone:
            _tell(person, job)


def _keep(job: Job, group: Group, may: str) -> None:
    JobShare.objects.update_or_create(job=job, group=group, defaults={"may": may})


def _tell(person: Person, job: Job) -> None:
    shares = of(job).values_list("group__name", "may")
    audit.tell(person, f"Changed shares. {told(shares)}", job)
