"""The jobs that somebody may see: filtered, sorted, a page at a time. The jobs table, the API and whoever
else shows many jobs ask here.

1. A page is found by the key of the last row before it, so the thousandth is as quick as the first.
2. The order's index is read in windows, each as long as the time that is left allows. So no combination of
   filters takes longer than the budget: a page may end early, with a cursor that goes on where it stopped.
3. Few rows are not looked for in the order of names or of ends: they are found first, then sorted.
4. What a person may see is asked as a query for each reason (own, shared), because one query for all is slow.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from jobs_app import permissions, search, states
from jobs_app.errors import Invalid
from jobs_app.models import Job, Scheduler, Template
from jobs_app.models.job import NameKey
from jobs_app.parameters import unknown

if TYPE_CHECKING:
    from jobs_app.permissions import Person

PAGE, LARGEST_PAGE = 50, 500
BUDGET = 0.05  # seconds after which a page that is not full is handed out as it is
COUNTING = 0.03  # seconds
COUNTED = 10_000  # more are "10 000+"
FEW = 2_000  # rows that are found first and sorted then
WINDOW = 20_000  # rows of the first window
COSTLY_WINDOW = 2_000  # where each row has to be fetched or looked into
SLACK = 5_000  # rows whose order by time may differ from that by number: made at the same moment

_BIG = ("parameters", "statepoint", "extended_properties")


@dataclass(frozen=True)
class Order:
    """What jobs are sorted by. The number decides among equals."""

    column: str  # "" for the number itself, which is the order of creation
    read: Any = None

    def of(self, job: Job) -> Any:
        return self.read(job) if self.read else job.pk


SORTS = {
    "created": Order(""),
    "ended": Order("completion_time", attrgetter("completion_time")),
    "name": Order("name_key", lambda job: job.name[:100]),
    "status": Order("_status", attrgetter("_status")),
    "app": Order("app", attrgetter("app")),
}


@dataclass(frozen=True)
class Wanted:
    """Which jobs, in which order. What is left out does not matter."""

    ids: tuple[int, ...] = ()
    status: tuple[str, ...] = ()  # codes, words, "active" or "final"
    app: str = ""
    template: str = ""
    type: str = ""
    method: str = ""
    user: str = ""
    scheduler: str = ""
    parent: int | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    ended_after: datetime | None = None
    ended_before: datetime | None = None
    statepoint: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    sort: str = "-created"

    def __post_init__(self) -> None:
        if self.sort.removeprefix("-") not in SORTS:
            raise Invalid(unknown("order", self.sort, [*SORTS, *(f"-{name}" for name in SORTS)], "a list"))

    @property
    def order(self) -> Order:
        return SORTS[self.sort.removeprefix("-")]

    @property
    def falling(self) -> bool:
        return self.sort.startswith("-")

    @property
    def is_costly(self) -> bool:
        """Whether each row has to be looked into, because no index helps."""
        return bool(self.text or self.statepoint)

    @property
    def is_plain(self) -> bool:
        """Whether it is all jobs."""
        return all(getattr(self, each.name) in ((), "", None, {}) for each in fields(self)[:-1])


class Key(NamedTuple):
    """A place in the order: rows up to it are behind us. Compared as the database compares them."""

    value: Any
    pk: int


@dataclass(frozen=True)
class Page:
    jobs: list[Job]
    next: str = ""  # the cursor of what follows; empty at the end
    complete: bool = True  # False: time was up before the page was full; `next` goes on


@dataclass(frozen=True)
class Count:
    number: int
    exact: bool

    def __str__(self) -> str:
        return f"{self.number:,}".replace(",", " ") + ("" if self.exact else "+")


def fetch(person: Person, wanted: Wanted, size: int = PAGE, cursor: str = "", budget: float = BUDGET) -> Page:
    """`budget`: seconds; with 0 or more the page may be shorter than what there is, which it says."""
    begun = time.monotonic()
    place = _read_cursor(cursor, wanted) if cursor else None
    seen = permissions.readable_parts(person)
    few = _few(seen, wanted, budget / 2)
    if few is not None:
        return _page_of(few, wanted, place, size)
    rows = _Rows(seen, wanted)
    found: list[Job] = []
    for window in rows.windows(place, budget - (time.monotonic() - begun)):
        found += rows.within(window, size + 1 - len(found))
        if len(found) > size:
            return Page(found[:size], _cursor(_key(found[size - 1], wanted), wanted))
        place = window.end
    if place is not None and rows.seen:
        return Page(found, _cursor(place, wanted), complete=False)
    return Page(found)


def _few(seen: list[Q], wanted: Wanted, budget: float) -> list[Key] | None:
    """All that is wanted, where that is little and comes within the budget; the order of creation is quick
    without."""
    if not wanted.order.column or wanted.ids:
        return None
    rows, keys = _Rows(seen, wanted, by_number=True), list[Key]()
    place: Key | None = None
    for window in rows.windows(None, budget):
        keys += rows.keys_within(window, FEW + 1 - len(keys))
        if len(keys) > FEW:
            return None
        place = window.end
    return keys if place is None else None


def _page_of(keys: list[Key], wanted: Wanted, place: Key | None, size: int) -> Page:
    if place is not None:
        keys = [key for key in keys if (key < place if wanted.falling else key > place)]
    shown = sorted(keys, reverse=wanted.falling)[: size + 1]
    rows = _shown(Job.objects.all()).in_bulk([key.pk for key in shown[:size]])
    jobs = [rows[key.pk] for key in shown[:size] if key.pk in rows]
    return Page(jobs, _cursor(shown[size - 1], wanted) if len(shown) > size else "")


def count(person: Person, wanted: Wanted, budget: float = COUNTING) -> Count:
    """Up to COUNTED, or as far as one comes within the budget."""
    rows, number = _Rows(permissions.readable_parts(person), wanted, by_number=True), 0
    place: Key | None = None
    for window in rows.windows(None, budget):
        number += rows.count_within(window, COUNTED + 1 - number)
        if number > COUNTED:
            return Count(COUNTED, exact=False)
        place = window.end
    return Count(number, exact=place is None)


def stamp(person: Person, wanted: Wanted) -> str:
    """Another one when a column of these few jobs has changed; cheaper than to read and show them."""
    columns = [each.attname for each in Job._meta.concrete_fields if each.name not in _BIG]
    parts = _Rows(permissions.readable_parts(person), wanted).parts
    rows = [row for part in parts for row in part.values_list(*columns)]
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:32]


# --- windows ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Window:
    """From behind `start` up to and with `end`; None: from the first, to the last row."""

    start: Key | None
    end: Key | None


class _Rows:
    """What is wanted, as queries."""

    def __init__(self, seen: list[Q], wanted: Wanted, *, by_number: bool = False) -> None:
        """`seen`: what the person may see. `by_number`: gone through in the order of creation, the quickest,
        whatever the order that is wanted."""
        everything = _ordered(Job.objects.all(), wanted)
        self.wanted = replace(wanted, sort="-created") if by_number else wanted
        self.seen, self.everything, self.column = seen, everything, wanted.order.column
        matching = _filtered(everything, wanted)
        self.parts = [matching.filter(part) for part in seen]

    def windows(self, start: Key | None, budget: float) -> Iterator[_Window]:
        """Longer and longer ones while they are quick, none after the budget is spent. The last one read has
        no end if nothing is left behind it."""
        if not self.parts:
            return
        if self.wanted.ids or self._is_own_list:  # an index leads from row to row
            yield _Window(start, None)
            return
        begun = time.monotonic()
        length = COSTLY_WINDOW if self.wanted.is_costly or self.wanted.order.column else WINDOW
        place = start
        while True:
            since = time.monotonic()
            end = self._end(place, length)
            yield _Window(place, end)
            now = time.monotonic()
            left = budget - (now - begun)
            if end is None or left <= 0:
                return
            place = end
            length = int(length * min(8.0, max(0.25, left / max(now - since, 1e-4) / 2)))

    @property
    def _is_own_list(self) -> bool:
        """One's own jobs without any filter, or everybody's: no first page is empty for others' news."""
        return len(self.parts) == 1 and self.wanted.is_plain and not self.wanted.order.column

    def _end(self, start: Key | None, length: int) -> Key | None:
        if not self.wanted.order.column:
            return self._end_by_number(start, length)
        behind = _behind(self.everything, start, self.wanted).values_list(self.wanted.order.column, "pk")
        last = behind[length : length + 1].first()
        return Key(*last) if last else None

    def _end_by_number(self, start: Key | None, length: int) -> Key | None:
        first, last = self._bounds
        if self.wanted.falling:
            end = min(start.pk if start else last + 1, last + 1) - length
            return Key(end, end) if end > first else None
        end = max(start.pk if start else first - 1, first - 1) + length
        return Key(end, end) if end < last else None

    @cached_property
    def _bounds(self) -> tuple[int, int]:
        """The lowest and the highest number that may be wanted."""
        numbers = Job.objects.values_list("pk", flat=True)  # two questions: SQLite answers one by reading all
        first, last = numbers.order_by("pk").first() or 0, numbers.order_by("-pk").first() or 0
        after, before = self.wanted.created_after, self.wanted.created_before
        if after is not None:
            first = max(first, _first_since(after, last + 1) - SLACK)
        for moment in (before, self.wanted.ended_before):  # what has ended before it was made before
            if moment is not None:
                last = min(last, _first_since(moment, last + 1) + SLACK)
        return first, last

    def within(self, window: _Window, limit: int) -> list[Job]:
        found: list[Job] = []
        for part in self.parts:
            inside = _up_to(_behind(part, window.start, self.wanted), window.end, self.wanted)
            found += _shown(inside)[:limit]
        if len(self.parts) > 1:
            found.sort(key=lambda job: (self.wanted.order.of(job), job.pk), reverse=self.wanted.falling)
        return found[:limit]

    def keys_within(self, window: _Window, limit: int) -> list[Key]:
        """With the places in the order that is wanted."""
        found: list[Key] = []
        for part in self.parts:
            inside = _up_to(_behind(part, window.start, self.wanted), window.end, self.wanted)
            keys = inside.order_by().values_list(self.column, "pk")
            found += itertools.starmap(Key, keys[: limit - len(found)])
        return found

    def count_within(self, window: _Window, limit: int) -> int:
        return sum(
            _up_to(_behind(part, window.start, self.wanted), window.end, self.wanted)
            .order_by()[:limit]
            .count()
            for part in self.parts
        )


