"""{% load roost %}{% jobs_table options %}: a JobsTable in an app's own page."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django import template
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from jobs_app.errors import Invalid
from jobs_app.gizmos import drawing, rows
from jobs_app.gizmos.definition import seal
from jobs_app.gizmos.jobs_table import JobsTable, Page
from jobs_app.models import Job
from jobs_app.web import zone
from jobs_app.web.cells import Bar
from jobs_app.web.cells import spaced as with_spaces

register = template.Library()
_TABLES = "roost_tables"
_NUMBER = re.compile(r"[0-9]{1,18}")


@register.simple_tag
def state_of(job: Job) -> SafeString:
    """Dot and word."""
    return drawing.state(job)


@register.simple_tag
def bar_of(bar: Bar | None) -> SafeString:
    """Slices as a stacked bar, or progress."""
    return drawing.bar(bar)


@register.filter
def spaced(number: int) -> str:
    """1 000 000"""
    return with_spaces(number)


@register.filter
def moment(text: str | None) -> datetime | None:
    """Of what is kept as JSON."""
    return datetime.fromisoformat(text) if text else None


@register.filter
def first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


@register.filter
def further_lines(text: str) -> str:
    """A traceback, say: shown apart, with its indents."""
    return text.strip().partition("\n")[2]


@register.simple_tag(takes_context=True)
def jobs_table(context: template.Context, options: JobsTable) -> SafeString:
    request = _request(context)
    whole: Any = context.render_context.dicts[0]  # of the page, not of the block alone
    number = whole[_TABLES] = whole.get(_TABLES, 0) + 1
    name = f"jobs-{number}"
    page = options.page(request.user, name, _start(request, name))
    with timezone.override(zone.of(request)):
        return render_to_string(
            "roost/jobs_table.html", _shown(request, options, page, first=number == 1), request
        )


def _request(context: template.Context) -> Any:
    request = context.get("request")
    if not isinstance(request, HttpRequest):
        raise Invalid(
            "{% jobs_table %} needs the request: render the page with render(request, ...), and keep "
            "django.template.context_processors.request in the settings."
        )
    return request


def _start(request: HttpRequest, name: str) -> int:
    given = request.GET.get(f"{name}-from", "")
    return int(given) if _NUMBER.fullmatch(given) else 0


def _shown(request: Any, options: JobsTable, page: Page, *, first: bool) -> dict[str, Any]:
    definition = page.definition
    return {
        "options": options,
        "definition": definition,
        "page": page,
        "drawn": rows.draw(page.rows).values(),
        "sealed": seal(definition, page.ids, request.user.pk),
        "etag": rows.etag(rows.stamps_of(page.rows, definition, request.user)),
        "here": request.get_full_path(),
        "newest": _address(request, definition.name, 0),
        "older": _address(request, definition.name, page.after) if page.after else "",
        "began": bool(_start(request, definition.name)),
        "first": first,
    }


def _address(request: HttpRequest, name: str, start: int) -> str:
    """This page with another part of this table."""
    query = request.GET.copy()
    query.pop(f"{name}-from", None)
    if start:
        query[f"{name}-from"] = str(start)
    text = query.urlencode()
    return f"{request.path}?{text}#{name}" if text else f"{request.path}#{name}"
