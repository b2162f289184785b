"""What a job was asked for: its parameters, its state point, its document, what is sent of it."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_http_methods, require_safe

from jobs_app import audit, inspection, permissions
from jobs_app.errors import Damaged, RoostError
from jobs_app.jobdir import document
from jobs_app.lifecycle.described import described
from jobs_app.models import Job
from jobs_app.parameters import json_mapping
from jobs_app.previews import tree
from jobs_app.previews.values import Unreadable

from .api.document import etag
from .security import ONLY_OWNER, Request, job_for

LARGEST_DOCUMENT = 1 << 20


@require_safe
def asked_page(request: Request, pk: int) -> HttpResponse:
    job = job_for(request.user, pk)
    kept, trouble = _document(job)
    context = {
        "job": job,
        "here": "asked",
        "parameters": as_tree(job.parameters),
        "statepoint": as_tree(job.statepoint),
        "extended": as_tree(job.extended_properties),
        "document": as_tree(kept),
        "document_trouble": trouble,
        "may_edit": inspection.has_directory(job)
        and permissions.allowed(request.user, permissions.EDIT, job),
        "form": inspection.form(job),
        **_sent(job),
    }
    return render(request, "jobs/asked.html", context)


def as_tree(value: Any) -> SafeString | None:
    if not value:
        return None
    try:
        return mark_safe(tree.html(json.dumps(value).encode()))  # noqa: S308 - escaped where it is made
    except Unreadable:
        return None


def _document(job: Job) -> tuple[dict[str, Any], str]:
    try:
        return (document.read(job.paths) if inspection.has_directory(job) else {}), ""
    except Damaged as error:
        return {}, str(error)


def _sent(job: Job) -> dict[str, Any]:
    try:
        found = described(job)
    except RoostError as error:
        return {"no_description": str(error)}
    return {"description": found}


# --- the document -------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def document_page(request: Request, pk: int) -> HttpResponse:
    """Two who edit it at once do not overwrite each other: who comes second is shown both."""
    job = job_for(request.user, pk)
    if not permissions.allowed(request.user, permissions.EDIT, job):
        raise PermissionDenied(ONLY_OWNER)
    if not inspection.has_directory(job):
        messages.error(request, "There is no directory yet: it is made when the job is executed.")
        return redirect("job-asked", pk)
    if request.method == "POST":
        return _save(request, job)
    return _edit(request, job, *_read(job))


def _read(job: Job) -> tuple[str, str]:
    kept, trouble = _document(job)
    if trouble:
        raise PermissionDenied(trouble)
    return json.dumps(kept, indent=2, ensure_ascii=False), etag(kept)


def _edit(
    request: Request,
    job: Job,
    text: str,
    version: str,
    trouble: str = "",
    theirs: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "job": job,
        "text": text,
        "version": version,
        "trouble": trouble,
        "theirs": theirs,
        "here": "asked",
    }
    return render(request, "jobs/document.html", context, status=status)


class _Changed(Exception):
    pass


def _save(request: Request, job: Job) -> HttpResponse:
    text, version = request.POST.get("text", ""), request.POST.get("version", "")
    try:
        given = _given(text)
    except (ValueError, RecursionError, RoostError) as error:
        return _edit(request, job, text, version, f"It is no JSON object: {error}", status=422)

    def replace(kept: dict[str, Any]) -> None:
        if etag(kept) != version:
            raise _Changed
        kept.clear()
        kept.update(given)

    try:
        document.change(job.paths, replace)
    except _Changed:
        theirs, now = _read(job)
        trouble = "Somebody has changed it meanwhile. Theirs is below; saving again replaces it by yours."
        return _edit(request, job, text, now, trouble, theirs, status=412)
    audit.tell(request.user, "Changed the document.", job)
    messages.success(request, "The document is saved.")
    return redirect("job-asked", job.pk)


def _given(text: str) -> dict[str, Any]:
    if len(text) > LARGEST_DOCUMENT:
        raise ValueError(f"it is longer than {LARGEST_DOCUMENT} characters")
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("it must be an object: {...}")
    return dict(json_mapping(value))
