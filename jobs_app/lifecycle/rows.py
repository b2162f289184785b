"""Many rows in few statements. Rows that get the same values are written together, whatever their number."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models

FEW = 3  # rows that get the same values are written one by one up to here

Alike = tuple[Sequence[Any], Sequence[int]]  # values, and the keys of the rows that get them


Fields = Sequence[Any]


def update_each(model: type[models.Model], names: Sequence[str], changes: Iterable[Alike]) -> None:
    """`changes`: values in the order of `names`, and the primary keys of the rows that get them."""
    fields: Fields = [model._meta.get_field(name) for name in names]
    columns = ", ".join(f"{_quoted(field.column)} = %s" for field in fields)
    update = f"UPDATE {_quoted(model._meta.db_table)} SET {columns} WHERE id "  # noqa: S608
    _write(f"{update}= %s", f"{update}{_AMONG[connection.vendor]}", fields, changes)


def insert_each(model: type[models.Model], names: Sequence[str], key: str, changes: Iterable[Alike]) -> None:
    """New rows: values in the order of `names`, and in the field `key` the row of another table, one each."""
    fields: Fields = [model._meta.get_field(name) for name in (*names, key)]
    columns = ", ".join(_quoted(field.column) for field in fields)
    insert, places = f"INSERT INTO {_quoted(model._meta.db_table)} ({columns})", "%s, " * len(names)
    one, many = f"{insert} VALUES ({places}%s)", f"{insert} SELECT {places}{_EACH[connection.vendor]}"
    _write(one, many, fields[:-1], changes)


def insert_rows(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """New rows: values in the order of `names`."""
    fields: Fields = [model._meta.get_field(name) for name in names]
    columns, places = ", ".join(_quoted(field.column) for field in fields), ", ".join(["%s"] * len(fields))
    insert = f"INSERT INTO {_quoted(model._meta.db_table)} ({columns}) VALUES ({places})"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(insert, [_stored(fields, row) for row in rows])


_AS_THEY_ARE = frozenset({int, str, bool, type(None)})


def _stored(fields: Fields, values: Sequence[Any]) -> list[Any]:
    return [_prepared(field, value) for field, value in zip(fields, values, strict=True)]


def _prepared(field: Any, value: Any) -> Any:
    """As the database takes it. Of thousands of rows most values need no look by Django."""
    if type(value) in _AS_THEY_ARE and not isinstance(field, models.JSONField):
        return value
    return field.get_db_prep_save(value, connection)


def _write(one: str, many: str, fields: Fields, changes: Iterable[Alike]) -> None:
    """A statement for each set of many rows; one for all others together."""
    few: list[tuple[Any, ...]] = []
    with connection.cursor() as cursor:
        for values, keys in changes:
            stored = _stored(fields, values)
            if len(keys) <= FEW:
                few += [(*stored, key) for key in keys]
            else:
                cursor.execute(many, (*stored, _listed(keys)))
        if few:
            cursor.executemany(one, few)


# A list of keys is one parameter.
_AMONG = {"sqlite": "IN (SELECT value FROM json_each(%s))", "postgresql": "= ANY(%s)"}
_EACH = {"sqlite": "value FROM json_each(%s)", "postgresql": "unnest(%s::bigint[])"}


def among_values(values: Sequence[Any]) -> tuple[str, Any]:
    """A condition for one of these values, and its parameter: thousands of parameters take long to read."""
    return _AMONG[connection.vendor], _listed(values)


def _listed(keys: Sequence[Any]) -> str:
    """As the text that the database reads: to turn thousands of values one by one takes longer than to find
    their rows."""
    if connection.vendor == "sqlite":
        return json.dumps(list(keys))
    return "{" + ",".join(str(key) if type(key) is int else _quoted_element(str(key)) for key in keys) + "}"


def _quoted_element(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _quoted(name: str) -> str:
    quoted: str = connection.ops.quote_name(name)
    return quoted
