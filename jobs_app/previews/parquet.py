"""The schema of a Parquet file and its first rows."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .values import MOST_COLUMNS, MOST_ROWS, Part, Structure, Table, Unreadable, cell, counted

LARGEST_GROUP = 1 << 30  # bytes that a row group says it has, unpacked


def read(path: str) -> Structure:
    with pq.ParquetFile(path, thrift_string_size_limit=64 << 20, thrift_container_size_limit=1 << 20) as file:
        about = file.metadata
        groups, columns = counted(about.num_row_groups, "group"), counted(about.num_columns, "column")
        said = f"{counted(about.num_rows, 'row')} in {groups}, {columns}"
        return Structure(said, [Part("", "", _first_rows(file))])


def _first_rows(file: Any) -> Table:
    schema = file.schema_arrow
    fields = [schema.field(place) for place in range(min(len(schema), MOST_COLUMNS))]
    _refuse_huge(file.metadata)
    chosen = [field.name for field in fields]
    batches = file.iter_batches(batch_size=MOST_ROWS, columns=chosen, use_threads=False)
    batch = next(iter(batches), None)
    columns = batch.to_pydict() if batch is not None else {name: [] for name in chosen}
    rows = [[cell(value) for value in row] for row in zip(*columns.values(), strict=True)]
    numbers = {
        field.name: [None if value is None else float(value) for value in columns[field.name]]
        for field in fields
        if _is_number(field.type) and field.name in columns
    }
    more = file.metadata.num_rows > len(rows)
    kinds = [cell(str(field.type)) for field in fields]
    return Table(
        [cell(name) for name in columns], rows, kinds, more, max(0, len(schema) - MOST_COLUMNS), numbers
    )


def _refuse_huge(about: Any) -> None:
    if about.num_row_groups and about.row_group(0).total_byte_size > LARGEST_GROUP:
        raise Unreadable("Its first row group is larger than a preview may read. Download it.")


def _is_number(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
