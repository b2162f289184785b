"""/jobs/{id}/document: a JSON object beside the state point, for people's notes and programs' facts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Body, Header, Router

from jobs_app import audit, inspection, permissions
from jobs_app.jobdir import document
from jobs_app.models import Job
from jobs_app.parameters import json_mapping

from .door import Request, door, job_for
from .problems import Refused
from .types import JobId, Text

router = Router(tags=["document"])

Document = dict[str, Any]
IfMatch = Annotated[
    Text | None,
    Header(alias="If-Match", description="the ETag that you read; else the change is refused (412)"),
]


@router.get("/jobs/{pk}/document", response=Document, auth=door("jobs:read"), summary="The document")
def show(request: Request, pk: JobId, response: HttpResponse) -> Any:
    job = job_for(request, pk)
    found = document.read(job.paths) if inspection.has_directory(job) else {}
    response.headers["ETag"] = etag(found)
    return found


@router.put("/jobs/{pk}/document", response=Document, auth=door("jobs:write"), summary="Write it anew")
def put(
    request: Request, pk: JobId, response: HttpResponse, body: Body[Document], if_match: IfMatch = None
) -> Any:
    given = json_mapping(body)

    def replace(kept: Document) -> None:
        kept.clear()
        kept.update(given)

    return _changed(request, pk, response, replace, if_match)


@router.patch("/jobs/{pk}/document", response=Document, auth=door("jobs:write"), summary="Change some of it")
def patch(
    request: Request, pk: JobId, response: HttpResponse, body: Body[Document], if_match: IfMatch = None
) -> Any:
    """A JSON merge patch (RFC 7396): null removes a key, objects are merged."""
    given = json_mapping(body)
    return _changed(request, pk, response, lambda kept: merge(kept, given), if_match)


def _changed(
    request: Request,
    pk: int,
    response: HttpResponse,
    edit: Callable[[Document], None],
    if_match: str | None,
) -> Document:
    job = _with_directory(job_for(request, pk, permissions.EDIT))

    def checked(kept: Document) -> None:
        _refuse_other(kept, if_match)
        edit(kept)

    found = document.change(job.paths, checked)
    audit.tell(request.auth, "Changed the document.", job)
    response.headers["ETag"] = etag(found)
    return found


def _with_directory(job: Job) -> Job:
    if inspection.has_directory(job):
        return job
    raise Refused(409, f"Job {job.pk} has no directory yet: it is made when the job is executed.")


def _refuse_other(kept: Document, if_match: str | None) -> None:
    known = {each.strip() for each in (if_match or "*").split(",")}
    if not known & {"*", etag(kept)}:
        raise Refused(412, "The document was changed meanwhile. Read it again.")


def etag(found: Document) -> str:
    text = json.dumps(found, sort_keys=True)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def merge(kept: Document, given: Document) -> None:
    for name, value in given.items():
        if value is None:
            kept.pop(name, None)
        elif isinstance(value, dict):
            inner = kept[name] if isinstance(kept.get(name), dict) else {}
            merge(inner, value)
            kept[name] = inner
        else:
            kept[name] = value
