"""The page where a person says of what they are told, and sees what became of it."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from jobs_app.errors import Invalid
from jobs_app.job_types import NOTICES
from jobs_app.models import Notice
from jobs_app.notices import preferences, sending

from .security import Request

ROWS = 30
WORDS = {"end": "a job ends", "failure": "a job ends badly", "held": "a job is held"}


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("secret")
def notices(request: Request) -> HttpResponse:
    secret, wrong = "", ""
    if request.method == "POST":
        try:
            secret = _keep(request)
        except Invalid as error:
            wrong = str(error)
    known = preferences.of(request.user)
    context = {
        "known": known,
        "events": [(event, WORDS[event], event in known.on) for event in NOTICES],
        "can_email": preferences.can_email(),
        "secret": secret,
        "old_secret": preferences.has_old_secret(request.user.pk),
        "wrong": wrong,
        "saved": request.method == "POST" and not wrong,
        "rows": Notice.objects.filter(user=request.user).order_by("-id")[:ROWS],
    }
    return render(request, "notices.html", context, status=422 if wrong else 200)


def _keep(request: Request) -> str:
    given = request.POST
    return preferences.keep(
        request.user,
        given.getlist("on"),
        email="email" in given,
        webhook_url=given.get("webhook", ""),
        new_secret="new_secret" in given,
    )


@require_POST
def send_again(request: Request, number: int) -> HttpResponse:
    row = Notice.objects.filter(pk=number, user=request.user).first()
    if row is None:
        raise Http404
    sending.try_again(row)
    messages.success(request, "It is sent again.")
    return redirect("notices")
