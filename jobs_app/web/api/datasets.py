"""/jobs/{id}/datasets: tables that a job wrote, by rows. Reading rows needs pyarrow on the server."""

from __future__ import annotations

import base64
import csv
import importlib
import io
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from django.http import Http404, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from jobs_app import inspection
from jobs_app.errors import BadName
from jobs_app.jobdir import files
from jobs_app.models import Job

from .door import Request, door, job_for
from .problems import Refused
from .types import JobId, Text

router = Router(tags=["datasets"])

FOLDER = "datasets"
LARGEST = 100_000
BATCH = 4096  # rows that are held while the first wanted one is looked for
ARROW = "application/vnd.apache.arrow.stream"


class DatasetOut(Schema):
    name: str
    slices: int


class DatasetDetail(DatasetOut):
    columns: dict[str, Any] = Field(description="what the job says of them (schema.json)")


class Rows(Schema):
    first: int = Field(default=0, ge=0, le=2**53)
    limit: int = Field(default=100, ge=1, le=LARGEST)
    format: Literal["json", "csv", "arrow"] = "json"


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
    table = _read(folder, which.first, which.limit)
    return _WRITERS[which.format](table, which)


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


# --- rows -------------------------------------------------------------------------------------------------


def _arrow(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise Refused(
            501, "Reading rows needs pyarrow on the server: pip install pyarrow. The files are at .../files."
        ) from None


def _read(folder: Path, first: int, limit: int) -> Any:
    """Whatever a job wrote: what is no table is told, and no row group is held whole."""
    pyarrow, parquet = _arrow("pyarrow"), _arrow("pyarrow.parquet")
    try:
        pieces = list(_pieces(parquet, _slices(folder), first, limit))
        tables = [pyarrow.Table.from_batches([piece]) for piece in pieces]
        return pyarrow.concat_tables(tables, promote_options="default") if tables else pyarrow.table({})
    except (pyarrow.ArrowException, OSError, OverflowError) as error:
        raise Refused(409, f"{folder.name} cannot be read as Parquet: {error}") from error


def _pieces(parquet: Any, slices: list[Path], first: int, limit: int) -> Iterator[Any]:
    """Only row groups that hold wanted rows are read."""
    for path in slices:
        if limit <= 0:
            return
        with parquet.ParquetFile(path) as source:
            groups, first = _groups_from(source, first)
            for batch in source.iter_batches(BATCH, groups) if groups else ():
                piece = batch.slice(first, limit)
                first = max(0, first - batch.num_rows)
                limit -= piece.num_rows
                if piece.num_rows:
                    yield piece
                if limit <= 0:
                    return


def _groups_from(source: Any, first: int) -> tuple[list[int], int]:
    """The row groups from that with the row `first` on, and that row's place among theirs."""
    for group in range(source.num_row_groups):
        length = source.metadata.row_group(group).num_rows
        if first < length:
            return [*range(group, source.num_row_groups)], first
        first -= length
    return [], first


def _as_json(table: Any, which: Rows) -> HttpResponse:
    rows = [{name: _plain(value) for name, value in row.items()} for row in table.to_pylist()]
    text = json.dumps({"first": which.first, "rows": rows}, default=str)
    return HttpResponse(text, content_type="application/json")


def _plain(value: Any) -> Any:
    """As JSON can say it: bytes in base64, and what is no number as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    return value


def _as_csv(table: Any, which: Rows) -> HttpResponse:  # noqa: ARG001
    target = io.StringIO()
    writer = csv.DictWriter(target, table.column_names)
    writer.writeheader()
    writer.writerows(table.to_pylist())
    return HttpResponse(target.getvalue(), content_type="text/csv; charset=utf-8")


def _as_arrow(table: Any, which: Rows) -> HttpResponse:  # noqa: ARG001
    pyarrow, target = _arrow("pyarrow"), io.BytesIO()
    with pyarrow.ipc.new_stream(target, table.schema) as writer:
        writer.write_table(table)
    return HttpResponse(target.getvalue(), content_type=ARROW)


_WRITERS = {"json": _as_json, "csv": _as_csv, "arrow": _as_arrow}
