"""The jobs that somebody may see: filtered, sorted, a page at a time, with what may be done to them."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from jobs_app import listing, permissions, states
from jobs_app.errors import Invalid
from jobs_app.gizmos import actions, columns, rows
from jobs_app.gizmos.definition import Definition, seal
from jobs_app.models import ChosenColumns, Job, SavedFilter, Scheduler, Template

from .filters import GROUPS, Chosen
from .new_job import offered
from .security import Request

PAGE = 50
LEAST_TO_COUNT = 0.01  # seconds

# What one may choose to see, and what one sees before having chosen.
CATALOGUE = (
    *("name", "id", "status", "slices", "app", "template", "method", "type", "scheduler", "user"),
    *("creation_time", "start_time", "completion_time", "run_time", "description", "priority"),
)
USUAL = ("name", "id", "status", "slices", "app", "user", "creation_time", "run_time")
SORTED_BY = {
    "creation_time": "created",
    "completion_time": "ended",
    "name": "name",
    "status": "status",
    "app": "app",
}
ACTIONS = tuple(name for name in actions.DEFAULT if name != "monitor")
BULK = ("run", "pause", "resume", "rerun", "resubmit", "terminate", "delete")


@dataclass(frozen=True)
class Header:
    column: columns.Column
    url: str = ""  # sorts by it
    order: str = ""  # "ascending", "descending"


@require_GET
def jobs(request: Request) -> HttpResponse:
    begun = time.monotonic()
    chosen = Chosen.of(request.GET)
    page, wrong = _page(request, chosen)
    spent = time.monotonic() - begun
    names = _columns(request.user)
    settled = chosen.sort == "-created" and chosen.is_plain
    definition = _definition(names, follow=not request.GET.get("after"), filtered=not settled)
    drawn = rows.rows(page.jobs, definition, request.user)
    ids = [row.job.pk for row in drawn]
    context: dict[str, Any] = {
        "rows": drawn,
        "drawn": rows.draw(drawn).values(),
        "page": page,
        "chosen": chosen,
        "wrong": [*chosen.wrong, *wrong],
        "definition": definition,
        "headers": [_header(column, chosen) for column in definition.columns],
        "sealed": seal(definition, ids, request.user.pk),
        "etag": rows.etag(rows.stamps_of(drawn, definition, request.user)),
        "bulk": _bulk(definition),
        "until": timezone.now().isoformat(),
        "can_make": not page.jobs and chosen.is_plain and bool(offered(request.user)),
        "numbered": None if wrong else _numbered(request, chosen, page),
        "count": None if wrong or request.GET.get("after") else _count(request, chosen, page, spent),
        "here": request.get_full_path(),
        "began": bool(request.GET.get("after")),
        "newest": _address(chosen),
        "older": _address(chosen, page.next) if page.next else "",
        "catalogue": [(name, columns.header_of(name), name in names) for name in CATALOGUE],
        **_choices(request, chosen),
    }
    return render(request, "jobs/list.html", context)


def _page(request: Request, chosen: Chosen) -> tuple[listing.Page, list[str]]:
    """And what could not be understood."""
    try:
        wanted = chosen.wanted(request.user)
        return _fetched(request, wanted), []
    except Invalid as error:
        return listing.Page([]), [str(error)]


def _fetched(request: Request, wanted: listing.Wanted) -> listing.Page:
    """A cursor that leads nowhere leads to the first page."""
    try:
        return listing.fetch(request.user, wanted, PAGE, request.GET.get("after", ""))
    except Invalid:
        return listing.fetch(request.user, wanted, PAGE)


def _count(request: Request, chosen: Chosen, page: listing.Page, spent: float) -> listing.Count:
    """Of a first page: it may hold all of them, and there are no fewer than it holds."""
    here = len(page.jobs)
    if not page.next:
        return listing.Count(here, exact=True)
    budget = max(LEAST_TO_COUNT, listing.COUNTING - spent)
    found = listing.count(request.user, chosen.wanted(request.user), budget)
    return found if found.number >= here else listing.Count(here, exact=False)


def _numbered(request: Request, chosen: Chosen, page: listing.Page) -> Job | None:
    """The job whose number was typed, if it is found, but not on the first page: of a million it may be the
    last."""
    wanted = chosen.wanted(request.user)
    if wanted.number is None or request.GET.get("after"):
        return None
    if any(job.pk == wanted.number for job in page.jobs):
        return None
    found = listing.fetch(request.user, replace(wanted, ids=(wanted.number,)), 1).jobs
    return found[0] if found else None


def _definition(names: tuple[str, ...], *, follow: bool = False, filtered: bool = False) -> Definition:
    kept, shown = tuple(actions.kept(ACTIONS)), columns.columns(names)
    return Definition(
        shown,
        kept,
        show_status=False,
        select=True,
        follow=follow,
        filtered=filtered,
        results_url="job-files",
    )


def _bulk(definition: Definition) -> list[tuple[int, str]]:
    """Their numbers among the table's actions, and their words."""
    return [
        (number, action.word)
        for number, (name, action) in enumerate(zip(definition.actions, definition.known, strict=True))
        if name in BULK and action is not None
    ]


