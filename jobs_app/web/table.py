"""What every jobs table asks for, ours and those in apps' pages: its rows as they are now, and actions.

A table comes with its definition, signed by us. Rights are looked up anew for every row, at every request.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST

from jobs_app import listing
from jobs_app.errors import Invalid, NotAllowed
from jobs_app.gizmos import actions, rows
from jobs_app.gizmos.definition import Shown, unseal
from jobs_app.models import Job

from . import bulk
from .filters import Chosen
from .security import Request

HEADER = "Roost-Table"
_ACT = re.compile(r"([0-9]{1,3}):([0-9]{1,18})")
_JOB = re.compile(r"[0-9]{1,18}")
MOST_CHOSEN = 1000


# --- rows -----------------------------------------------------------------------------------------------


@require_GET
def table_rows(request: Request) -> HttpResponse:
    """The rows that differ from what the browser has, by its stamp; nothing at all (304) if none does."""
    shown = _unsealed(request.headers.get(HEADER, ""), request)
    if isinstance(shown, HttpResponse):
        return shown
    now = rows.stamps(shown.ids, shown.definition, request.user)
    known = rows.known_by(request.headers.get("If-None-Match", ""), len(now))
    headers = {"ETag": rows.etag(now), "Vary": HEADER}
    if known == now:
        return HttpResponse(status=304, headers=headers)
    numbered = list(zip(shown.ids, known, now, strict=False))  # behind the rows' stands that of newer jobs
    changed = [pk for pk, before, after in numbered if before != after and after]
    gone = [pk for pk, before, after in numbered if before != after and not after]
    drawn = rows.rows(rows.read(changed, shown.definition), shown.definition, request.user)
    newer = shown.definition.follow and known[-1] != now[-1]
    return JsonResponse({"rows": rows.draw(drawn), "gone": gone, "newer": newer}, headers=headers)


def _unsealed(text: str, request: Request) -> Shown | HttpResponse:
    try:
        return unseal(text, request.user.pk)
    except NotAllowed as error:
        return JsonResponse({"error": str(error)}, status=403)


# --- actions --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Order:
    """What somebody asks for: an action, and on which jobs."""

    action: actions.Known
    ids: tuple[int, ...]
    chosen: Chosen | None = None  # all that match, instead of `ids`
    until: datetime | None = None  # made up to then

    @property
    def many(self) -> bool:
        return self.chosen is not None or len(self.ids) > 1

    def count(self, person: Any) -> str:
        if self.chosen is None:
            return str(len(self.ids))
        return str(listing.count(person, self.wanted(person)))

    def wanted(self, person: Any) -> listing.Wanted:
        """By their numbers from the first on: what an action changes does not move them."""
        if self.chosen is None:
            raise ValueError("these jobs are named by their numbers")
        wanted = replace(self.chosen.wanted(person), sort="created")
        before = min(filter(None, (wanted.created_before, self.until)), default=None)
        return replace(wanted, created_before=before)

    def question(self, person: Any) -> str:
        if not self.many:
            return self._question_of_one(person) if self.action.question else ""
        what = "jobs that match this filter" if self.chosen is not None else "chosen jobs"
        number = self.count(person)
        return f"{self.action.word}: {number} {what}?" + (
            " Their files are deleted too." if self.action.word == "Delete" else ""
        )

    def _question_of_one(self, person: Any) -> str:
        """With the job's name, by which people know it."""
        found = (
            rows.readable(Job.objects.filter(pk=self.ids[0]), person).values_list("name", flat=True).first()
        )
        return "\n".join([self.action.question, *([f"{self.ids[0]} {found}"] if found else [])])


@require_POST
def table_act(request: Request) -> HttpResponseBase:
    try:
        shown = unseal(request.POST.get("table", ""), request.user.pk)
        order = _order(request.POST, shown)
        question = "" if request.POST.get("confirmed") else order.question(request.user)
        if question:
            return _ask(request, order, question)
        return _answer(request, order, _carry_out(request, order))
    except NotAllowed as error:
        if _wants_json(request):
            return JsonResponse({"error": str(error)}, status=403)
        raise PermissionDenied(str(error)) from error
    except Invalid as error:
        if _wants_json(request):
            return JsonResponse({"error": str(error)}, status=422)
        messages.error(request, str(error))
        return redirect(_next(request))


