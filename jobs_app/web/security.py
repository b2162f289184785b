"""The door of every page: who may come in, and what the browser may load."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from jobs_app import permissions
from jobs_app.models import Job

from . import zone

View = Callable[..., HttpResponseBase]

PAGES = (
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
FILES = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"

# Why somebody who may see a job is refused: who wants to act on it, and who wants to change it.
ONLY_LOOK = "You may look at this job, but not act on it. Ask its owner."
ONLY_OWNER = "Only the owner of this job and the staff may do that."


class Request(HttpRequest):
    user: User  # behind `page`, somebody has signed in


def guarded(view: View, policy: str = PAGES) -> View:
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with timezone.override(zone.of(request)):
            response = view(request, *args, **kwargs)
        response.headers.setdefault("Content-Security-Policy", policy)
        return response

    return never_cache(answer)


@never_cache
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - it is in the log
    said = "This form is too old, or came from another page. Go back, load the page again, and send it then."
    return render(request, "403.html", {"exception": said}, status=403)


def page(view: View) -> View:
    return guarded(login_required(view))


def job_for(user: User, pk: int) -> Job:
    """A job that this person may see; else there is none."""
    job = (
        Job.objects.filter(pk=pk).select_related("project", "user", "template", "scheduler", "parent").first()
    )
    if job is None or not permissions.may_read(user, job):
        raise Http404
    return job
