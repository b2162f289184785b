"""The REST API: its resources, its description, and the page to try it."""

from __future__ import annotations

import json
import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent
from django.http import Http404, HttpRequest, HttpResponse, RawPostDataException
from django.shortcuts import render
from django.utils.cache import get_conditional_response, set_response_etag
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.docs import DocsBase
from ninja.parser import Parser as NinjaParser

from jobs_app.errors import RoostError
from jobs_app.pools.base import PoolError
from jobs_app.web.security import guarded

from . import (
    actions,
    apps,
    attempts,
    datasets,
    document,
    events,
    files,
    jobs,
    logs,
    notices,
    results,
    schedulers,
    slices,
    tokens,
)
from .problems import TYPE, Refused, of_refused, of_roost, problem
from .types import Problem

log = logging.getLogger(__name__)

VERSION = "1"
ABOUT = """Jobs, their slices, files and results.

Send a token (`Authorization: Bearer roost_...`), made at `/tokens/` or by `manage.py tokens create`; a
browser that has signed in needs none. What you may not see is answered as if it were not there: 404.

Errors are `application/problem+json`. Answers carry an `ETag`: ask again with `If-None-Match`, and what has
not changed costs nothing (304). Lists go on with `next` as `cursor` or `after`.
"""
PAGE = (
    "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


class Parser(NinjaParser):
    """JSON as its standard has it: no NaN."""

    def parse_body(self, request: HttpRequest) -> Any:
        return json.loads(request.body, parse_constant=_no_constant)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


class Api(NinjaAPI):
    def create_response(self, request: HttpRequest, data: Any, **how: Any) -> HttpResponse:
        response = super().create_response(request, data, **how)
        if response.status_code != 200 or request.method not in ("GET", "HEAD"):
            response.headers.setdefault("Cache-Control", "no-store")
            return response
        response.headers.setdefault("Cache-Control", "private, no-cache")
        if "ETag" not in response.headers:
            set_response_etag(response)
        same = get_conditional_response(request, response.headers["ETag"], None, response)
        assert isinstance(same, HttpResponse)  # noqa: S101 - it is one of the two
        return same

    def get_openapi_operation_id(self, operation: Any) -> str:
        """ "jobs_create": the resource, and what is done to it."""
        view = operation.view_func
        return f"{view.__module__.rpartition('.')[2]}_{view.__name__}"

    def get_openapi_schema(self, **how: Any) -> Any:
        return _completed(super().get_openapi_schema(**how))


class Docs(DocsBase):
    def render_page(self, request: HttpRequest, api: NinjaAPI, **_: Any) -> HttpResponse:  # noqa: ARG002
        return render(request, "api.html", {"settings": {"url": "openapi.json", "deepLinking": True}})


api = Api(
    title="Roost",
    version=VERSION,
    description=ABOUT,
    urls_namespace="api",
    docs=Docs(),
    docs_decorator=lambda view: guarded(view, PAGE),
    parser=Parser(),
)
_PARTS = (
    apps,
    actions,
    jobs,
    events,
    slices,
    logs,
    files,
    attempts,
    datasets,
    document,
    results,
    schedulers,
    notices,
    tokens,
)
for module in _PARTS:
    api.add_router("", module.router)


# --- what goes wrong ----------------------------------------------------------------------------------------


@api.exception_handler(Refused)
def _refused(request: HttpRequest, error: Refused) -> HttpResponse:  # noqa: ARG001
    return of_refused(error)


@api.exception_handler(PoolError)
@api.exception_handler(RoostError)
def _roost(request: HttpRequest, error: RoostError | PoolError) -> HttpResponse:  # noqa: ARG001
    return of_roost(error)


@api.exception_handler(Http404)
def _not_found(request: HttpRequest, error: Http404) -> HttpResponse:  # noqa: ARG001
    return problem(404)


@api.exception_handler(HttpError)
def _http(request: HttpRequest, error: HttpError) -> HttpResponse:  # noqa: ARG001
    return problem(error.status_code, _HTTP.get(error.status_code) or str(error))


_HTTP = {
    400: "The body is no JSON that can be read.",
    401: "Sign in, or send a token: Authorization: Bearer roost_...",
}


@api.exception_handler(RequestDataTooBig)
def _too_large(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:  # noqa: ARG001
    length, most = request.META.get("CONTENT_LENGTH"), settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return problem(413, f"The body has {length} bytes; {most} are allowed here.", limit=most)


@api.exception_handler(SuspiciousOperation)
def _suspicious(request: HttpRequest, error: SuspiciousOperation) -> HttpResponse:  # noqa: ARG001
    too_many = isinstance(error, TooManyFieldsSent)
    return problem(400, "The query has too many parameters." if too_many else "")


@api.exception_handler(RawPostDataException)
def _form(request: HttpRequest, error: RawPostDataException) -> HttpResponse:  # noqa: ARG001
    return problem(415, "This is a form. Send JSON, with the header Content-Type: application/json.")


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:  # noqa: ARG001
    wrong = [
        {"at": ".".join(str(part) for part in each["loc"]), "what": each["msg"]} for each in error.errors
    ]
    return problem(422, "; ".join(f"{each['at']}: {each['what']}" for each in wrong[:5]), errors=wrong[:100])


@api.exception_handler(Exception)
def _crash(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("%s %s: %s", request.method, request.path, error, exc_info=error)
    return problem(500)


# --- the description ----------------------------------------------------------------------------------------

_ERRORS = {
    "401": "Nobody has signed in",
    "403": "This may not be done",
    "404": "There is no such thing, or it is not yours to see",
    "409": "Not in the present state",
    "412": "It was changed meanwhile (If-Match)",
    "413": "The body is too large",
    "415": "The body is a form",
    "422": "Something in the request is wrong",
    "429": "Too many wrong tries",
    "503": "A pool is out of reach; ask again later",
}


def _completed(schema: Any) -> Any:
    """Every operation may answer with a problem, and says which scope a token needs."""
    schema["components"].setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
    scopes = _scopes()
    told = {"content": {TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for path in schema["paths"].values():
        for operation in path.values():
            operation["description"] = " ".join(
                [operation.get("description", ""), f"Scope of a token: `{scopes[operation['operationId']]}`."]
            ).strip()
            for status, said in _ERRORS.items():
                operation["responses"].setdefault(status, {"description": said, **told})
    return schema


def _scopes() -> dict[str, str]:
    """By the operations' ids."""
    found = {}
    for _, router in api._routers:
        for view in router.path_operations.values():
            for operation in view.operations:
                (token, *_) = operation.auth_callbacks
                found[api.get_openapi_operation_id(operation)] = getattr(token, "scope", "")
    return found
