"""/apps and /templates: what jobs may be made from."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from ninja import Router, Schema
from pydantic import Field

from jobs_app import job_templates, orders, permissions, registry, schemas
from jobs_app.errors import RoostError
from jobs_app.models import Template

from .door import Request, door
from .types import Text

router = Router(tags=["apps and templates"])


class AppOut(Schema):
    app: str
    name: str
    description: str


class TemplateOut(Schema):
    app: str
    name: str
    version: int
    type: str
    description: str


class TemplateDetail(TemplateOut):
    parameters: dict[str, Any]
    takes: dict[str, Any] = Field(description="JSON Schema of what you may give for a job of it")


@router.get("/apps", response=list[AppOut], auth=door("jobs:read"), summary="The apps")
def apps(request: Request) -> Any:  # noqa: ARG001
    return [_app(app) for app in sorted(registry.apps(), key=lambda app: app.label)]


def _app(app: registry.App) -> dict[str, Any]:
    said = (app.cls.__doc__ or "").strip().partition("\n")[0] if app.cls else ""
    return {"app": app.label, "name": getattr(app.cls, "name", "") or app.label, "description": said}


@router.get("/templates", response=list[TemplateOut], auth=door("jobs:read"), summary="The templates")
def templates(request: Request, app: Text = "") -> Any:
    """Those that you may use, as the apps' code declares them now. An app that does not load stands in
    nobody's way."""
    known = [registry.find(app)] if app else list(registry.apps())
    for each in known:
        _synchronise(each)
    rows = Template.objects.filter(current=True, app__in=[each.label for each in known])
    return [_brief(row) for row in rows.order_by("app", "name") if _is_open(request.auth, row)]


def _is_open(person: Any, row: Template) -> bool:
    return permissions.may_use(person, row.app, row.name)


def _synchronise(app: registry.App) -> None:
    try:
        job_templates.synchronise(app)
    except RoostError:  # said by `manage.py templates`; here its former templates are shown
        return


@router.get(
    "/templates/{app}/{name}", response=TemplateDetail, auth=door("jobs:read"), summary="One template"
)
def template(request: Request, app: Text, name: Text) -> Any:
    """With the JSON Schema of what you may give for a job of it."""
    found = job_templates.find(registry.find(app), name)
    if not _is_open(request.auth, found):
        raise Http404
    takes = frozenset(orders.open_parameters(request.auth, schemas.names_of(found)))
    schema = schemas.of_template(found, takes)
    return {**_brief(found), "parameters": found.parameters, "takes": schema}


def _brief(row: Template) -> dict[str, Any]:
    said = str(row.parameters.get("description", ""))
    return {"app": row.app, "name": row.name, "version": row.version, "type": row.type, "description": said}
