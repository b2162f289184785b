"""The rows of a table as somebody may see them now, and a stamp by which a browser learns cheaply whether any
of them has changed.

The stamp holds four bytes a row. A browser sends back the one it has, so that only rows that differ are
drawn.
"""

from __future__ import annotations

import base64
import binascii
import copy
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import or_
from typing import TYPE_CHECKING

from django.contrib.auth.models import Group
from django.db.models import OuterRef, QuerySet, Subquery

from jobs_app import permissions
from jobs_app.models import Attempt, History, Job, JobShare, WorkflowNode
from jobs_app.states import SliceState
from jobs_app.web.cells import Bar
from jobs_app.web.cells import bar as bar_of

from . import drawing
from .actions import Custom, Known
from .columns import REACH, Cell
from .definition import Definition

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser, AnonymousUser

    Viewer = AbstractUser | AnonymousUser

_BIG = ("parameters", "statepoint", "extended_properties")
MOST_NODES = 60


@dataclass(frozen=True)
class Item:
    """An action in a row's menu."""

    number: int  # its place among the table's actions
    action: Known
    enabled: bool
    url: str = ""


@dataclass(frozen=True)
class Row:
    job: Job
    definition: Definition
    may: frozenset[str]
    nodes: Sequence[tuple[str, str]] = ()

    @cached_property
    def cells(self) -> list[Cell]:
        return [Cell(column, self.job) for column in self.definition.columns]

    @cached_property
    def bar(self) -> Bar | None:
        return bar_of(self.job)

    @cached_property
    def menu(self) -> list[Item | None]:
        """None: a separator, but not first, last, or two together."""
        found: list[Item | None] = []
        for number, action in enumerate(self.definition.known):
            if action is None:
                found += [None] if found and found[-1] else []
            elif (item := self._item(number, action)) is not None:
                found.append(item)
        return found[:-1] if found and found[-1] is None else found

    def _item(self, number: int, action: Known) -> Item | None:
        """What can be done now; an app's own action is shown grey while it cannot."""
        if action.right not in self.may:
            return None
        if isinstance(action, Custom):
            fits = action.type in ("", self.job.type)
            enabled = fits and action.offered(self.job)
            return Item(number, action, enabled, action.leads_to(self.job)) if fits else None
        offered = action.offered(self.job)
        return Item(number, action, enabled=True, url=action.leads_to(self.job)) if offered else None


def rows(jobs: Iterable[Job], definition: Definition, viewer: Viewer) -> list[Row]:
    """Of the jobs that this viewer may see, in the same order."""
    listed = list(jobs)
    rights = permissions.verbs_of(viewer, listed)
    nodes = _nodes(listed) if definition.detailed else {}
    seen = [job for job in listed if permissions.READ in rights[job.pk]]
    if definition.needs("parent_id"):
        seen = _without_hidden_parents(seen, viewer)
    return [Row(job, definition, rights[job.pk], nodes.get(job.pk, ())) for job in seen]


def _without_hidden_parents(jobs: Sequence[Job], viewer: Viewer) -> list[Job]:
    """Copies, where one is hidden: an app may save the jobs that it gave."""
    known = {None, *permissions.seen(viewer, [job.parent_id for job in jobs])}
    return [job if job.parent_id in known else _without_parent(job) for job in jobs]


def _without_parent(job: Job) -> Job:
    shown = copy.copy(job)
    shown.parent_id = None
    return shown


def readable(jobs: QuerySet[Job], viewer: Viewer) -> QuerySet[Job]:
    parts = permissions.readable_parts(viewer)
    return jobs.filter(reduce(or_, parts)) if parts else jobs.none()


def read(ids: Sequence[int], definition: Definition) -> list[Job]:
    """These jobs with what their rows need, in the order of `ids`."""
    unneeded = [name for name in _BIG if not definition.needs(name)]
    found = Job.objects.filter(pk__in=ids).select_related(*REACH).defer(*unneeded)
    if definition.needs("groups"):
        found = found.prefetch_related("groups")
    by_id = {job.pk: job for job in found}
    return [by_id[pk] for pk in ids if pk in by_id]


def draw(drawn: Iterable[Row]) -> dict[int, str]:
    return {row.job.pk: drawing.row(row) for row in drawn}


