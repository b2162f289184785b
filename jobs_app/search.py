"""Filters on state points, as SQL: {"a": 1, "b.c": {"$lt": 5}}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet

from jobs_app.errors import Invalid
from jobs_app.models import Job
from jobs_app.parameters import unknown

MOST, DEEPEST, MOST_IN = 100, 20, 1000
LARGEST = 2**63 - 1  # whole numbers of a database
_COMPARISONS = {"$lt": "__lt", "$lte": "__lte", "$gt": "__gt", "$gte": "__gte", "$eq": "", "$in": "__in"}
_OPERATORS = (*_COMPARISONS, "$ne", "$nin", "$exists")


def by_statepoint(jobs: QuerySet[Job], wanted: Mapping[str, Any]) -> QuerySet[Job]:
    """Keys with dots reach into mappings; all conditions must hold."""
    _refuse_huge(wanted)
    condition = Q(statepoint__isnull=False)
    for key, value in wanted.items():
        condition &= _condition(_path(key), value)
    return jobs.filter(condition)


def _refuse_huge(wanted: Mapping[str, Any]) -> None:
    """Each condition is a part of the database's query, and each level of it another one."""
    level: list[Any] = [wanted]
    number = 0
    for _ in range(DEEPEST):
        level = [item for value in level if isinstance(value, Mapping) for item in value.values()]
        number += len(level)
        if not level and number <= MOST:
            return
    raise Invalid(f"This search is too large: up to {MOST} conditions, {DEEPEST} mappings deep.")


def _path(key: Any) -> str:
    parts = str(key).split(".")
    if len(parts) > DEEPEST:
        raise Invalid(f"{str(key)[:80]!r} cannot be searched for: more than {DEEPEST} dots.")
    if not all(parts) or any("__" in part for part in parts):
        raise Invalid(
            f"{key!r} cannot be searched for. Write the key of the state point; dots go into mappings."
        )
    return "__".join(("statepoint", *parts))


def _condition(path: str, value: Any) -> Q:
    if not isinstance(value, Mapping):
        return _equal(path, value)
    operators = [key for key in value if str(key).startswith("$")]
    if not operators:
        return _inside(path, value)
    condition = Q()
    for operator in value:
        condition &= _operation(path, operator, value[operator])
    return condition


def _equal(path: str, value: Any) -> Q:
    return Q(**{path: value})


def _inside(path: str, value: Mapping[str, Any]) -> Q:
    condition = Q()
    for key, item in value.items():
        condition &= _condition(f"{path}__{key}", item)
    return condition


def _operation(path: str, operator: Any, value: Any) -> Q:
    if operator not in _OPERATORS:
        raise Invalid(unknown("operator", operator, _OPERATORS, "a search"))
    if operator == "$exists":
        return _has(path) if value else ~_has(path)
    if operator in ("$ne", "$nin"):
        return _has(path) & ~_operation(path, "$eq" if operator == "$ne" else "$in", value)
    return Q(**{path + _COMPARISONS[operator]: _operand(operator, value)})


def _operand(operator: str, value: Any) -> Any:
    """What the database can compare with."""
    if operator == "$eq":
        return value
    if operator == "$in":
        if not isinstance(value, list) or len(value) > MOST_IN or any(map(_is_nested, value)):
            raise Invalid(f"$in and $nin take a list of up to {MOST_IN} plain values.")
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise Invalid(f"{operator} takes a number or a text; {str(value)[:80]} is neither.")
    return float(value) if isinstance(value, int) and abs(value) > LARGEST else value


def _is_nested(value: Any) -> bool:
    return isinstance(value, (Mapping, list))


def _has(path: str) -> Q:
    parent, _, key = path.rpartition("__")
    return Q(**{f"{parent}__has_key": key})
