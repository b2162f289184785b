"""Which jobs somebody looks for, in which order; as conditions for the database."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import F, Q, QuerySet

from jobs_app import search, states
from jobs_app.errors import Invalid
from jobs_app.models import Job, Scheduler, Template
from jobs_app.models.job import NameKey
from jobs_app.parameters import unknown

_NUMBER = re.compile(r"[1-9][0-9]{0,15}")


@dataclass(frozen=True)
class Order:
    """What jobs are sorted by. The number decides among equals."""

    column: str  # "" for the number itself, which is the order of creation


SORTS = {
    "created": Order(""),
    "ended": Order("completion_time"),
    "name": Order("name_key"),
    "status": Order("_status"),
    "app": Order("app"),
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
    def number(self) -> int | None:
        """Of the job that is meant, where the text is a number."""
        return int(self.text) if _NUMBER.fullmatch(self.text) else None

    @property
    def is_costly(self) -> bool:
        """Whether each row has to be looked into, because no index helps."""
        return bool(self.text or self.statepoint)


class Key(NamedTuple):
    """A place in the order: rows up to it are behind us. Compared as the database compares them."""

    value: Any
    pk: int


# --- what the names in it stand for -------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """The same with numbers for names, looked up once: then the database sees which ones it looks for, and
    chooses its index well. None: it does not matter."""

    wanted: Wanted
    users: tuple[int, ...] | None = None
    templates: tuple[int, ...] | None = None
    schedulers: tuple[int, ...] | None = None
    codes: tuple[str, ...] | None = None

    @classmethod
    def of(cls, wanted: Wanted) -> Known:
        users = Job._meta.get_field("user").related_model
        return cls(
            wanted,
            _ids(users, username=wanted.user) if wanted.user else None,
            _ids(Template, name=wanted.template) if wanted.template else None,
            _ids(Scheduler, name=wanted.scheduler) if wanted.scheduler else None,
            tuple(_codes(wanted.status)) if wanted.status else None,
        )

    @property
    def is_nothing(self) -> bool:
        """Whether somebody or something is named that is not there."""
        return () in (self.users, self.templates, self.schedulers)

    @property
    def stages(self) -> list[str] | None:
        return None if self.codes is None else states.stages(self.codes)

    def filtered(self, rows: QuerySet[Job], *, by_template: bool = False) -> QuerySet[Job]:
        """`by_template`: the index of templates is a good way; else the sum keeps SQLite from it."""
        template = "template" if by_template else "of_template"
        if self.templates is not None and not by_template:
            rows = rows.alias(of_template=F("template_id") + 0)
        rows = rows.filter(self._plain(template) & _times(self.wanted))
        if self.wanted.text:
            rows = rows.filter(_about(self.wanted))
        return search.by_statepoint(rows, self.wanted.statepoint) if self.wanted.statepoint else rows

    def _plain(self, template: str) -> Q:
        wanted = self.wanted
        exact = {"app": wanted.app, "type": wanted.type, "method": wanted.method, "parent": wanted.parent}
        condition = Q(**{name: value for name, value in exact.items() if value not in ("", None)})
        condition &= Q(pk__in=wanted.ids) if wanted.ids else Q()
        among = {"user": self.users, template: self.templates, "scheduler": self.schedulers}
        for name, numbers in among.items():
            if numbers is not None:
                condition &= Q(**{name: numbers[0]}) if len(numbers) == 1 else Q(**{f"{name}__in": numbers})
        return condition & self._states()

    def _states(self) -> Q:
        if self.codes is None or self.stages is None:
            return Q()
        stage = Q(stage=self.stages[0]) if len(self.stages) == 1 else Q(stage__in=self.stages)
        return stage if self.has_whole_stages else stage & Q(_status__in=self.codes)

    @property
    def has_whole_stages(self) -> bool:
        codes = set(self.codes or ())
        return codes >= states.ACTIVE or not codes & states.ACTIVE


def _ids(model: Any, **named: str) -> tuple[int, ...]:
    return tuple(model.objects.filter(**named).values_list("pk", flat=True))


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


def _about(wanted: Wanted) -> Q:
    """The number is one more look at a row that is looked into anyway: no index leads to the words."""
    about = Q(name__icontains=wanted.text) | Q(description__icontains=wanted.text)
    return about if wanted.number is None else about | Q(pk=wanted.number)


# --- places in the order ------------------------------------------------------------------------------------


def ordered(rows: QuerySet[Job], wanted: Wanted) -> QuerySet[Job]:
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


def behind(rows: QuerySet[Job], key: Key | None, wanted: Wanted) -> QuerySet[Job]:
    return rows if key is None else rows.filter(_beyond(key, wanted, "lt" if wanted.falling else "gt"))


def up_to(rows: QuerySet[Job], key: Key | None, wanted: Wanted) -> QuerySet[Job]:
    return rows if key is None else rows.filter(_beyond(key, wanted, "gt" if wanted.falling else "lt", "e"))


def _beyond(key: Key, wanted: Wanted, than: str, equal: str = "") -> Q:
    """The first condition alone would do; it is what leads the database into the index."""
    column = wanted.order.column
    if not column:
        return Q(**{f"pk__{than}{equal}": key.pk})
    near = Q(**{f"{column}__{than}e": key.value})
    return near & (Q(**{f"{column}__{than}": key.value}) | Q(**{f"pk__{than}{equal}": key.pk}))
