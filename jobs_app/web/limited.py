"""A password may be wrong so often and no more: per address, and per account whether it exists or not.
Signing in and changing the password count together.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters

from jobs_app import throttling
from jobs_app.throttling import SIGN_IN_ACCOUNT, SIGN_IN_ADDRESS, Counted

from .security import View

LONGEST = 254  # of a name that anybody may have


def limited(view: View) -> View:
    """For a view whose form has `username`, and which leads away when it was right."""

    @wraps(view)
    @sensitive_post_parameters()
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        counted = one_try(request, request.POST.get("username", ""))
        if seconds := throttling.wait_seconds(counted):
            return too_many(request, seconds)
        response = view(request, *args, **kwargs)
        _count(response, counted)
        return response

    return answer


def one_try(request: HttpRequest, name: str) -> list[Counted]:
    """What it counts for: the address that it comes from, then the account."""
    return [(SIGN_IN_ADDRESS, throttling.address(request)), (SIGN_IN_ACCOUNT, name[:LONGEST].casefold())]


def _count(response: HttpResponseBase, counted: list[Counted]) -> None:
    if response.status_code == 302:
        throttling.forget(counted[1:])
    elif response.status_code == 200:
        throttling.failed(counted)


def too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    minutes = -(-seconds // 60)
    response = render(request, "429.html", {"minutes": minutes}, status=429)
    response.headers["Retry-After"] = str(seconds)
    return response
