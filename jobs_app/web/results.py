"""What jobs put among the results, newest first: for people who look for a result and not for a job."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from jobs_app import permissions
from jobs_app.models import ResultLink

from .file import PICTURES
from .parts import number
from .security import Request

PAGE = 50


@require_safe
def results_page(request: Request) -> HttpResponse:
    wanted, first = (
        request.GET.get("find", "").replace("\0", "")[:200],
        number(request.GET.get("first", ""), 0),
    )
    found = list(linked(request.user, wanted)[first : first + PAGE + 1])
    context = {
        "rows": [_row(link) for link in found[:PAGE]],
        "wanted": wanted,
        "more": first + PAGE if len(found) > PAGE else None,
    }
    return render(request, "results/list.html", context)


def linked(person: permissions.Person, wanted: str = "") -> QuerySet[ResultLink]:
    """Of the jobs that this person may see; `wanted`: a part of their names or of what is said of them."""
    rows = ResultLink.objects.select_related("job__project", "owner").order_by("-at", "-pk")
    if not permissions.sees_all(person):
        rows = rows.filter(job__in=permissions.readable(person).values("pk"))
    if wanted:
        said = Q(name__icontains=wanted) | Q(header__icontains=wanted) | Q(description__icontains=wanted)
        rows = rows.filter(said)
    return rows


def _row(link: ResultLink) -> dict[str, Any]:
    arguments = [link.job_id, link.filename]
    picture = link.filename.lower().endswith(tuple(PICTURES))
    return {
        "link": link,
        "view": reverse("job-view", args=arguments),
        "file": reverse("job-file", args=arguments),
        "picture": picture,
    }
