"""Whose turn it is on a pool: what limits leave room for, shared fairly among users.

Whoever has the fewest slices on the pool is next, with the most urgent of their own attempts; the oldest of
those goes first. Who does not fit into their own limit waits, and the others go on. Who does not fit into the
pool's limit is overtaken by those with fewer slices only, and after some minutes by nobody, or large jobs
would wait for ever. An attempt larger than a limit goes alone.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

from jobs_app.models import Attempt, AttemptPhase, Job, Scheduler, UserLimit
from jobs_app.models.plain import rows

from .change import LIMITED, message

COUNTED = 1.0  # seconds for which a count of what is on the pool holds: what ends meanwhile leaves more room
SAY_EVERY = 10.0  # seconds
SAID = 200  # waiting jobs of a user that are told why: the next ones
PATIENCE = 600.0  # seconds after which the attempt that did not fit in goes before all others
NOBODY = 0
CHUNK = 50

# As the index attempt_next has it, word for word: else SQLite does not use it.
_NEXT = "scheduler_id = %s AND NOT paused AND phase = 'waiting' AND wish = ''"
_ATTEMPT, _JOB = Attempt._meta.db_table, Job._meta.db_table
_OWNER_AFTER = f"SELECT owner FROM {_ATTEMPT} WHERE {_NEXT} AND owner > %s ORDER BY owner LIMIT 1"  # noqa: S608
_WAITING = f"""
    SELECT id, job_id, slices, failures, priority FROM {_ATTEMPT}
    WHERE {_NEXT} AND owner = %s AND (retry_at IS NULL OR retry_at <= %s)
        AND (priority < %s OR (priority = %s AND id > %s))
    ORDER BY priority DESC, id LIMIT %s
"""  # noqa: S608
_LOADS = f"""
    SELECT a.owner, COUNT(*), SUM(CASE
        WHEN a.slices > j.slices_done + j.slices_failed THEN a.slices - j.slices_done - j.slices_failed
        ELSE 0 END)
    FROM {_ATTEMPT} a JOIN {_JOB} j ON j.id = a.job_id
    WHERE a.scheduler_id = %s AND a.phase IN ('sending', 'sent') GROUP BY a.owner
"""  # noqa: S608

_blocked: dict[int, tuple[int, float]] = {}  # by scheduler: what did not fit in, and since when


@dataclass(frozen=True)
class Waiting:
    attempt: int
    job: int
    slices: int
    failures: int
    priority: int


@dataclass
class Load:
    """What is on the pool: of one user, or in all."""

    attempts: int = 0
    slices: int = 0

    def add(self, slices: int) -> None:
        self.attempts += 1
        self.slices += slices


@dataclass(frozen=True)
class Limit:
    attempts: int | None = None
    slices: int | None = None

    @property
    def is_one(self) -> bool:
        return self.attempts is not None or self.slices is not None

    def exceeded(self, load: Load, slices: int) -> str:
        """ "500 of 500 slices", or "" if so many more fit in."""
        for name, limit, there, more in (
            ("jobs", self.attempts, load.attempts, 1),
            ("slices", self.slices, load.slices, slices),
        ):
            if limit is not None and (limit == 0 or there + min(more, limit) > limit):
                return f"{there} of {limit} {name}"
        return ""


@dataclass(frozen=True)
class Choice:
    """What is sent next, in this order; and why others wait, by user (None: all of them)."""

    attempts: list[Waiting] = field(default_factory=list)
    waits: dict[int | None, str] = field(default_factory=dict)


class Room:
    """Of one scheduler, for its courier. The row is read anew by `Link.look_again`."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self._counted = -COUNTED
        self._counted_for = (Limit(), Limit())  # in all, and of each user
        self._loads: dict[int, Load] = {}
        self._limits: dict[int, Limit] = {}
        self._said = -SAY_EVERY
        self._alone = False
        self._chosen: list[tuple[int, int]] = []  # of whom, and how many slices

    def choose(self, count: int) -> Choice:
        owners = list(waiting_owners(self.scheduler.pk))
        if not owners:
            return Choice()
        self._count()
        choice = self._share(owners, count)
        if choice.waits and time.monotonic() - self._said > SAY_EVERY:
            self._said = time.monotonic()
            for owner in owners:
                if why := choice.waits.get(owner) or choice.waits.get(None):
                    tell_waiting(self.scheduler, owner, f"{LIMITED}{why}.")
        return choice

    def company(self, found: list[Waiting]) -> list[Waiting]:
        """What was refused in company goes alone: by turns with the others, or it would wait for ever."""
        fresh = [one for one in found if not one.failures]
        lonely = [one for one in found if one.failures][:1]
        self._alone = not self._alone
        return (lonely or fresh) if self._alone else (fresh or lonely)

    def _share(self, owners: list[int], count: int) -> Choice:
        choice = Choice()
        self._chosen = []
        total = self._total()
        turns = _Turns(self.scheduler.pk, owners, self._loads, self._first())
        while len(choice.attempts) < count and (turn := turns.next()):
            owner, one = turn
            if full := self._together().exceeded(total, one.slices):
                choice.waits[None] = f"{full} are on {self.scheduler}"
                _blocked.setdefault(self.scheduler.pk, (one.attempt, time.monotonic()))
                break
            if full := self._limit(owner).exceeded(turns.loads[owner], one.slices):
                choice.waits[owner] = f"{_name(owner)} has {full} on {self.scheduler}"
                continue
            choice.attempts.append(one)
            self._chosen.append((owner, one.slices))
            total.add(one.slices)
            turns.take(owner, one)
        return choice

    def _first(self) -> int:
        """The attempt that has not fitted in for too long; 0 if there is none."""
        attempt, since = _blocked.get(self.scheduler.pk, (0, 0.0))
        if attempt and not Attempt.objects.filter(pk=attempt, phase=AttemptPhase.WAITING).exists():
            del _blocked[self.scheduler.pk]
            return 0
        return attempt if time.monotonic() - since > PATIENCE else 0

    # --- limits, and what is there ----------------------------------------------------------------------

    def _together(self) -> Limit:
        return Limit(self.scheduler.max_attempts, self.scheduler.max_slices)

    def _limit(self, owner: int) -> Limit:
        return self._limits.get(owner, self._each())

    def _each(self) -> Limit:
        return Limit(self.scheduler.max_attempts_per_user, self.scheduler.max_slices_per_user)

    def _total(self) -> Load:
        loads = self._loads.values()
        return Load(sum(load.attempts for load in loads), sum(load.slices for load in loads))

    def _count(self) -> None:
        """Without limits all of it is sent soon, and nothing has to be counted."""
        limits = self._together(), self._each()
        if time.monotonic() - self._counted < COUNTED and limits == self._counted_for:
            return
        self._counted, self._counted_for = time.monotonic(), limits
        self._limits = _own_limits(self.scheduler)
        limited = any(limit.is_one for limit in limits) or bool(self._limits)
        self._loads = loads_of(self.scheduler.pk) if limited else {}

    def sent(self) -> None:
        """What was chosen last is on the pool now. If it was less, the next count says so."""
        for owner, slices in self._chosen:
            self._loads.setdefault(owner, Load()).add(slices)
        self._chosen = []


