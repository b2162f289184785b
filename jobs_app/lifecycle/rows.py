"""Many rows, each with values of its own, in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models


def update_each(model: type[models.Model], names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """`rows`: the values in the order of `names`, then the primary key."""
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    columns = ", ".join(f"{connection.ops.quote_name(field.column)} = %s" for field in fields)
    table = connection.ops.quote_name(model._meta.db_table)
    values = [(*_prepared(fields, row), row[-1]) for row in rows]
    if not values:
        return
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {table} SET {columns} WHERE id = %s", values)  # noqa: S608


def _prepared(fields: Sequence[Any], row: tuple[Any, ...]) -> Iterable[Any]:
    return (field.get_db_prep_save(value, connection) for field, value in zip(fields, row, strict=False))
