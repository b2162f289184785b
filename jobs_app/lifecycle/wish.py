"""What a user wants of an attempt that is on its pool: written down at once, told to the pool by the courier.

Wishes are looked at before and after each step of the way, so a job that is stopped while it starts stays so.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, runtime_checkable

from django.db import transaction
from django.utils import timezone

from jobs_app import killpoints, states
from jobs_app.models import Attempt, AttemptPhase, Job
from jobs_app.models.plain import one_row
from jobs_app.pools.base import Event, Pool, PoolError, PoolUnreachable, Refused, Resources, Selection
from jobs_app.states import SliceState

from . import blocks
from .actors import Actor
from .change import message, move, note
from .close import postpone
from .link import Link
from .nudge import nudge
from .record import apply

log = logging.getLogger(__name__)

HOLD, RELEASE, REMOVE, CHANGE = "hold", "release", "remove", "change"
TOGETHER = 250  # attempts that one command names
ON_POOL = (AttemptPhase.SENDING, AttemptPhase.SENT)


@dataclass(frozen=True)
class Wish:
    verb: str
    why: str  # "Stopped by alice."
    step: str = ""
    slices: Sequence[int] = ()  # none: the whole attempt
    resources: Mapping[str, int] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)  # what the parameters were, if it is refused


def want(attempt: Attempt, wish: Wish, by: Actor) -> bool:
    """False if the attempt is not on its pool any more."""
    with transaction.atomic():
        rows = Attempt.objects.select_for_update().filter(pk=attempt.pk, phase__in=ON_POOL)
        wishes = rows.exclude(scheduler=None).values_list("wishes", flat=True).first()
        if wishes is None:
            return False
        _keep(attempt.pk, [*wishes, asdict(wish)])
        if wish.verb != RELEASE or not (_frees(attempt, wish) and _goes_on(attempt, wish.why, by)):
            note(attempt.job_id, by, wish.why, attempt=attempt.number)
            active = Job.objects.filter(pk=attempt.job_id, stage=states.AT_WORK)
            active.update(status_message=message(f"{wish.why} The pool is being told."))
    nudge(attempt.scheduler_id or 0)
    return True


def remove_again(attempt: Attempt) -> None:
    """What the pool was told already, and has not done."""
    _keep(attempt.pk, [asdict(Wish(REMOVE, "Told again."))])


def _frees(attempt: Attempt, wish: Wish) -> bool:
    """Whether the job is held no more then: of chosen slices one at least is."""
    states = blocks.whole(attempt.pk).get(wish.step, b"") if wish.slices else b""
    return not states or any(states[number] == SliceState.HELD for number in wish.slices)


def _goes_on(attempt: Attempt, why: str, by: Actor) -> bool:
    """Whoever waits for it has to see at once that it is held no more."""
    held = ("HLD", "PAS")
    return move(attempt.job_id, held, "SUB", by=by, why=why, attempt=attempt.number, status_message=why)


def _keep(attempt_id: int, wishes: Sequence[Mapping[str, Any]]) -> None:
    Attempt.objects.filter(pk=attempt_id).update(wishes=list(wishes), wish=_summary(wishes))


def _summary(wishes: Sequence[Mapping[str, Any]]) -> str:
    if any(wish["verb"] == REMOVE and not wish["slices"] for wish in wishes):
        return REMOVE
    return "other" if wishes else ""


# --- the courier's part -----------------------------------------------------------------------------------


@runtime_checkable
class ActsOnAll(Protocol):
    """A pool that can be told the same of many attempts at once."""

    def on_all(self, verb: str, attempts: Sequence[str], reason: str) -> Sequence[str]: ...


def act(link: Link) -> bool:
    """Tells the pool everything that is wished; one attempt's trouble is not another's."""
    if one_row(Attempt, "id", "scheduler_id = %s AND wish > ''", [link.scheduler.pk]) is None:
        return False
    wished = Attempt.objects.filter(scheduler=link.scheduler, phase=AttemptPhase.SENT).exclude(wish="")
    attempts = list(wished.exclude(retry_at__gt=timezone.now()).order_by("pk"))
    told = _act_together(attempts, link)
    for attempt in attempts:
        try:
            if attempt.pk not in told and link.ready:
                _act(attempt, link)
        except PoolUnreachable as error:
            link.failed(error)
            break
        except Refused as error:
            _refused(attempt, error, link.actor)
        except Exception as error:
            log.exception("Job %s: the pool could not be told a wish", attempt.job_id)
            postpone(attempt, error)
    return bool(attempts)


def _act_together(attempts: Sequence[Attempt], link: Link) -> set[int]:
    """Many of which the same is wished cost one command; which were told. What went wrong, and is not the
    link's trouble, is found out one by one."""
    told: set[int] = set()
    pool = link.pool if len(attempts) > 1 else None
    if not isinstance(pool, ActsOnAll):
        return told
    for wish, some in _alike(attempts):
        try:
            done = pool.on_all(wish.verb, list(some), wish.why)
        except PoolUnreachable as error:
            link.failed(error)
            return told
        except PoolError as error:
            log.warning("%d jobs could not be told together: %s", len(some), error)
            continue
        killpoints.reach("courier.wish-told")
        for token in done:
            _told(some[token], link)
            told.add(some[token].pk)
    return told