def _shown(rows: QuerySet[Job]) -> QuerySet[Job]:
    return rows.select_related("user", "template", "scheduler", "project").defer(*_BIG)


def _first_since(moment: datetime, otherwise: int) -> int:
    rows = Job.objects.filter(creation_time__gte=moment).order_by("creation_time")
    return rows.values_list("pk", flat=True).first() or otherwise


def _ordered(rows: QuerySet[Job], wanted: Wanted) -> QuerySet[Job]:
    sign, column = "-" if wanted.falling else "", wanted.order.column
    if not column:
        return rows.order_by(f"{sign}pk")
    if column == "name_key":
        rows = rows.annotate(name_key=NameKey("name"))
    elif column == "completion_time":  # those that have ended: the others have no place in this order
        rows = rows.filter(_ends(wanted), completion_time__isnull=False)
    return rows.order_by(f"{sign}{column}", f"{sign}pk")


def _ends(wanted: Wanted) -> Q:
    """Where in the order of ends to look; what has ended after a moment is also what was made after it."""
    after = [moment for moment in (wanted.created_after, wanted.ended_after) if moment is not None]
    condition = Q(completion_time__gte=max(after)) if after else Q()
    return condition & Q(completion_time__lt=wanted.ended_before) if wanted.ended_before else condition


