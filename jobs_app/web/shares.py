"""With whom a job is shared: for all who may see it, as the API tells it; and a form for who may share it."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from jobs_app import permissions, sharing
from jobs_app.errors import Invalid
from jobs_app.models import Job, JobShare

from .security import ONLY_OWNER, Request, job_for

END = "end"


@dataclass(frozen=True)
class Row:
    group: str
    may: str
    word: str
    is_mine: bool  # one may change it; else only end it


@dataclass(frozen=True)
class Shared:
    rows: tuple[Row, ...]
    may_share: bool = False
    offered: tuple[str, ...] = ()  # groups that it is not shared with yet
    choices = JobShare.MAY


def of(job: Job, person: User) -> Shared:
    found = list(sharing.of(job))
    if not permissions.allowed(person, permissions.EDIT, job):
        return Shared(tuple(_row(each) for each in found))
    there = [each.group_id for each in found]
    ones_own = sharing.groups(person)
    mine = set(ones_own.filter(pk__in=there).values_list("pk", flat=True)) if there else set()
    offered = ones_own.exclude(pk__in=there).values_list("name", flat=True)[: sharing.OFFERED]
    rows = tuple(_row(each, is_mine=each.group_id in mine) for each in found)
    return Shared(rows, may_share=True, offered=tuple(offered))


def _row(share: JobShare, *, is_mine: bool = False) -> Row:
    return Row(share.group.name, share.may, share.get_may_display(), is_mine)


@require_POST
def share(request: Request, pk: int) -> HttpResponse:
    job = job_for(request.user, pk)
    if not permissions.allowed(request.user, permissions.EDIT, job):
        raise PermissionDenied(ONLY_OWNER)
    group = request.POST.get("group", "").replace("\0", "")
    try:
        messages.success(request, _changed(request, job, group))
    except Invalid as error:
        messages.error(request, str(error))
    return redirect(f"{reverse('job', args=[pk])}#job-shares")


def _changed(request: Request, job: Job, group: str) -> str:
    if END in request.POST:
        sharing.end(request.user, job, group)
        return f"It is shared with {group} no more."
    may = request.POST.get("may", "")
    sharing.change(request.user, job, group, may)
    return f"Who is in {group} may {dict(JobShare.MAY)[may]}."
