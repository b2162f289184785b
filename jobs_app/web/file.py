"""One file of a job. Pictures of known kinds and plain text may be looked at; anything else is saved."""

from __future__ import annotations

from pathlib import PurePosixPath

from django.http import FileResponse, Http404, HttpResponseBase
from django.views.decorators.http import require_safe

from jobs_app import inspection
from jobs_app.errors import BadName
from jobs_app.jobdir import files
from jobs_app.jobdir.layout import PRIVATE

from .security import FILES, Request, job_for

PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
TEXTS = (".txt", ".csv", ".tsv", ".json", ".log", ".md")


@require_safe
def job_file(request: Request, pk: int, name: str) -> HttpResponseBase:
    job = job_for(request.user, pk)
    if not inspection.has_directory(job):
        raise Http404
    try:
        path = files.locate(job.directory, name)
    except BadName as error:
        raise Http404 from error
    if path.relative_to(job.directory).parts[0] == PRIVATE or not files.is_plain_file(path):
        raise Http404
    kind = content_type(name)
    inline = kind != "application/octet-stream"
    response = FileResponse(path.open("rb"), as_attachment=not inline, filename=path.name, content_type=kind)
    response.headers["Content-Security-Policy"] = FILES
    return response


def content_type(name: str) -> str:
    ending = PurePosixPath(name).suffix.lower()
    if ending in TEXTS:
        return "text/plain; charset=utf-8"
    return PICTURES.get(ending, "application/octet-stream")
