"""Whose share of a pool a job may use: groups by a setting, other people's names by a permission."""

from __future__ import annotations

from jobs_app import conf
from jobs_app.errors import NotAllowed
from jobs_app.models import Job

ANYBODYS = "jobs_app.choose_accounting"
EVERYBODY = "*"


def check_accounting(job: Job) -> None:
    """NotAllowed for what the job's owner may not charge. A program's own jobs are its own affair."""
    check_charge(job, job.get_attribute("accounting_group"), job.get_attribute("accounting_group_user"))


def check_charge(job: Job, wanted_group: object, wanted_user: object) -> None:
    user = job.user
    if user is None or user.has_perm(ANYBODYS):
        return
    group, other = str(wanted_group or ""), str(wanted_user or "")
    if group and not _may_charge(group, user):
        raise NotAllowed(
            f"{user.get_username()} may not use the accounting group {group!r}. ROOST_ACCOUNTING_GROUPS says "
            "who may; ask an administrator."
        )
    if other and other.lower() != user.get_username().lower():
        raise NotAllowed(
            f"accounting_group_user: {user.get_username()} cannot charge jobs to {other!r}. Leave it out, or "
            f"ask an administrator for the permission {ANYBODYS}."
        )


def _may_charge(group: str, user: object) -> bool:
    known = conf.accounting_groups()
    if known is None:
        return True
    allowed = set(known.get(group.lower(), ()))
    mine = {EVERYBODY, user.get_username(), *user.groups.values_list("name", flat=True)}  # type: ignore[attr-defined]
    return bool(allowed & mine)
