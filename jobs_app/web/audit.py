"""Who did what, from where: for the staff."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from jobs_app.models import AuditEntry

from .security import Request

ROWS = 100
LARGEST = 2**63 - 1


@require_safe
def audit(request: Request) -> HttpResponse:
    if not request.user.is_staff:
        raise PermissionDenied("The audit trail is for the staff.")
    rows = AuditEntry.objects.order_by("-id")
    asked = {name: request.GET.get(name, "").strip() for name in ("job", "who", "before")}
    if (job := _number(asked["job"])) is not None:
        rows = rows.filter(job_id=job)
    if asked["who"]:
        rows = rows.filter(who=asked["who"].replace("\0", "")[:200])
    if (before := _number(asked["before"])) is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: ROWS + 1])
    more = found[ROWS - 1].pk if len(found) > ROWS else None
    return render(request, "audit.html", {"rows": found[:ROWS], "asked": asked, "more": more})


def _number(text: str) -> int | None:
    return min(int(text), LARGEST) if text.isascii() and text.isdecimal() and len(text) < 20 else None
