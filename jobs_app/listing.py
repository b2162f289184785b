"""The jobs that somebody may see: filtered, sorted, a page at a time. The jobs table, the API and whoever
else shows many jobs ask here.

1. A page is found by the key of the last row before it, so the thousandth is as quick as the first.
2. What a person may see is asked as a query for each reason (own, shared), because one query for all is slow;
   each by the index that is best for it (`ways`).
3. Where the index says it all, its numbers are read first. Else it is read in windows, each as long as the
   time that is left allows: no combination of filters takes longer than the budget. A page may end early
   then, with a cursor that goes on where it stopped.
4. In another order than that of creation, jobs that lie on a short way are found first and sorted then; of
   many, the order's own index is read in windows.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone

from jobs_app import permissions, states
from jobs_app.errors import Invalid
from jobs_app.models import Job
from jobs_app.permissions import Reason
from jobs_app.wanted import SORTS, Key, Known, Order, Wanted, behind, ordered, up_to
from jobs_app.ways import best

if TYPE_CHECKING:
    from jobs_app.permissions import Person

__all__ = ["SORTS", "Count", "Key", "Order", "Page", "Wanted", "count", "fetch", "stamp"]

PAGE, LARGEST_PAGE = 50, 500
BUDGET = 0.05  # seconds after which a page that is not full is handed out as it is
COUNTING = 0.03  # seconds
COUNTED = 10_000  # more are "10 000+"
FEW = 20_000  # rows that are found first and sorted then
WINDOW = 20_000  # rows of the first window
COSTLY_WINDOW = 2_000  # where each row has to be fetched or looked into
SLACK = 5_000  # rows whose order by time may differ from that by number: made at the same moment

_BIG = ("parameters", "statepoint", "extended_properties")


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
    until = time.monotonic() + budget
    place = _read_cursor(cursor, wanted) if cursor else None
    search = _by_status if wanted.order.column == "_status" else _search
    found = search(_reasons(person, wanted), wanted, place, size + 1, until)
    keys, following = found.keys[:size], ""
    if len(found.keys) > size:
        following = _cursor(keys[-1], wanted)
    elif found.end is not None:
        following = _cursor(found.end, wanted)
    return Page(_jobs(keys), following, complete=len(found.keys) > size or found.end is None)


def _jobs(keys: list[Key]) -> list[Job]:
    rows = Job.objects.select_related("user", "template", "scheduler", "project").defer(*_BIG)
    found = {job.pk: job for job in rows.filter(pk__in=[key.pk for key in keys])}
    return [found[key.pk] for key in keys if key.pk in found]


def count(person: Person, wanted: Wanted, budget: float = COUNTING) -> Count:
    """Up to COUNTED, or as far as one comes within the budget."""
    until, number, exact = time.monotonic() + budget, 0, True
    parts = _parts(_reasons(person, wanted), replace(wanted, sort="-created"))
    seen: set[int] | None = set() if len(parts) > 2 else None  # shared with several groups: counted once
    for part in parts:
        through = True
        for rows, through in part.stretches(until):  # noqa: B007 - the last one counts
            if seen is None:
                number += rows[: COUNTED + 1 - number].count()
            else:
                seen.update(rows.values_list("pk", flat=True)[: COUNTED + 1])
                number = len(seen)
            if number > COUNTED:
                return Count(COUNTED, exact=False)
        exact = exact and through
    return Count(number, exact)


def stamp(person: Person, wanted: Wanted) -> str:
    """Another one when a column of these few jobs has changed; cheaper than to read and show them."""
    columns = [each.attname for each in Job._meta.concrete_fields if each.name not in _BIG]
    parts = _parts(_reasons(person, wanted), wanted)
    rows = [row for part in parts for row in part.rows.values_list(*columns)]
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:32]


def _reasons(person: Person, wanted: Wanted) -> list[Reason]:
    """None where a parent is named that this person may not see: what it built would tell of it."""
    if wanted.parent is not None and not permissions.readable(person).filter(pk=wanted.parent).exists():
        return []
    return permissions.reasons(person)


# --- searching ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Found:
    """The first ones in the order, as many as were asked for if `end` is None and there are so many. `end`:
    the place up to which has been looked in the time."""

    keys: list[Key]
    end: Key | None = None


def _search(reasons: list[Reason], wanted: Wanted, place: Key | None, limit: int, until: float) -> _Found:
    found = [part.search(place, limit, until) for part in _parts(reasons, wanted)]
    return found[0] if len(found) == 1 else _merged(found, wanted, limit)


def _merged(found: list[_Found], wanted: Wanted, limit: int) -> _Found:
    """Each once, and only as far as all parts have been looked through."""
    keys = sorted({key for one in found for key in one.keys}, reverse=wanted.falling)
    ends = [one.end for one in found if one.end is not None]
    if not ends:
        return _Found(keys[:limit])
    end = max(ends) if wanted.falling else min(ends)
    known = [key for key in keys if (key >= end if wanted.falling else key <= end)]
    return _Found(known[:limit], end if len(known) < limit else None)


def _by_status(reasons: list[Reason], wanted: Wanted, place: Key | None, limit: int, until: float) -> _Found:
    """One status after the other: an index leads through each."""
    codes = sorted(Known.of(wanted).codes or states.JOB_STATES, reverse=wanted.falling)
    sort = "-created" if wanted.falling else "created"
    keys: list[Key] = []
    for code in codes:
        if place is not None and (code > place.value if wanted.falling else code < place.value):
            continue
        start = Key(place.pk, place.pk) if place is not None and place.value == code else None
        one = replace(wanted, status=(code,), sort=sort)
        found = _search(reasons, one, start, limit - len(keys), until)
        keys += (Key(code, key.pk) for key in found.keys)
        if found.end is not None:
            return _Found(keys, Key(code, found.end.pk))
        if len(keys) >= limit:
            break
    return _Found(keys)


# --- what is seen for one reason ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Window:
    """From behind `start` up to and with `end`; None: from the first, to the last row."""

    start: Key | None
    end: Key | None


def _parts(reasons: list[Reason], wanted: Wanted) -> list[_Part]:
    known = Known.of(wanted)
    if known.is_nothing:
        return []
    return [_Part(known, reason) for reason in reasons if _fits(known, reason)]


def _fits(known: Known, reason: Reason) -> bool:
    users, app = known.users, known.wanted.app
    if reason.user is not None and users is not None and reason.user not in users:
        return False
    return not (reason.app and app and reason.app != app)


class _Part:
    """What is wanted of the jobs that a person sees for one reason."""

    def __init__(self, known: Known, reason: Reason) -> None:
        self.known, self.wanted, self.reason = known, known.wanted, reason
        self.way = best(known, reason)
        self.order = self.wanted.order
        self.everything = ordered(Job.objects.all(), self.wanted)
        matching = known.filtered(self.everything, by_template="template" in self.way.equal)
        self.besides = matching.filter(reason.besides)
        self.rows = matching.filter(reason.condition)

    def search(self, place: Key | None, limit: int, until: float) -> _Found:
        if self.is_short or (self.order.column and self.is_small):
            return _Found(self._sorted(place, limit))
        if self.way.exact and not self.order.column:
            numbers = self._on_the_way(_Window(place, None))[:limit]
            return _Found([Key(number, number) for number in numbers])
        keys: list[Key] = []
        for window in self._windows(place, until):
            rows = self._within(window).values_list(self.order.column or "pk", "pk")
            keys += itertools.starmap(Key, rows[: limit - len(keys)])
            place = window.end
            if len(keys) >= limit or place is None:
                return _Found(keys)
            if self.is_small:  # what is left of it is one more question
                return _Found([*keys, *self._sorted(place, limit - len(keys))])
        return _Found(keys, place)

    def stretches(self, until: float) -> Iterator[tuple[QuerySet[Any], bool]]:
        """What is wanted, in queries that are quick to count, while there is time; and whether this is the
        last of it."""
        if self.is_one_query:
            yield self.rows.order_by(), True
        elif self.way.exact:
            yield self._on_the_way(_Window(None, None)), True
        else:
            for window in self._windows(None, until):
                yield self._within(window).order_by(), window.end is None

    @property
    def is_one_query(self) -> bool:
        """Whether the database begins with few rows whatever is asked."""
        return bool(self.wanted.ids) or self.reason.few

    # --- in few rows ---

    @property
    def is_short(self) -> bool:
        """Whether its few rows lie on no way in the order of their numbers."""
        return self.is_one_query or (not self.way.exact and self._ended_few)

    @cached_property
    def is_small(self) -> bool:
        return self.is_one_query or self._ended_few or self._lies_on_a_short_way

    @cached_property
    def _ended_few(self) -> bool:
        wanted = self.wanted
        if wanted.ended_after is None or wanted.ended_before is None:
            return False
        ended = Job.objects.filter(
            completion_time__gte=wanted.ended_after, completion_time__lt=wanted.ended_before
        )
        return not ended.order_by("completion_time").values_list("pk")[FEW : FEW + 1].exists()

    @property
    def _lies_on_a_short_way(self) -> bool:
        few = FEW // 4 if self.wanted.is_costly else FEW
        if self.way.is_all:
            first, last = self._bounds
            return last - first < few
        return not self._on_the_way(_Window(None, None))[few : few + 1].exists()

    def _sorted(self, place: Key | None, limit: int) -> list[Key]:
        """All are found before they are sorted, whatever the database thinks of it."""
        column = self.order.column or "pk"
        rows = behind(self.rows, place, self.wanted).order_by().values_list(column, "pk")
        found, values = rows.query.sql_with_params()
        order = "DESC" if self.wanted.falling else "ASC"
        first = (
            f"WITH few(place, number) AS MATERIALIZED ({found}) "  # noqa: S608 - of the ORM's own making
            f"SELECT number FROM few ORDER BY place {order}, number {order} LIMIT {limit:d}"
        )
        sorted_ = self.everything.filter(pk__in=RawSQL(first, values))  # noqa: S611
        return list(itertools.starmap(Key, sorted_.values_list(column, "pk")))

    # --- in windows ---

    def _windows(self, start: Key | None, until: float) -> Iterator[_Window]:
        """Longer and longer ones while they are quick, none after the time is up. The last one read has no
        end if nothing is left behind it."""
        place, length = start, self._first_length
        while True:
            since = time.monotonic()
            end = self._end(place, length)
            yield _Window(place, end)
            now = time.monotonic()
            left = until - now
            if end is None or left <= 0:
                return
            place = end
            length = int(length * min(8.0, max(0.25, left / max(now - since, 1e-4) / 2)))

    @property
    def _first_length(self) -> int:
        plain = self.way.is_all and not self.wanted.is_costly and not self.order.column
        return WINDOW if plain else COSTLY_WINDOW

    def _end(self, start: Key | None, length: int) -> Key | None:
        if self.order.column:
            rows = behind(self.everything, start, self.wanted).values_list(self.order.column, "pk")
            last = rows[length : length + 1].first()
            return Key(*last) if last else None
        if self.way.is_all:
            return self._end_by_number(start, length)
        number = self._on_the_way(_Window(start, None))[length : length + 1].first()
        return Key(number, number) if number is not None else None

    def _end_by_number(self, start: Key | None, length: int) -> Key | None:
        first, last = self._bounds
        if self.wanted.falling:
            end = min(start.pk if start else last + 1, last + 1) - length
            return Key(end, end) if end > first else None
        end = max(start.pk if start else first - 1, first - 1) + length
        return Key(end, end) if end < last else None

    def _within(self, window: _Window) -> QuerySet[Job]:
        if self.order.column or self.way.group is None:
            return up_to(behind(self.rows, window.start, self.wanted), window.end, self.wanted)
        return self.besides.filter(pk__in=self._on_the_way(window).order_by())

    def _on_the_way(self, window: _Window) -> QuerySet[Any]:
        """The numbers of the jobs there."""
        number, falling = self.way.number, self.wanted.falling
        rows = self.way.numbers(falling)
        if window.start is not None:
            rows = rows.filter(**{f"{number}__{'lt' if falling else 'gt'}": window.start.pk})
        if window.end is not None:
            rows = rows.filter(**{f"{number}__{'gte' if falling else 'lte'}": window.end.pk})
        if not self._has_bounds:
            return rows
        first, last = self._bounds
        return rows.filter(**{f"{number}__gte": first, f"{number}__lte": last})

    @property
    def _has_bounds(self) -> bool:
        wanted = self.wanted
        return any((wanted.created_after, wanted.created_before, wanted.ended_before))

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


def _first_since(moment: datetime, otherwise: int) -> int:
    rows = Job.objects.filter(creation_time__gte=moment).order_by("creation_time")
    return rows.values_list("pk", flat=True).first() or otherwise


# --- cursors ----------------------------------------------------------------------------------------------


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
