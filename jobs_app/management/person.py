"""The person at this terminal: jobs that commands create are theirs."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User

from jobs_app.errors import Invalid
from jobs_app.models import Job
from jobs_app.permissions import Operator


def local() -> User:
    """A user of the name that this machine knows, without a password: made at the first need."""
    return _named(login())


def acting(options: Mapping[str, Any]) -> User | Operator | None:
    """In whose name a command acts on jobs. Who has no account here (root, cron, a service's account) acts as
    a program, which may; whoever has one may what `permissions` says, unless they say that they are the
    operator."""
    known = here()
    if options.get("as_operator"):
        return Operator(known.name, known.pk)
    return None if known.pk is None else get_user_model().objects.get(pk=known.pk)


@dataclass(frozen=True)
class Here:
    """Who types, for the audit trail: also where Roost knows no user of this name."""

    name: str
    pk: int | None

    def get_username(self) -> str:
        return self.name


def here() -> Here:
    name = login()
    return Here(name, get_user_model().objects.filter(username=name).values_list("pk", flat=True).first())


def _named(name: str) -> User:
    user, fresh = get_user_model().objects.get_or_create(username=name)
    if fresh:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user


def login() -> str:
    try:
        return getpass.getuser()[:150] or "demo"
    except (KeyError, OSError):  # a container's number that has no name
        return "demo"


def called(name: str) -> User:
    found = get_user_model().objects.filter(username=name).first()
    if found is None:
        raise Invalid(f"There is no user {name!r}.")
    return found


def owns(job: Job) -> bool:
    return job.user is not None and job.user.get_username() == login()
