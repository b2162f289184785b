"""The schedulers: how pools are reached. The embedded one always exists and comes first."""

from __future__ import annotations

import shutil
from typing import Any

from jobs_app import conf
from jobs_app.errors import BadParameter, UnknownScheduler
from jobs_app.models import Scheduler
from jobs_app.parameters import unknown

EMBEDDED = "embedded"


def embedded() -> Scheduler:
    """The row of the embedded pool, made at first need."""
    wanted = {"kind": Scheduler.EMBEDDED, "position": 0}
    return Scheduler.objects.get_or_create(name=EMBEDDED, defaults=wanted)[0]


def list_schedulers() -> list[Scheduler]:
    embedded()
    return list(Scheduler.objects.all())


def get_scheduler(name: str) -> Scheduler | None:
    if name == EMBEDDED:
        return embedded()
    return Scheduler.objects.filter(name=name).first()


def find_scheduler(name: str) -> Scheduler:
    scheduler = get_scheduler(name)
    if scheduler is None:
        known = [EMBEDDED, *Scheduler.objects.exclude(name=EMBEDDED).values_list("name", flat=True)]
        raise UnknownScheduler(unknown("scheduler", name, known, "this server"))
    return scheduler


def create_scheduler(
    name: str,
    host: str = "",
    username: str = "",
    password: str = "",
    private_key_path: str = "",
    private_key_pass: str = "",
    port: int = 22,
    scheduler_type: str = "condor",
    **fields: Any,
) -> Scheduler:
    """A scheduler, not saved yet: call its save(). An empty host means a schedd on this machine. Secrets are
    sealed at once; nobody reads them back."""
    kinds = dict(Scheduler.KINDS)
    if scheduler_type not in kinds:
        raise BadParameter(unknown("type", scheduler_type, kinds, "a scheduler"))
    known = {field.name for field in Scheduler._meta.concrete_fields}
    for field in fields:
        if field not in known:
            raise BadParameter(unknown("field", field, known, "a scheduler"))
    return Scheduler(
        name=name,
        host=host,
        username=username,
        password=password,
        private_key_path=private_key_path,
        private_key_pass=private_key_pass,
        port=port,
        kind=scheduler_type,
        **fields,
    )


def default_scheduler() -> Scheduler:
    """For a job that names none: the setting's, else a schedd on this machine, else the embedded pool."""
    if conf.scheduler():
        return find_scheduler(conf.scheduler())
    known = list(Scheduler.objects.all())
    local = next((row for row in known if row.kind == Scheduler.CONDOR and not row.host), None)
    if local and shutil.which("condor_submit"):
        return local
    return next((row for row in known if row.name == EMBEDDED), None) or embedded()
