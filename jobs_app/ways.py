"""The indexes by which jobs are gone through in the order of their numbers, and which is the best one for
what is wanted: the fewer rows lie on the way, the sooner the wanted ones are found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from jobs_app.models import Job, JobShare
from jobs_app.permissions import Reason
from jobs_app.wanted import Known

COMMON = "COM"  # what most jobs are: no good beginning of a way


@dataclass(frozen=True)
class Way:
    """Jobs whose columns are `equal`, or shared with a group. An index leads from one to the next."""

    equal: Mapping[str, Any] = field(default_factory=dict)
    group: int | None = None
    exact: bool = False  # all that lie on it are wanted

    @property
    def is_all(self) -> bool:
        """Whether all jobs lie on it."""
        return not self.equal and self.group is None

    @property
    def number(self) -> str:
        """What the job's number is called there."""
        return "pk" if self.group is None else "job_id"

    def numbers(self, falling: bool) -> QuerySet[Any]:
        rows: QuerySet[Any] = (
            Job.objects.filter(**self.equal)
            if self.group is None
            else JobShare.objects.filter(group=self.group)
        )
        return rows.order_by(f"-{self.number}" if falling else self.number).values_list(
            self.number, flat=True
        )


def best(known: Known, reason: Reason) -> Way:
    given = dict(_given(known, reason))
    asked = set(_asked(known, reason))
    ways = [*_WAYS, *([_SHARES] if len(reason.groups) == 1 and not reason.few else _LONG_WAYS), ()]
    columns = next(
        columns for columns in ways if columns is _SHARES or all(name in given for name in columns)
    )
    if columns is _SHARES:
        return Way(group=reason.groups[0])
    equal = {_COLUMN.get(name, name): given[name] for name in columns}
    return Way(equal, exact=asked <= equal.keys())


# Indexes that begin with these columns and go on with the number, the most telling ones first. "rare" is the
# stage unless it is the common one.
_WAYS = (
    ("parent",),
    ("user", "rare"),
    ("app", "user"),
    ("user", "stage"),
    ("user",),
    ("app", "rare"),
    ("rare",),
)
_LONG_WAYS = (("template",), ("method",), ("app", "stage"), ("app",), ("scheduler",), ("stage",))
_SHARES = ("shares",)
_COLUMN = {"rare": "stage"}


def _given(known: Known, reason: Reason) -> Iterator[tuple[str, Any]]:
    """What has one value only."""
    wanted, stages = known.wanted, known.stages or ()
    several = {
        "user": known.users,
        "template": known.templates,
        "scheduler": known.schedulers,
        "stage": stages,
    }
    for name, values in several.items():
        if values and len(values) == 1:
            yield name, values[0]
    if len(stages) == 1 and stages[0] != COMMON:
        yield "rare", stages[0]
    one = {"app": wanted.app or reason.app, "method": wanted.method, "parent": wanted.parent}
    yield from ((name, value) for name, value in one.items() if value not in ("", None))
    if reason.user is not None:
        yield "user", reason.user


def _asked(known: Known, reason: Reason) -> Iterator[str]:
    """The columns on which it depends whether a job is wanted; "?" where a column alone does not tell."""
    yield from (name for name, _ in _given(known, reason) if name != "rare")
    several = (known.users, known.templates, known.schedulers, known.stages)
    wanted = known.wanted
    more = (wanted.ids, wanted.text, wanted.statepoint, wanted.type, reason.groups, reason.but)
    times = (wanted.created_after, wanted.created_before, wanted.ended_after, wanted.ended_before)
    if any(values is not None and len(values) != 1 for values in several) or not known.has_whole_stages:
        yield "?"
    if any(more) or any(moment is not None for moment in times):
        yield "?"
