"""Whose share of a pool a job may use: groups by a setting, other people's names by a permission."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs_app import conf
from jobs_app.errors import NotAllowed

ANYBODYS = "jobs_app.choose_accounting"
EVERYBODY = "*"


def check_accounting(user: Any, attributes: Mapping[str, Any]) -> None:
    """NotAllowed for what a job's owner may not charge, in whatever letters it is said. A program's own jobs
    are its own affair."""
    if user is None or user.has_perm(ANYBODYS):
        return
    for name, wanted in attributes.items():
        rule = _RULES.get(name.lower())
        if rule and wanted:
            rule(user, str(wanted))


def _check_group(user: Any, group: str) -> None:
    if not _may_charge(group, user):
        raise NotAllowed(
            f"{user.get_username()} may not use the accounting group {group!r}. ROOST_ACCOUNTING_GROUPS says "
            "who may; ask an administrator."
        )


def _check_user(user: Any, other: str) -> None:
    if other.lower() != user.get_username().lower():
        raise NotAllowed(
            f"accounting_group_user: {user.get_username()} cannot charge jobs to {other!r}. Leave it out, or "
            f"ask an administrator for the permission {ANYBODYS}."
        )


_RULES = {"accounting_group": _check_group, "accounting_group_user": _check_user}


def _may_charge(group: str, user: Any) -> bool:
    known = conf.accounting_groups()
    if known is None:
        return True
    allowed = set(known.get(group.lower(), ()))
    mine = {EVERYBODY, user.get_username(), *user.groups.values_list("name", flat=True)}
    return bool(allowed & mine)
