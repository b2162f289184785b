"""The page where people change their own password, and the address that notices by e-mail go to.

The old password is asked for, because a browser may have been left open. Who guesses at it there is limited
as at the sign-in, and together with it.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from jobs_app import audit, throttling
from jobs_app.notices import preferences

from .limited import one_try, too_many
from .security import Request

PASSWORD, EMAIL = "password", "email"


class Password(PasswordChangeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["old_password"].widget.attrs["autofocus"]  # the page has more than this form

    @property
    def is_guess(self) -> bool:
        return self.has_error("old_password", "password_incorrect")


class Email(forms.Form):
    email = forms.EmailField(label="E-mail address", max_length=254, required=False)


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
def account(request: Request) -> HttpResponse:
    if request.method != "POST":
        return _page(request)
    if request.POST.get("what") == EMAIL:
        return _email(request)
    return _password(request) if request.user.has_usable_password() else _page(request, status=409)


def _page(request: Request, status: int = 200, **tried: forms.Form) -> HttpResponse:
    """`tried`: a form with what is wrong in it."""
    has_password = request.user.has_usable_password()
    context = {
        "password": tried.get(PASSWORD) or (Password(request.user) if has_password else None),
        "email": tried.get(EMAIL) or Email({"email": request.user.email}),
        "groups": request.user.groups.order_by("name"),
    }
    return render(request, "account.html", context, status=status)


def _password(request: Request) -> HttpResponse:
    counted = one_try(request, request.user.get_username())
    if seconds := throttling.wait_seconds(counted):
        return too_many(request, seconds)
    form = Password(request.user, request.POST)
    if not form.is_valid():
        if form.is_guess:
            throttling.failed(counted)
        return _page(request, 422, password=form)
    with transaction.atomic():
        form.save()
        audit.tell(request.user, "Changed their password.")
        update_session_auth_hash(request, request.user)
    throttling.forget(counted[1:])
    messages.success(request, "Your password is changed. Everywhere else you are signed out.")
    return redirect("account")


def _email(request: Request) -> HttpResponse:
    form = Email(request.POST)
    address = form.cleaned_data.get("email", "") if form.is_valid() else ""
    if form.is_valid() and not address and preferences.of(request.user).email:
        form.add_error("email", "Notices go there. Say on their page first that none come by e-mail.")
    if not form.is_valid():
        return _page(request, 422, email=form)
    _keep(request, address)
    messages.success(request, "Your e-mail address is kept." if address else "No e-mail address is kept.")
    return redirect("account")


def _keep(request: Request, address: str) -> None:
    """The audit trail outlives the user, so it does not have the address."""
    if address == request.user.email:
        return
    request.user.email = address
    with transaction.atomic():
        request.user.save(update_fields=["email"])
        audit.tell(request.user, "Changed their e-mail address.")
