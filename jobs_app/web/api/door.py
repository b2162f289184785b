"""Who comes in: with a token, or signed in with a browser (then changes need the CSRF token). And what each
operation needs: every one names its scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from jobs_app import permissions, throttling, tokens
from jobs_app.models import Job

from .problems import Refused

if TYPE_CHECKING:
    from jobs_app.permissions import Remote

SAFE = ("GET", "HEAD", "OPTIONS")


class Request(HttpRequest):
    auth: Remote  # behind the door, somebody has come in


class Token(AuthBase):
    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_description = "A token: roost_... Made at /tokens/, by `manage.py tokens create`, or here."

    def __init__(self, scope: str = "") -> None:
        self.scope = scope
        super().__init__()

    def __call__(self, request: HttpRequest) -> Any:
        header = request.headers.get("Authorization", "")
        if not header:
            return None
        caller = _caller(request, header)
        _needs_scope(caller, self.scope)
        return caller


class SignedIn(AuthBase):
    openapi_type = "apiKey"
    openapi_in = "cookie"
    openapi_name = "sessionid"
    openapi_description = "A browser that has signed in; what changes anything needs the header X-CSRFToken."

    def __call__(self, request: HttpRequest) -> Any:
        if not permissions.is_somebody(request.user):
            raise Refused(401, "").with_header("WWW-Authenticate", 'Bearer realm="roost"')
        if request.method not in SAFE and check_csrf(request) is not None:
            raise Refused(403, "The header X-CSRFToken is missing or wrong. Programs send a token instead.")
        return request.user


def door(scope: str) -> list[AuthBase]:
    return [Token(scope), SignedIn()]


def _caller(request: HttpRequest, header: str) -> permissions.Caller:
    kind, _, text = header.partition(" ")
    caller = tokens.find(text.strip()) if kind.lower() == "bearer" else None
    if caller is None:
        raise _wrong_token(request)
    return caller


def _wrong_token(request: HttpRequest) -> Refused:
    """A good token is taken in any case: it cannot be guessed, and its neighbours' errors are not its own."""
    counted = [(throttling.TOKEN_ADDRESS, throttling.address(request))]
    if seconds := throttling.wait_seconds(counted):
        return too_many(seconds)
    throttling.failed(counted)
    return Refused(401, "This token is wrong, expired or revoked.").with_header(
        "WWW-Authenticate", 'Bearer realm="roost", error="invalid_token"'
    )


def too_many(seconds: int) -> Refused:
    return Refused(429, f"Too many wrong tries. Wait {seconds} seconds.").with_header(
        "Retry-After", str(seconds)
    )


def _needs_scope(person: Remote, scope: str) -> None:
    if scope and not permissions.has_scope(person, scope):
        raise Refused(403, f"This token has not the scope {scope}.", scope=scope)


# --- the job that an operation is about ---------------------------------------------------------------------

_WITH = ("project", "user", "template", "scheduler", "parent")


def job_for(
    request: HttpRequest, pk: int, verb: str = permissions.READ, what: str = "jobs", *, need: str = ""
) -> Job:
    """404 for what one may not see, as if it were not there; 403 for what one may see but not do."""
    person: Any = request.auth  # type: ignore[attr-defined]  # set by the door
    job = Job.objects.filter(pk=pk).select_related(*_WITH).first()
    known = permissions.verbs(person, job) if job else permissions.NONE
    if job is None or permissions.READ not in known:
        raise Http404
    if not permissions.allowed(person, verb, job, what):
        raise Refused(403, need or f"You may see job {pk}, but not {verb} on it. Ask its owner.")
    return job


def refuse_large(request: HttpRequest, most: int) -> None:
    """Before the body is read."""
    if (length := int(request.META.get("CONTENT_LENGTH") or 0)) > most:
        raise Refused(413, f"The body has {length} bytes; {most} are allowed here.", limit=most)