def _behind(rows: QuerySet[Job], key: Key | None, wanted: Wanted) -> QuerySet[Job]:
    return rows if key is None else rows.filter(_beyond(key, wanted, "lt" if wanted.falling else "gt"))


def _up_to(rows: QuerySet[Job], key: Key | None, wanted: Wanted) -> QuerySet[Job]:
    return rows if key is None else rows.filter(_beyond(key, wanted, "gt" if wanted.falling else "lt", "e"))


def _beyond(key: Key, wanted: Wanted, than: str, equal: str = "") -> Q:
    """The first condition alone would do; it is what leads the database into the index."""
    column = wanted.order.column
    if not column:
        return Q(**{f"pk__{than}{equal}": key.pk})
    near = Q(**{f"{column}__{than}e": key.value})
    return near & (Q(**{f"{column}__{than}": key.value}) | Q(**{f"pk__{than}{equal}": key.pk}))


# --- filters ----------------------------------------------------------------------------------------------


def _filtered(rows: QuerySet[Job], wanted: Wanted) -> QuerySet[Job]:
    template = "template"
    if wanted.user:  # a user's jobs are fewer: the sum keeps SQLite from the index of the templates
        rows, template = rows.alias(of_template=F("template_id") + 0), "of_template"
    rows = rows.filter(_plain_conditions(wanted, template) & _times(wanted))
    if wanted.text:
        rows = rows.filter(_about(wanted.text))
    return search.by_statepoint(rows, wanted.statepoint) if wanted.statepoint else rows


