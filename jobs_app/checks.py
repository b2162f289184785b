"""A wrong setting is a check with a hint, not a traceback at night."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import connection

from jobs_app import conf, secrets
from jobs_app.errors import SecretLost

_SECONDS = {"connect", "banner", "login", "idle", "probe", "answer"}
SEALED = ("password", "private_key", "private_key_pass")


@checks.register("roost")
def settings_are_usable(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:  # noqa: ARG001
    return [
        *_home(),
        *_numbers(),
        *_background(),
        *_public_url(),
        *_open_callbacks(),
        *_roots(),
        *_secrets_key(),
        *_ssh_seconds(),
    ]


def _home() -> Iterator[checks.CheckMessage]:
    home = conf.home()
    if not home.is_absolute():
        yield checks.Error(
            f"ROOST_HOME = {str(home)!r} is relative, so every process would look somewhere else.",
            hint="Give an absolute path.",
            id="roost.E001",
        )
    elif not _writable(home):
        yield checks.Error(
            f"ROOST_HOME = {str(home)!r} cannot be written by this user.",
            hint="Give a folder that it may write, or change the owner of this one.",
            id="roost.E002",
        )
    if "$(" in str(home):
        yield checks.Error(
            f"ROOST_HOME = {str(home)!r} contains '$(', which begins a variable in templates.",
            hint="Choose another name.",
            id="roost.E003",
        )


def _writable(folder: Path) -> bool:
    """Whether files can be made in it, or in what would hold it."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return os.access(folder, os.W_OK | os.X_OK)


def _numbers() -> Iterator[checks.CheckMessage]:
    for name in ("ROOST_SLICES", "ROOST_SLOTS", "ROOST_MATERIALIZE_FROM", "ROOST_MATERIALIZE_AT_ONCE"):
        value = getattr(settings, name, None)
        if value is not None and not (isinstance(value, int) and value > 0):
            yield checks.Error(
                f"{name} = {value!r} is not a whole number above 0.",
                hint="Leave it out for its default (docs/settings.md).",
                id="roost.E004",
            )


def _background() -> Iterator[checks.CheckMessage]:
    if conf.background() not in ("threads", "celery"):
        yield checks.Error(
            f"ROOST_BACKGROUND = {conf.background()!r} is not known.",
            hint='Say "threads" or "celery".',
            id="roost.E005",
        )
    elif conf.background() == "celery" and not getattr(settings, "CELERY_BROKER_URL", ""):
        yield checks.Error(
            'ROOST_BACKGROUND is "celery", but there is no broker.',
            hint="Set ROOST_REDIS_URL (CELERY_BROKER_URL), or leave ROOST_BACKGROUND out.",
            id="roost.E006",
        )


def _public_url() -> Iterator[checks.CheckMessage]:
    url = conf.public_url()
    if url and not url.startswith(("http://", "https://")):
        yield checks.Error(
            f"ROOST_PUBLIC_URL = {url!r} is no web address.",
            hint='Write it in full: "https://roost.example.org".',
            id="roost.E007",
        )


def _open_callbacks() -> Iterator[checks.CheckMessage]:
    if conf.open_callbacks():
        yield checks.Warning(
            "ROOST_OPEN_CALLBACKS is on: whoever reaches this server may have any job looked at.",
            hint="Leave it out unless nobody but the pools can reach this server.",
            id="roost.W030",
        )


def _roots() -> Iterator[checks.CheckMessage]:
    for root in conf.workspace_roots():
        if not root.is_absolute():
            yield checks.Error(
                f"ROOST_WORKSPACE_ROOTS holds {str(root)!r}, which is relative.",
                hint="Give absolute paths.",
                id="roost.E008",
            )


def _ssh_seconds() -> Iterator[checks.CheckMessage]:
    given = getattr(settings, "ROOST_SSH_SECONDS", {})
    numbers = isinstance(given, dict) and all(isinstance(value, (int, float)) for value in given.values())
    if not numbers or not set(given) <= _SECONDS:
        yield checks.Error(
            f"ROOST_SSH_SECONDS = {given!r} is no mapping from waiting times to seconds.",
            hint=f"There are {', '.join(sorted(_SECONDS))}.",
            id="roost.E023",
        )


def _secrets_key() -> Iterator[checks.CheckMessage]:
    try:
        secrets.check_setting()
    except SecretLost as error:
        yield checks.Error(str(error), hint="It looks like " + secrets.HOW_TO_MAKE_A_KEY, id="roost.E020")
    if not secrets.in_setting() and secrets.is_open_to_others():
        yield checks.Warning(
            f"{secrets.file()} can be read by others, and it opens the passwords and keys in the database.",
            hint=f"chmod 600 {secrets.file()}; then `manage.py schedulers rotate-key`, as it may be known.",
            id="roost.W021",
        )


@checks.register("roost", checks.Tags.database)
def secrets_can_be_opened(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:  # noqa: ARG001
    from jobs_app.models import Scheduler

    if not kwargs.get("databases") or not _has_schedulers():
        return []
    rows = Scheduler.objects.all()
    lost = [f"{row} ({', '.join(names)})" for row in rows if (names := _unreadable(row))]
    if not lost:
        return []
    return [
        checks.Warning(
            f"Secrets of schedulers cannot be opened with the key of {secrets.where()}: {'; '.join(lost)}.",
            hint="Bring back the key with which they were kept, or give them again: "
            "manage.py schedulers edit NAME --password-prompt.",
            id="roost.W022",
        )
    ]


def _unreadable(row: Any) -> list[str]:
    return [name for name in SEALED if not secrets.is_readable(getattr(row, name))]


@checks.register("roost", checks.Tags.database)
def the_scheduler_exists(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:  # noqa: ARG001
    from jobs_app.compute import get_scheduler

    if not kwargs.get("databases") or not conf.scheduler() or not _has_schedulers():
        return []
    if get_scheduler(conf.scheduler()):
        return []
    return [
        checks.Warning(  # no error: `migrate` comes before the first scheduler
            f"ROOST_SCHEDULER = {conf.scheduler()!r} is not the name of a scheduler.",
            hint="Add it (manage.py or the admin), or leave the setting out.",
            id="roost.W009",
        )
    ]


def _has_schedulers() -> bool:
    """Whether the database is set up, and as new as the code: `migrate` asks before it makes it so."""
    from jobs_app.models import Scheduler

    table = Scheduler._meta.db_table
    if table not in connection.introspection.table_names():
        return False
    with connection.cursor() as cursor:
        there = {column.name for column in connection.introspection.get_table_description(cursor, table)}
    return {field.column for field in Scheduler._meta.concrete_fields} <= there
