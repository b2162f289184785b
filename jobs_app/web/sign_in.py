"""Signing in by a link that this machine's `manage.py serve` prints: signed, short-lived, good for one time.

1. The link holds the user and when they signed in last; so it is spent by the next sign-in, whoever's.
2. Opening it changes nothing; the button on its page does.
3. It is taken from this machine only, and not through a proxy.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model, login
from django.contrib.auth.models import User
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

SECONDS = 15 * 60
_SALT = "roost.sign-in-link"
_HERE = {"127.0.0.1", "::1"}
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")


def link_path(user: User) -> str:
    return reverse("sign-in-link", args=[signing.dumps([user.pk, _stamp(user)], salt=_SALT)])


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("token")
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    person = person_of(token) if is_local(request) else None
    if person is None:
        return render(request, "sign_in_link.html", {"refusal": _refusal(request)}, status=403)
    if request.method != "POST":
        return render(request, "sign_in_link.html", {"person": person})
    if not _spend(person):
        return render(request, "sign_in_link.html", {"refusal": _refusal(request)}, status=403)
    login(request, person, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("jobs")


def person_of(token: str) -> User | None:
    try:
        pk, stamp = signing.loads(token, salt=_SALT, max_age=SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    person = get_user_model().objects.filter(pk=pk, is_active=True).first()
    return person if person is not None and _stamp(person) == stamp else None


def is_local(request: HttpRequest) -> bool:
    direct = not any(request.META.get(name) for name in _FORWARDED)
    return direct and request.META.get("REMOTE_ADDR") in _HERE


def _spend(person: User) -> bool:
    """Only one of two that use the link at the same time gets in."""
    rows: Any = get_user_model().objects.filter(pk=person.pk, last_login=person.last_login)
    return bool(rows.update(last_login=timezone.now()))


def _stamp(person: User) -> str:
    return person.last_login.isoformat() if person.last_login else ""


def _refusal(request: HttpRequest) -> str:
    if not is_local(request):
        return "This link works only in a browser on the machine that printed it."
    return "This link is spent or too old. Start manage.py serve again for a new one."