def _plain_conditions(wanted: Wanted, template: str) -> Q:
    given: dict[str, Any] = {
        "pk__in": wanted.ids,
        "_status__in": _codes(wanted.status) if wanted.status else (),
        "stage__in": states.stages(_codes(wanted.status)) if wanted.status else (),
        "app": wanted.app,
        "type": wanted.type,
        "method": wanted.method,
        "parent": wanted.parent,
    }
    condition = Q(**{name: value for name, value in given.items() if value not in ("", (), None)})
    if wanted.template:
        condition &= Q(**{f"{template}__in": _ids(Template, name=wanted.template)})
    if wanted.scheduler:
        condition &= Q(scheduler__in=_ids(Scheduler, name=wanted.scheduler))
    if wanted.user:
        condition &= Q(user__in=_ids(Job._meta.get_field("user").related_model, username=wanted.user))
    return condition


def _ids(model: Any, **named: str) -> list[int]:
    """Looked up first: then the database sees which numbers it looks for, and chooses its index well."""
    return list(model.objects.filter(**named).values_list("pk", flat=True))


def _codes(words: tuple[str, ...]) -> list[str]:
    found: set[str] = set()
    for word in words:
        found |= _GROUPS.get(word.lower()) or _code(word)
    return sorted(found)


_GROUPS = {"active": states.ACTIVE, "final": states.FINAL}
_CODES = {word.lower(): code for code, state in states.JOB_STATES.items() for word in (code, state.word)}


def _code(word: str) -> set[str]:
    code = _CODES.get(word.lower())
    if code is None:
        raise Invalid(unknown("status", word, [*states.JOB_STATES, *_GROUPS], "a job"))
    return {code}


def _times(wanted: Wanted) -> Q:
    given = {
        "creation_time__gte": wanted.created_after,
        "creation_time__lt": wanted.created_before,
        "completion_time__gte": wanted.ended_after,
        "completion_time__lt": wanted.ended_before,
    }
    return Q(**{name: value for name, value in given.items() if value is not None})


def _about(text: str) -> Q:
    return Q(name__icontains=text) | Q(description__icontains=text)


# --- cursors ----------------------------------------------------------------------------------------------


def _key(job: Job, wanted: Wanted) -> Key:
    return Key(wanted.order.of(job), job.pk)


def _cursor(key: Key, wanted: Wanted) -> str:
    value = key.value.isoformat() if isinstance(key.value, datetime) else key.value
    said = json.dumps([wanted.sort, value, key.pk], separators=(",", ":"))
    return base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")


def _read_cursor(text: str, wanted: Wanted) -> Key:
    try:
        said = base64.urlsafe_b64decode((text + "=" * (-len(text) % 4)).encode("ascii"))
        sort, value, pk = json.loads(said)
        return Key(_value(value, wanted), _number(pk)) if sort == wanted.sort else _wrong_cursor()
    except (ValueError, TypeError, binascii.Error, RecursionError):
        return _wrong_cursor()


def _value(value: Any, wanted: Wanted) -> Any:
    if not wanted.order.column:
        return _number(value)
    if not isinstance(value, str) or "\0" in value:
        raise ValueError
    value.encode()
    if wanted.order.column != "completion_time":
        return value
    moment = datetime.fromisoformat(value)
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError
    return value


def _wrong_cursor() -> Key:
    raise Invalid("This cursor is none of this list. Give `next` of the page before, with the same filters.")