class _Turns:
    """The users' queues, the one with the fewest slices on the pool before the others."""

    def __init__(self, scheduler_id: int, owners: list[int], loads: dict[int, Load], first: int) -> None:
        """`first`: an attempt that goes before all others, if it is the next one of its user."""
        self.loads = {owner: replace(loads.get(owner, Load())) for owner in owners}
        self._queues = {owner: waiting(scheduler_id, owner) for owner in owners}
        self._first = first
        self._turns: list[tuple[int, int, int, Waiting]] = []
        for owner in owners:
            self._queue_up(owner)

    def next(self) -> tuple[int, Waiting] | None:
        """Its user comes again only if it is taken."""
        return heapq.heappop(self._turns)[2:] if self._turns else None

    def take(self, owner: int, one: Waiting) -> None:
        self.loads[owner].add(one.slices)
        self._queue_up(owner)

    def _queue_up(self, owner: int) -> None:
        one = next(self._queues[owner], None)
        if one is not None:
            slices = -1 if one.attempt == self._first else self.loads[owner].slices
            heapq.heappush(self._turns, (slices, one.attempt, owner, one))


def loads_of(scheduler_id: int) -> dict[int, Load]:
    """By user; slices that are over do not count."""
    found = rows(_LOADS, [scheduler_id])
    return {owner: Load(attempts, int(slices or 0)) for owner, attempts, slices in found}


def waiting_owners(scheduler_id: int) -> Iterator[int]:
    """One look into the index each, however many attempts they have."""
    owner = NOBODY - 1
    while found := rows(_OWNER_AFTER, [scheduler_id, owner]):
        owner = found[0][0]
        yield owner


def waiting(scheduler_id: int, owner: int) -> Iterator[Waiting]:
    """Those of one user, in their order, read as far as they are wanted."""
    priority, last = 2**31 - 1, 0
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    while True:
        after = [priority, priority, last]
        found = rows(_WAITING, [scheduler_id, owner, now, *after, CHUNK])
        for row in found:
            yield Waiting(*row)
        if len(found) < CHUNK:
            return
        priority, last = found[-1][-1], found[-1][0]


def _own_limits(scheduler: Scheduler) -> dict[int, Limit]:
    own = UserLimit.objects.filter(scheduler=scheduler)
    columns = own.values_list("user_id", "max_attempts", "max_slices")
    return {user: Limit(attempts, slices) for user, attempts, slices in columns}


def _name(owner: int) -> str:
    users: Any = get_user_model()
    found = users.objects.filter(pk=owner).first() if owner else None
    return found.get_username() if found else "nobody in particular"


# --- what the user sees -----------------------------------------------------------------------------------


def tell_waiting(scheduler: Scheduler, owner: int, said: str) -> None:
    """The user's next jobs say so; one that has a trouble of its own keeps saying that."""
    found = waiting(scheduler.pk, owner)
    fresh = (one.job for one, _ in zip(found, range(SAID), strict=False) if not one.failures)
    text = message(said)
    jobs = Job.objects.filter(pk__in=list(fresh), _status="SUB")
    jobs.exclude(status_message=text).update(status_message=text)
