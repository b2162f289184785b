"""The page where a person makes and revokes tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from jobs_app import tokens
from jobs_app.errors import Invalid
from jobs_app.permissions import SCOPES

from .security import Request

LIVES = [("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("", "no end")]


class TokenForm(forms.Form):
    name = forms.CharField(label="What for", max_length=tokens.LONGEST_NAME)
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=[(scope, f"{said} ({scope})") for scope, said in SCOPES.items()],
        widget=forms.CheckboxSelectMultiple,
        initial=["jobs:read", "files:read"],
    )
    days = forms.ChoiceField(label="Good for", choices=LIVES, initial="90", required=False)


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables("text")
def token_page(request: Request) -> HttpResponse:
    form = TokenForm(request.POST or None)
    text = ""
    if request.method == "POST" and form.is_valid():
        text = _made(request, form)
        form = form if not text else TokenForm()
    rows = tokens.of(request.user).select_related("owner")
    context = {"form": form, "text": text, "rows": [(row, tokens.is_good(row)) for row in rows]}
    return render(request, "tokens.html", context)


@sensitive_variables("text")
def _made(request: Request, form: Any) -> str:
    """Its text, for this one page; empty if something was wrong."""
    days = form.cleaned_data["days"]
    expires = timezone.now() + timedelta(days=int(days)) if days else None
    try:
        _, text = tokens.make(
            form.cleaned_data["name"],
            request.user,
            form.cleaned_data["scopes"],
            expires=expires,
            by=request.user,
        )
    except Invalid as error:
        form.add_error(None, str(error))
        return ""
    return text


@require_POST
def revoke_token(request: Request, prefix: str) -> HttpResponse:
    row = tokens.of(request.user).filter(prefix=prefix).first()
    if row is None:
        raise Http404
    tokens.revoke(row, request.user)
    return redirect("tokens")
