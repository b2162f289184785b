"""How a scheduler's access point is reached, from its row to an open pool. Nobody else opens secrets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from django.db import connection

from jobs_app import conf
from jobs_app.errors import BadParameter, SecretLost
from jobs_app.models import Scheduler
from jobs_app.pools.base import AccessDenied
from jobs_app.pools.condor.opening import AccountAt, open_condor
from jobs_app.pools.condor.pool import CondorPool
from jobs_app.pools.shell import Seconds

from . import logins

REACHED_BY = (
    *("host", "port", "username", "private_key_path", "certificate_path", "use_agent", "ssh_config"),
    *("host_key", "jump", "jump_host_key", "remote_root", "password", "private_key", "private_key_pass"),
)


def open_pool(scheduler: Scheduler) -> CondorPool:
    """Nothing is connected before it is needed."""
    account = account_of(scheduler)
    return open_condor(account, scheduler.remote_root, conf.submit_folders(), counted(scheduler))


def account_of(scheduler: Scheduler) -> AccountAt:
    """AccessDenied where a secret cannot be opened: then nobody needs to try."""
    try:
        known = _without_secrets(scheduler)
        return replace(
            known,
            key_text=scheduler.private_key.reveal(),
            passphrase=scheduler.private_key_pass.reveal(),
            password=scheduler.password.reveal(),
        )
    except SecretLost as error:
        raise AccessDenied(str(error)) from error


def reached_by(scheduler: Scheduler) -> tuple[object, ...]:
    """What a connection depends on: where it has changed, the old one is of no use."""
    said = (*(getattr(scheduler, name) for name in REACHED_BY), scheduler.options.get("seconds"))
    return (*said, conf.ssh_seconds())


def counted(scheduler: Scheduler) -> Callable[[], None]:
    """To be called before each login; raises when there have been too many."""
    return partial(_count, scheduler.pk)


def _count(scheduler_id: int) -> None:
    """In whatever thread it is needed: none keeps a connection to the database for it."""
    had = connection.connection is not None
    try:
        logins.count(scheduler_id)
    finally:
        if not had:
            connection.close()


def _without_secrets(scheduler: Scheduler) -> AccountAt:
    return AccountAt(
        host=scheduler.host,
        user=scheduler.username,
        port=scheduler.port,
        key_path=scheduler.private_key_path,
        host_key=scheduler.host_key,
        certificate_path=scheduler.certificate_path,
        agent=scheduler.use_agent,
        ssh_config=scheduler.ssh_config,
        jump=scheduler.jump,
        jump_host_key=scheduler.jump_host_key,
        seconds=_usable_seconds(scheduler),
    )


def _usable_seconds(scheduler: Scheduler) -> Seconds:
    try:
        return seconds_of(scheduler)
    except BadParameter as error:
        raise AccessDenied(f"{scheduler}: {error}") from error


def seconds_of(scheduler: Scheduler) -> Seconds:
    """The scheduler's own ("seconds" among its options), else ROOST_SSH_SECONDS, else the defaults."""
    said = {**conf.ssh_seconds(), **scheduler.options.get("seconds", {})}
    unknown = set(said) - set(Seconds.__dataclass_fields__)
    if unknown:
        known = ", ".join(Seconds.__dataclass_fields__)
        raise BadParameter(f"{', '.join(sorted(unknown))}: no such waiting time. There are {known}.")
    try:
        return Seconds(**{name: float(value) for name, value in said.items()})
    except (TypeError, ValueError) as error:
        raise BadParameter(f"A waiting time is no number of seconds: {error}") from error
