"""python -m jobs_app.previews.rows FORMAT FIRST LIMIT PLAIN < names of Parquet files, as JSON

Rows of a table that lies in several files, one after the other. Run by apart.py: a file may be made to need
more memory or time than there is, and then only this process ends.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import math
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from .apart import limit_this_process

BATCH = 4096  # rows that are held while the first wanted one is looked for
LIMITS = {"thrift_string_size_limit": 64 << 20, "thrift_container_size_limit": 1 << 20}
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def main(form: str, first: str, limit: str, plain: str) -> bytes:
    """ "+" and the answer, or "-" and what is wrong."""
    paths = json.loads(sys.stdin.read())
    import pyarrow  # before there are limits: it is large

    limit_this_process()
    try:
        table = _table(paths, int(first), int(limit))
        return b"+" + _WRITERS[form](table, int(first), bool(plain))
    except (pyarrow.ArrowException, OSError, OverflowError, ValueError) as error:
        return b"-" + str(error).encode("utf-8", "replace")[:500]
    except MemoryError:
        return b"-it needs more memory than this may take. Ask for fewer rows, or download it."


def _table(paths: Sequence[str], first: int, limit: int) -> Any:
    import pyarrow as pa

    tables = [pa.Table.from_batches([piece]) for piece in _pieces(paths, first, limit)]
    return pa.concat_tables(tables, promote_options="default") if tables else pa.table({})


def _pieces(paths: Sequence[str], first: int, limit: int) -> Iterator[Any]:
    """Only row groups that hold wanted rows are read."""
    from pyarrow import parquet

    for path in paths:
        if limit <= 0:
            return
        with parquet.ParquetFile(path, **LIMITS) as source:
            groups, first = _groups_from(source, first)
            for batch in source.iter_batches(BATCH, groups, use_threads=False) if groups else ():
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


def _as_json(table: Any, first: int, plain: bool) -> bytes:  # noqa: ARG001
    rows = [{name: _said(value) for name, value in row.items()} for row in table.to_pylist()]
    return json.dumps({"first": first, "rows": rows}, default=str).encode()


def _said(value: Any) -> Any:
    """As JSON can say it: bytes in base64, and what is no number as null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list):
        return [_said(each) for each in value]
    if isinstance(value, dict):
        return {str(name): _said(each) for name, each in value.items()}
    return value


def _as_csv(table: Any, first: int, plain: bool) -> bytes:  # noqa: ARG001
    target = io.StringIO()
    writer = csv.writer(target)
    cell = _said if plain else _harmless
    writer.writerow([cell(name) for name in table.column_names])
    columns = [column.to_pylist() for column in table.columns]
    writer.writerows([cell(value) for value in row] for row in zip(*columns, strict=True))
    return target.getvalue().encode()


def _harmless(value: Any) -> Any:
    """A spreadsheet takes text that begins like this for a formula, and runs it."""
    said = _said(value)
    return f"'{said}" if isinstance(said, str) and said.startswith(FORMULA) else said


def _as_arrow(table: Any, first: int, plain: bool) -> bytes:  # noqa: ARG001
    import pyarrow as pa

    target = io.BytesIO()
    with pa.ipc.new_stream(target, table.schema) as writer:
        writer.write_table(table)
    return target.getvalue()


_WRITERS = {"json": _as_json, "csv": _as_csv, "arrow": _as_arrow}


if __name__ == "__main__":
    sys.stdout.buffer.write(main(*sys.argv[1:]))
