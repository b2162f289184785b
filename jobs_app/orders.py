"""Jobs that somebody outside asks for, by the API or a form. The app's own code may do more (see `manager`);
here nobody runs what no template declares, and nobody reaches what they may not see.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils import timezone

from jobs_app import audit, conf, permissions, sharing
from jobs_app.errors import BadStatePoint, Invalid, NotAllowed, UnknownJob
from jobs_app.manager import JobManager
from jobs_app.models import IdempotencyKey, Job, JobShare
from jobs_app.models.condor_job import REQUESTS
from jobs_app.permissions import Caller
from jobs_app.script.options import encode

if TYPE_CHECKING:
    from jobs_app.permissions import Person

MOST = 10_000  # jobs of one order
KEPT = timedelta(days=1)  # how long an order is known by its key

# Data and limits: whoever may use a template may give them. The rest says which program runs, and where.
OPEN = frozenset(
    {
        "description",
        "caption",
        "extended_properties",
        "statepoint",
        "priority",
        "after",
        "scheduler",
        "notify",
    }
    | {"options", "datasets", "jobs", "slices", "num_jobs", "concurrency", "retries"}
    | {"memory", "disk", "wall_time", "cpus", "gpus", *REQUESTS}
)
# Names code or folders of the server, so not even an administrator gives it from outside.
NEVER = frozenset({"process_results_function", "workspace"})


@dataclass(frozen=True)
class Share:
    group: str
    may: str = JobShare.READ


@dataclass(frozen=True)
class Order:
    """`jobs`: a name and that job's own parameters each; `parameters` hold for all."""

    app: str
    jobs: Sequence[tuple[str, Mapping[str, Any]]]
    template: str | None = None
    type: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    shares: Sequence[Share] = ()


def create(person: Person, order: Order) -> list[Job]:
    """All of them, or none and why."""
    _check(person, order)
    groups = _groups(person, order.shares)
    rows = [{**order.parameters, **parameters, "name": name} for name, parameters in order.jobs]
    manager = JobManager(order.app)
    with transaction.atomic(), _discreet(person):
        jobs = manager.create_jobs(rows, _owner(person), order.template, job_type=order.type, reader=person)
        JobShare.objects.bulk_create(
            JobShare(job=job, group=group, may=may) for job in jobs for group, may in groups
        )
        names = {job.pk: job.name for job in jobs}
        audit.write_of_jobs(person.get_username(), person.pk, _made(order), names)
    return jobs


def _made(order: Order) -> str:
    shared = sharing.told((share.group, share.may) for share in order.shares) if order.shares else ""
    return f"Created from {order.template or order.type}. {shared}".rstrip()


@contextmanager
def _discreet(person: Person) -> Iterator[None]:
    """Errors that tell of other jobs tell a stranger the same, whether such a job exists or not."""
    try:
        yield
    except UnknownJob:
        raise UnknownJob("A job that is named in the parameters is not there, or not yours to see.") from None
    except BadStatePoint as error:
        if permissions.sees_all(person):
            raise
        raise BadStatePoint(f"{error}" if "has the state point" not in f"{error}" else _TAKEN) from None


_TAKEN = "Another job of this app has this state point already. Search for it; perhaps you may see it."


def _owner(person: Person) -> Any:
    """A service's jobs belong to nobody."""
    return person.user if isinstance(person, Caller) else person


# --- once -----------------------------------------------------------------------------------------------


def create_once(person: Person, key: str, order: Order) -> tuple[list[Job], bool]:
    """The jobs, and whether they were there already: made by the same order under the same key."""
    asked = _digest(order)
    caller = caller_name(person)
    try:
        with transaction.atomic():
            # The row goes first: of two equal calls at the same time the second waits for the first's end.
            row = IdempotencyKey.objects.create(caller=caller, key=key, digest=asked)
            jobs = create(person, order)
            row.jobs = [job.pk for job in jobs]
            row.save(update_fields=["jobs"])
    except IntegrityError:
        found = IdempotencyKey.objects.filter(caller=caller, key=key).first()
        if found is None:
            raise
        return _same(found, asked, person), True
    return jobs, False


def caller_name(person: Person) -> str:
    return f"token {person.token}" if isinstance(person, Caller) else f"user {person.pk}"


def _same(row: IdempotencyKey, asked: str, person: Person) -> list[Job]:
    if row.digest != asked:
        raise Invalid(
            f"The key {row.key!r} was used for another order, on {row.created:%Y-%m-%d %H:%M} UTC. "
            "Give every order a key of its own."
        )
    found = permissions.readable(person).select_related("project", "user", "template", "scheduler")
    rows = found.in_bulk(row.jobs)
    return [rows[pk] for pk in row.jobs if pk in rows]


def drop_old_keys() -> None:
    """A call is repeated within minutes; after a day its key is forgotten."""
    IdempotencyKey.objects.filter(created__lt=timezone.now() - KEPT).delete()


def _digest(order: Order) -> str:
    return hashlib.sha256(json.dumps(order, default=_plain, sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """A form gives also what JSON lacks: sets, dates."""
    return vars(value) if isinstance(value, (Order, Share)) else encode(value)


# --- what may be asked for ------------------------------------------------------------------------------


def _check(person: Person, order: Order) -> None:
    if not order.jobs:
        raise Invalid("No job is asked for. Give a name, or a list of jobs.")
    if len(order.jobs) > MOST:
        raise Invalid(f"{len(order.jobs)} jobs are more than {MOST} at once. Send them in several calls.")
    if isinstance(person, Caller) and person.app not in ("", order.app):
        raise NotAllowed(f"This token is for the app {person.app!r} only.")
    if order.template is None:
        _refuse_untemplated(person, order)
    elif not permissions.may_use(person, order.app, order.template):
        raise NotAllowed(f"The template {order.template!r} is for others here (ROOST_TEMPLATE_USERS).")
    refuse_closed(person, {name for _, parameters in order.jobs for name in parameters} | {*order.parameters})


def _refuse_untemplated(person: Person, order: Order) -> None:
    if order.type is None:
        raise Invalid("Say which template the jobs are made from.")
    if not permissions.may_run_anything(person):
        raise NotAllowed(
            "Only jobs of a template may be created here: `type` needs the permission "
            f"{permissions.RUN_ANYTHING}. Say template=."
        )


def open_parameters(person: Person, among: Iterable[str]) -> set[str]:
    """What this person may give for a job. ROOST_OPEN_PARAMETERS adds to it for everybody."""
    if permissions.may_run_anything(person):
        return set(among) - NEVER
    return set(among) & (OPEN | set(conf.open_parameters())) - NEVER


def refuse_closed(person: Person, given: Iterable[str]) -> None:
    """NotAllowed for a parameter that this person may not give."""
    for name in sorted(set(given) - open_parameters(person, given)):
        why = "is the app's alone" if name in NEVER else f"needs the permission {permissions.RUN_ANYTHING}"
        raise NotAllowed(f"{name}: this parameter {why}. The template says it.")


def _groups(person: Person, shares: Sequence[Share]) -> list[tuple[Group, str]]:
    return [(sharing.group_of(person, share.group), share.may) for share in shares]
