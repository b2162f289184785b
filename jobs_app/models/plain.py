"""Plain SQL for the few looks that are made so often that building the query would be most of the work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection, models


def one_row(
    model: type[models.Model], columns: str, condition: str, values: Sequence[Any] = ()
) -> tuple[Any, ...] | None:
    """The first row. `columns` and `condition` are ours, never a user's; `values` are passed beside them."""
    statement = f"SELECT {columns} FROM {model._meta.db_table} WHERE {condition} LIMIT 1"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


def rows(statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All that a statement of ours finds; likewise."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