def _alike(attempts: Sequence[Attempt]) -> Iterator[tuple[Wish, dict[str, Attempt]]]:
    """Two or more of which the same is wished, by their tokens; so many as one command names."""
    alike: dict[tuple[str, str], list[Attempt]] = {}
    for attempt in attempts:
        if wish := _simple(attempt):
            alike.setdefault((wish.verb, wish.why), []).append(attempt)
    for (verb, why), some in alike.items():
        for first in range(0, len(some), TOGETHER):
            named = {attempt.token: attempt for attempt in some[first : first + TOGETHER]}
            if len(named) > 1:
                yield Wish(verb, why), named


def _simple(attempt: Attempt) -> Wish | None:
    """The one thing that is wished of all of it, where a job is its procs: no DAG is."""
    wish = Wish(**attempt.wishes[0]) if len(attempt.wishes) == 1 else None
    if wish is None or wish.slices or wish.verb not in (HOLD, RELEASE, REMOVE):
        return None
    is_program = not attempt.work.get("script") and not attempt.work.get("graph")
    return wish if attempt.form == "one-proc" or (is_program and not attempt.form) else None


def _act(attempt: Attempt, link: Link) -> None:
    for data in attempt.wishes:
        if events := _tell(link.pool, attempt.token, Wish(**data)):
            apply(events, link.actor)
        killpoints.reach("courier.wish-told")
    _told(attempt, link)


def _told(attempt: Attempt, link: Link) -> None:
    if attempt.wish == REMOVE:
        Attempt.objects.filter(pk=attempt.pk).update(removal_told=timezone.now())
    _fulfilled(attempt, len(attempt.wishes))
    link.answered()


def _tell(pool: Pool, token: str, wish: Wish) -> Sequence[Event] | None:
    """What follows at once for slices of which no segment will tell it."""
    selection = Selection(token, wish.step, tuple(wish.slices))
    if wish.verb == HOLD:
        return pool.hold(selection, wish.why)
    if wish.verb == RELEASE:
        return pool.release(selection)
    if wish.verb == CHANGE:
        return pool.change(selection, Resources(**wish.resources))
    return pool.remove(selection, wish.why)


def _refused(attempt: Attempt, error: Refused, by: Actor) -> None:
    """It would be refused again, so it is given up; what was held for new limits stays held."""
    verbs = [wish["verb"] for wish in attempt.wishes]
    if REMOVE in verbs:
        return postpone(attempt, error)
    why = f"The pool refused {'the new limits' if CHANGE in verbs else 'that'}: {error}"
    with transaction.atomic():
        _fulfilled(attempt, len(verbs))
        _take_back(attempt)
        held = ("SUB",) if RELEASE in verbs else ()
        said = {"status_message": message(why)}
        if not move(attempt.job_id, held, "HLD", by=by, why=why, attempt=attempt.number, **said):
            note(attempt.job_id, by, why, attempt=attempt.number)
            Job.objects.filter(pk=attempt.job_id, stage=states.AT_WORK).update(**said)
    return None


def _take_back(attempt: Attempt) -> None:
    """The job's parameters, as they were before the limits that were refused."""
    row = Job.objects.select_for_update().get(pk=attempt.job_id)
    for wish in reversed(attempt.wishes):
        row.parameters.update(wish.get("before", {}))
    known = {name: value for name, value in row.parameters.items() if value is not None}
    Job.objects.filter(pk=row.pk).update(parameters=known)


def _fulfilled(attempt: Attempt, count: int) -> None:
    """What was wished meanwhile stays."""
    with transaction.atomic():
        rows = Attempt.objects.select_for_update().filter(pk=attempt.pk)
        wishes = rows.values_list("wishes", flat=True).first()
        if wishes is not None:
            _keep(attempt.pk, wishes[count:])