def _header(column: columns.Column, chosen: Chosen) -> Header:
    name = SORTED_BY.get(column.path)
    if name is None:
        return Header(column)
    falling = chosen.sort == f"-{name}"
    order = "descending" if falling else "ascending" if chosen.sort == name else ""
    first = f"-{name}" if name in ("created", "ended") else name
    other = name if falling else f"-{name}"
    return Header(column, _address(chosen, sort=other if order else first), order)


def _address(chosen: Chosen, after: str = "", **changed: Any) -> str:
    query = "&".join(part for part in (chosen.query(**changed), f"after={after}" if after else "") if part)
    return reverse("jobs") + (f"?{query}" if query else "")


def _choices(request: Request, chosen: Chosen) -> dict[str, Any]:
    """What the form offers."""
    may_see_all = permissions.sees_all(request.user)
    templates = list(Template.objects.values_list("app", "name").distinct()[:300])
    saved = SavedFilter.objects.filter(user=request.user).order_by("name")
    query = chosen.query()
    return {
        "states": [*GROUPS.items(), *states.CHOICES],
        "apps": sorted({app for app, _ in templates}),
        "templates": sorted({name for _, name in templates}),
        "schedulers": list(Scheduler.objects.order_by("name").values_list("name", flat=True)[:100]),
        "may_see_all": may_see_all,
        "everybodys": may_see_all and not chosen.mine,
        "query": query,
        "saved": [(each, _saved_address(each), each.query == query) for each in saved],
    }


# --- columns ----------------------------------------------------------------------------------------------


def _columns(user: Any) -> tuple[str, ...]:
    found = ChosenColumns.objects.filter(user=user).values_list("columns", flat=True).first()
    known = tuple(name for name in found or () if name in CATALOGUE)
    return known or USUAL


@require_POST
def choose_columns(request: Request) -> HttpResponse:
    """None at all: the usual ones again."""
    chosen = [name for name in CATALOGUE if name in request.POST.getlist("column")]
    ChosenColumns.objects.update_or_create(user=request.user, defaults={"columns": chosen})
    return redirect(_back(request))


# --- saved filters ------------------------------------------------------------------------------------------


@require_POST
def save_filter(request: Request) -> HttpResponse:
    name = " ".join(request.POST.get("name", "").split())[:60]
    mine = _saved(request)
    if not name.isprintable() or not name:
        messages.error(request, "A filter is saved under a name: say which.")
    elif mine.count() >= SavedFilter.MOST and not mine.filter(name=name).exists():
        messages.error(request, f"You have {SavedFilter.MOST} saved filters. Remove one first.")
    else:
        query = Chosen.of(_query(request)).query()
        SavedFilter.objects.update_or_create(user=request.user, name=name, defaults={"query": query[:4000]})
        messages.success(request, f"Saved as “{name}”.")
    return redirect(_back(request))


@require_POST
def remove_filter(request: Request, pk: int) -> HttpResponse:
    _saved(request).filter(pk=pk).delete()
    return redirect(_back(request))


def _saved(request: Request) -> QuerySet[SavedFilter]:
    return SavedFilter.objects.filter(user=request.user)


def _saved_address(saved: SavedFilter) -> str:
    return reverse("jobs") + (f"?{saved.query}" if saved.query else "")


def _query(request: Request) -> QueryDict:
    return QueryDict(request.POST.get("query", ""))


def _back(request: Request) -> str:
    """The table with the filter that was in use."""
    return _address(Chosen.of(_query(request)))