def _order(given: QueryDict, shown: Shown) -> Order:
    one = _ACT.fullmatch(given.get("act", ""))
    if one:
        number, ids = int(one[1]), _ids([one[2]])
    else:
        number, ids = _number(given.get("action", "")), _ids(given.getlist("job"))
    action = _action(shown, number)
    if one is None and given.get("scope") == "all" and shown.definition.select:
        until = _moment(given.get("until", "")) or timezone.now()
        return Order(action, (), Chosen.of(QueryDict(given.get("filter", ""))), until)
    if not ids:
        raise Invalid("No job is chosen. Tick the boxes before the rows, or take all that match.")
    if not set(ids) <= set(shown.ids):
        raise NotAllowed("A job is asked for that did not stand in this table. Load the page again.")
    return Order(action, ids)


def _action(shown: Shown, number: int) -> actions.Known:
    known: list[actions.Known | None] = shown.definition.known
    action = known[number] if 0 <= number < len(known) else None
    if action is None or isinstance(action, actions.Link):
        raise Invalid("Say what is to be done: choose an action.")
    return action


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else -1


def _ids(texts: Sequence[str]) -> tuple[int, ...]:
    if len(texts) > MOST_CHOSEN or not all(
        text.isascii() and text.isdigit() and len(text) < 19 for text in texts
    ):
        raise Invalid("These are no numbers of jobs.")
    return tuple(dict.fromkeys(map(int, texts)))


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if timezone.is_aware(found) else None


def _carry_out(request: Request, order: Order) -> bulk.Outcome:
    if order.chosen is None:
        outcome = bulk.Outcome()
        bulk.perform(order.action, order.ids, request.user, outcome)
        return outcome
    wanted = order.wanted(request.user)

    def more(cursor: str) -> tuple[list[int], str]:
        page = listing.fetch(request.user, wanted, bulk.TOGETHER, cursor, budget=bulk.SECONDS / 2)
        return [job.pk for job in page.jobs], page.next

    return bulk.perform_all(order.action, more, request.POST.get("left", ""), request.user)


# --- answers --------------------------------------------------------------------------------------------


def _ask(request: Request, order: Order, question: str) -> HttpResponse:
    said = {"ask": question, "word": order.action.word, "danger": order.action.danger}
    until = order.until.isoformat() if order.until else ""
    if _wants_json(request):
        return JsonResponse({**said, "until": until})
    fields = [*_kept(request, "confirmed", "until"), ("until", until)]
    return render(request, "roost/confirm.html", {**said, "fields": fields, "back": _next(request)})


def _answer(request: Request, order: Order, outcome: bulk.Outcome) -> HttpResponse:
    said = _said(order, outcome)
    if _wants_json(request):
        told = {"said": said, "done": outcome.done, "not_done": outcome.not_done, "reasons": outcome.reasons}
        return JsonResponse({**told, "left": outcome.left})
    if outcome.left:
        return _go_on(request, outcome, said)
    tell = messages.warning if outcome.not_done else messages.success
    tell(request, "\n".join([said, *outcome.reasons]))
    return redirect(_next(request))


def _go_on(request: Request, outcome: bulk.Outcome, said: str) -> HttpResponse:
    """Without a script the rest is done by another press of a button."""
    kept = [(name, value) for name, values in request.POST.lists() for value in values]
    fields = [
        (name, value) for name, value in kept if name not in ("csrfmiddlewaretoken", "left", "confirmed")
    ]
    fields.append(("left", outcome.left))
    lines = "\n".join([f"{said} There are more.", *outcome.reasons])
    context = {"ask": lines, "word": "Go on", "danger": False, "fields": fields, "back": _next(request)}
    return render(request, "roost/confirm.html", context)


def _kept(request: Request, *without: str) -> list[tuple[str, str]]:
    """The form again, for the next press."""
    lists = request.POST.lists()
    left_out = ("csrfmiddlewaretoken", *without)
    return [(name, str(value)) for name, values in lists if name not in left_out for value in values]


def _said(order: Order, outcome: bulk.Outcome) -> str:
    if outcome.said:
        return " ".join(outcome.said)
    if not order.many:
        return order.action.said if outcome.done else f"{order.action.word}: not done."
    not_done = f", not for {outcome.not_done}" if outcome.not_done else ""
    return f"{order.action.word}: done for {outcome.done} job{'' if outcome.done == 1 else 's'}{not_done}."


def _wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept", "").startswith("application/json")


def _next(request: HttpRequest) -> str:
    """Where to go back to: a place of ours, whatever stands in the form."""
    wanted = request.POST.get("next", "")
    return wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) else reverse("jobs")
