"""The REST API: its resources, its description, and the page to try it."""

from __future__ import annotations

import json
import logging
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response, set_response_etag
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.docs import DocsBase
from ninja.parser import Parser as NinjaParser

from jobs_app.errors import RoostError
from jobs_app.web.security import guarded

from . import actions, apps, datasets, document, events, files, jobs, logs, schedulers, slices, tokens
from .door import refuse_large
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
    """JSON as its standard has it (no NaN), of a size that is looked at before it is read."""

    def parse_body(self, request: HttpRequest) -> Any:
        refuse_large(request)
        try:
            return json.loads(request.body, parse_constant=_no_constant)
        except RecursionError:
            raise Refused(400, "The body is nested too deeply.") from None
        except ValueError as error:
            raise Refused(400, f"The body is no JSON: {error}") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


class Api(NinjaAPI):
    def create_response(self, request: HttpRequest, data: Any, **how: Any) -> HttpResponse:
        response = super().create_response(request, data, **how)
        if response.status_code != 200 or request.method not in ("GET", "HEAD"):
            response.headers.setdefault("Cache-Control", "no-store")
            return response
        response.headers.setdefault("Cache-Control", "private, no-cache")
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
for module in (apps, actions, jobs, events, slices, logs, files, datasets, document, schedulers, tokens):
    api.add_router("", module.router)


# --- what goes wrong ----------------------------------------------------------------------------------------


@api.exception_handler(Refused)
def _refused(request: HttpRequest, error: Refused) -> HttpResponse:  # noqa: ARG001
    return of_refused(error)


@api.exception_handler(RoostError)
def _roost(request: HttpRequest, error: RoostError) -> HttpResponse:  # noqa: ARG001
    return of_roost(error)


@api.exception_handler(Http404)
def _not_found(request: HttpRequest, error: Http404) -> HttpResponse:  # noqa: ARG001
    return problem(404)


@api.exception_handler(HttpError)
def _http(request: HttpRequest, error: HttpError) -> HttpResponse:  # noqa: ARG001
    return problem(error.status_code, "" if error.status_code == 401 else str(error))


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
    "422": "Something in the request is wrong",
    "429": "Too many wrong tries",
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