def _nodes(jobs: Sequence[Job]) -> Mapping[int, list[tuple[str, str]]]:
    """The nodes of workflows in their order, each with the name of its state."""
    current = {(job.pk, job.number_of_attempts): job.pk for job in jobs if job.type == "CONDORWORKFLOW"}
    attempts = {
        attempt: job
        for attempt, job, number in Attempt.objects.filter(job__in=current.values()).values_list(
            "pk", "job_id", "number"
        )
        if (job, number) in current
    }
    if not attempts:
        return {}
    states = {job.pk: job for job in jobs if job.pk in attempts.values()}
    found: dict[int, list[tuple[str, str]]] = {}
    rows_ = WorkflowNode.objects.filter(attempt__in=attempts, position__lt=MOST_NODES).order_by("position")
    bytes_: dict[int, bytes] = {}
    for node in rows_:
        pk = attempts[node.attempt_id]
        if pk not in bytes_:
            bytes_[pk] = states[pk].slice_states(count=MOST_NODES * 16)
        state = bytes_[pk][node.first] if node.first < len(bytes_[pk]) else 0
        found.setdefault(pk, []).append((node.name, SliceState(state).name.lower()))
    return found


# --- stamps -------------------------------------------------------------------------------------------------

_SHOWN = (
    *("id", "name", "description", "user_id", "_status", "other_status", "status_message", "frozen"),
    *("number_of_attempts", "slices_total", "slices_running", "slices_done", "slices_failed", "slices_held"),
    *("progress", "execute_time", "start_time", "completion_time", "priority", "scheduler_id", "template_id"),
)


def stamps(ids: Sequence[int], definition: Definition, viewer: Viewer) -> list[int]:
    """A number for each row, 0 for one that is not to be seen; and one of newer jobs where they matter."""
    found = readable(Job.objects.filter(pk__in=ids), viewer).order_by().values_list(*_stamped(definition))
    known = {row[0]: _stamp(row) for row in found}
    return [known.get(pk, 0) for pk in ids] + _newest(definition, viewer)


def stamps_of(drawn: Sequence[Row], definition: Definition, viewer: Viewer) -> list[int]:
    """The same of rows that have just been read."""
    columns = _stamped(definition)
    known = [_stamp(tuple(getattr(row.job, name) for name in columns)) for row in drawn]
    return known + _newest(definition, viewer)


def _newest(definition: Definition, viewer: Viewer) -> list[int]:
    """Another one when other jobs may stand on this page: a newer one is there, of all or of this person's
    own and shared ones; or, where what becomes of jobs brings them here, the state of any has changed."""
    if not definition.follow:
        return []
    news = [*_newest_jobs(viewer)]
    if definition.filtered:
        news += History.objects.order_by("-pk").values_list("pk", flat=True)[:1]
    return [_stamp(tuple(news))]


def _newest_jobs(viewer: Viewer) -> list[int | None]:
    if permissions.sees_all(viewer):
        return [Job.objects.order_by("-pk").values_list("pk", flat=True).first()]
    own = Job.objects.filter(user=viewer.pk).order_by("-pk").values_list("pk", flat=True).first()
    last = JobShare.objects.filter(group=OuterRef("pk")).order_by("-job").values("job")[:1]
    groups = Group.objects.filter(user=viewer.pk).order_by("pk")
    return [own, *groups.annotate(last=Subquery(last)).values_list("last", flat=True)]


def _stamped(definition: Definition) -> list[str]:
    """The columns of which a change can be seen."""
    return [*_SHOWN, *(name for name in _BIG if definition.needs(name))]


def _stamp(values: tuple[object, ...]) -> int:
    return zlib.crc32(repr(values).encode()) | 1


def etag(numbers: Sequence[int]) -> str:
    packed = b"".join(number.to_bytes(4, "big") for number in numbers)
    return f'"{base64.urlsafe_b64encode(packed).decode()}"'


def known_by(header: str, count: int) -> list[int]:
    """What a browser has, from the stamp it sends; all unknown if it is none of this table."""
    text = header.strip().removeprefix("W/").strip('"')
    try:
        packed = base64.urlsafe_b64decode(text)
    except (binascii.Error, ValueError):
        packed = b""
    if len(packed) != 4 * count:
        return [-1] * count
    return [int.from_bytes(packed[place : place + 4], "big") for place in range(0, len(packed), 4)]
