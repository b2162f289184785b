"""/jobs/{id}/datasets: tables that a job wrote, by rows. Reading rows needs pyarrow on the server."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from django.http import Http404, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from jobs_app import inspection
from jobs_app.errors import BadName
from jobs_app.jobdir import files
from jobs_app.models import Job
from jobs_app.previews import apart
from jobs_app.previews.values import Unreadable
from jobs_app.web.file import etag_matches

from .answers import not_modified
from .door import Request, door, job_for
from .problems import Refused
from .types import JobId, Text

router = Router(tags=["datasets"])

FOLDER = "datasets"
LARGEST = 100_000
ARROW = "application/vnd.apache.arrow.stream"
KINDS = {"json": "application/json", "csv": "text/csv; charset=utf-8", "arrow": ARROW}


class DatasetOut(Schema):
    name: str
    slices: int


class DatasetDetail(DatasetOut):
    columns: dict[str, Any] = Field(description="what the job says of them (schema.json)")


class Rows(Schema):
    first: int = Field(default=0, ge=0, le=2**53)
    limit: int = Field(default=100, ge=1, le=LARGEST)
    format: Literal["json", "csv", "arrow"] = "json"
    raw: bool = Field(
        default=False,
        description="CSV as it is. Else text that a spreadsheet would run as a formula has a ' before it",
    )


@router.get(
    "/jobs/{pk}/datasets", response=list[DatasetOut], auth=door("files:read"), summary="List the datasets"
)
def datasets(request: Request, pk: JobId) -> Any:
    job = job_for(request, pk, what="files")
    root = job.directory / FOLDER if inspection.has_directory(job) else None
    folders = sorted(path for path in root.iterdir() if path.is_dir()) if root and root.is_dir() else []
    return [{"name": folder.name, "slices": len(_slices(folder))} for folder in folders]


@router.get(
    "/jobs/{pk}/datasets/{name}", response=DatasetDetail, auth=door("files:read"), summary="One dataset"
)
def dataset(request: Request, pk: JobId, name: Text) -> Any:
    folder = _folder(job_for(request, pk, what="files"), name)
    return {"name": name, "slices": len(_slices(folder)), "columns": _columns(folder)}


@router.get(
    "/jobs/{pk}/datasets/{name}/rows",
    auth=door("files:read"),
    summary="Rows of a dataset",
    openapi_extra={
        "responses": {
            200: {
                "description": "The rows",
                "content": {"application/json": {}, "text/csv": {}, ARROW: {}},
            },
            501: {"description": "The server has no pyarrow"},
        }
    },
)
def rows(request: Request, pk: JobId, name: Text, which: Query[Rows]) -> HttpResponse:
    folder = _folder(job_for(request, pk, what="files"), name)
    _needs_pyarrow()
    paths = _slices(folder)
    etag = _stamp(paths, which)
    if etag_matches(request, etag):
        return not_modified(etag)
    try:
        said = apart.rows(which.format, paths, which.first, which.limit, plain=which.raw)
    except apart.Busy as error:
        raise Refused(503, str(error)).with_header("Retry-After", "5") from error
    except Unreadable as error:
        raise Refused(409, f"{folder.name} cannot be read as Parquet: {error}") from error
    response = HttpResponse(said, content_type=KINDS[which.format])
    response.headers["ETag"], response.headers["Cache-Control"] = etag, "private, no-cache"
    response.headers["Content-Disposition"] = "attachment"
    return response


def _needs_pyarrow() -> None:
    if find_spec("pyarrow") is None:
        raise Refused(
            501, "Reading rows needs pyarrow on the server: pip install pyarrow. The files are at .../files."
        )


def _folder(job: Job, name: str) -> Path:
    if not inspection.has_directory(job):
        raise Http404
    try:
        folder = files.locate(job.directory, f"{FOLDER}/{name}")
    except BadName:
        raise Http404 from None
    if not folder.is_dir():
        raise Http404
    return folder


def _slices(folder: Path) -> list[Path]:
    found = [path for path in folder.glob("*.parquet") if path.stem.isdecimal() and files.is_plain_file(path)]
    return sorted(found, key=lambda path: int(path.stem))


def _columns(folder: Path) -> dict[str, Any]:
    try:
        return files.read_object(folder / "schema.json")
    except FileNotFoundError:
        return {}


def _stamp(paths: list[Path], which: Rows) -> str:
    """Changes with any of the files, and with what is asked for."""
    known = [(path.name, status.st_size, status.st_mtime_ns) for path in paths for status in [path.stat()]]
    text = repr((known, which.model_dump()))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
