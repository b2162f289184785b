"""A scheduler's pool as its courier holds it, and what is known of the link. Failures change that only."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone

from jobs_app import conf
from jobs_app.models import Attempt, Scheduler, Segment
from jobs_app.pools.base import AccessDenied, Pool, PoolError

from .actors import Actor, pool
from .room import Room

log = logging.getLogger(__name__)

PAUSE_AFTER = 8  # failures in a row
LONGEST_PAUSE = 300.0  # seconds between two tries at something that went wrong
LONGEST_SILENCE = 30.0  # between two looks whether a pool is in reach again: they cost no login
OUT_OF_REACH = "Not in reach: "
NOT_LET_IN = "Not let in, so a person must act: "

Opener = Callable[[Scheduler], Pool]


def _embedded(_: Scheduler) -> Pool:
    from jobs_app.pools.embedded.client import EmbeddedPool

    return EmbeddedPool(conf.home() / "pool", slots=conf.slots())


def _condor(scheduler: Scheduler) -> Pool:
    from .access import open_pool

    return open_pool(scheduler)


OPENERS: dict[str, Opener] = {Scheduler.EMBEDDED: _embedded, Scheduler.CONDOR: _condor}


class Link:
    """The scheduler's row, its pool (opened when first needed), and the segments that are being read."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self._pool: Pool | None = None
        self._origin: object = None
        self._reached = self._reached_by()
        self._segment: Segment | None = None
        self._heard: datetime | None = None  # when the pool last answered
        self.room = Room(scheduler)

    @property
    def pool(self) -> Pool:
        origin = (OPENERS[self.scheduler.kind], conf.home())
        if self._origin != origin:
            self.close()
        if self._pool is None:
            self._pool, self._origin = self.open(), origin
        return self._pool

    def _reached_by(self) -> object:
        from .access import reached_by

        return reached_by(self.scheduler) if self.scheduler.kind == Scheduler.CONDOR else None

    def open(self) -> Pool:
        """Another connection to the same pool, for another thread."""
        return OPENERS[self.scheduler.kind](self.scheduler)

    def open_segment(self) -> Segment:
        """The one in which new batches log. A long one is closed: it ends when all its attempts are over."""
        if self._segment is None or _is_full(self._segment):
            self._segment = open_segment(self.scheduler)
        return self._segment

    def look_again(self) -> bool:
        """Others may have changed the rows. Whether the pool is reached in another way from now on: what is
        open still leads where it led before."""
        self.scheduler.refresh_from_db()
        self._segment = None
        before, self._reached = self._reached, self._reached_by()
        has_moved = before != self._reached
        if has_moved:
            self.close()
        return has_moved

    @property
    def actor(self) -> Actor:
        return pool(self.scheduler.name)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    # --- how it is --------------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether something may be asked of the pool now; after failures only from time to time. Where we
        were not let in, a person resumes it: each further try would be one more to be banned for."""
        if self.scheduler.paused_by == Scheduler.BY_ACCESS:
            return False
        return self.scheduler.retry_at is None or self.scheduler.retry_at <= timezone.now()

    @property
    def sending(self) -> bool:
        return self.ready and not self.scheduler.draining and not paused_by_hand(self.scheduler)

    def failed(self, error: PoolError) -> None:
        """Tries again later, each time later; after enough failures the scheduler says that it pauses."""
        self.close()
        self.scheduler.refresh_from_db(fields=["failures", "retry_at", "paused", "paused_by"])
        said = str(error).replace("edit NAME", f"edit {self.scheduler}")
        failures = self.scheduler.failures + (0 if self._is_counted() else 1)
        known = {
            "failures": failures,
            "retry_at": back_off(failures, LONGEST_SILENCE),
            "last_error": said,
        }
        if self._heard is not None:
            known["last_contact"] = self._heard
        alarm = logging.ERROR if isinstance(error, AccessDenied) else logging.WARNING
        log.log(alarm, "Scheduler %s: %s (failure %d)", self.scheduler, said, failures)
        self._know(**known, **self._pause(error, said, failures))

    def _is_counted(self) -> bool:
        """A link that breaks, breaks for all that is on its way: that is one failure."""
        retry_at = self.scheduler.retry_at
        return bool(self.scheduler.failures) and retry_at is not None and retry_at > timezone.now()

    def _pause(self, error: PoolError, said: str, failures: int) -> dict[str, object]:
        """What an administrator paused stays theirs, unless we are not let in: that no resume mends."""
        now = {"paused_since": timezone.now()}
        if isinstance(error, AccessDenied) and self.scheduler.paused_by != Scheduler.BY_ACCESS:
            return {"paused": f"{NOT_LET_IN}{said}"[:500], "paused_by": Scheduler.BY_ACCESS, **now}
        if failures >= PAUSE_AFTER and not self.scheduler.paused:
            return {"paused": f"{OUT_OF_REACH}{said}"[:500], "paused_by": Scheduler.BY_REACH, **now}
        return {}

    def answered(self) -> None:
        """The pool has answered: whatever was wrong with the link is over."""
        self._heard = timezone.now()
        if self.scheduler.failures:
            self._know(failures=0, retry_at=None, last_error="", last_contact=timezone.now())
            if self.scheduler.paused_by == Scheduler.BY_REACH:
                self._know(paused="", paused_by="", paused_since=None)

    def _know(self, **known: object) -> None:
        Scheduler.objects.filter(pk=self.scheduler.pk).update(**known)
        for name, value in known.items():
            setattr(self.scheduler, name, value)


def paused_by_hand(scheduler: Scheduler) -> str:
    """Why an administrator paused it; "" if nobody did, or if it pauses by itself and goes on by itself."""
    by_itself = scheduler.paused_by in (Scheduler.BY_REACH, Scheduler.BY_ACCESS)
    return "" if by_itself else scheduler.paused


def back_off(failures: int, longest: float = LONGEST_PAUSE) -> datetime:
    """When to try again: 1, 2, 4 ... seconds, half of it up to chance, so that many do not come at once."""
    seconds = min(longest, 2.0 ** min(failures - 1, 20))
    return timezone.now() + timedelta(seconds=seconds * random.uniform(0.5, 1.0))  # noqa: S311


# --- segments ---------------------------------------------------------------------------------------------

SEGMENT_LENGTH = 64 << 20
# A pool may remove a segment that nobody has written to for a day; so none is begun with that is so old.
SEGMENT_AGE = timedelta(hours=12)


def open_segment(scheduler: Scheduler) -> Segment:
    segment = Segment.objects.filter(scheduler=scheduler, open=True).first()
    if segment is not None and not _is_full(segment):
        return segment
    if segment is not None:
        Segment.objects.filter(pk=segment.pk).update(open=False)
    return Segment.objects.create(scheduler=scheduler, name=_segment_name())


def _is_full(segment: Segment) -> bool:
    return segment.offset > SEGMENT_LENGTH or timezone.now() - segment.created > SEGMENT_AGE


def give_up(segment: Segment, error: PoolError) -> None:
    """It cannot be read on: the pool itself is asked about its attempts, and new ones log elsewhere."""
    Segment.objects.filter(pk=segment.pk).update(open=False, damaged=str(error) or type(error).__name__)


def _segment_name() -> str:
    return f"{timezone.now():%Y%m%d}-{random.SystemRandom().getrandbits(48):012x}"


def live_segments(scheduler: Scheduler) -> list[Segment]:
    """Those in which something may still be said."""
    on_pool = Attempt.objects.filter(
        batch__segment=OuterRef("pk"), scheduler=scheduler, phase__in=("sending", "sent")
    )
    sound = Segment.objects.filter(scheduler=scheduler, damaged="")
    return list(sound.filter(Exists(on_pool)).order_by("pk"))


def damaged_segments(scheduler: Scheduler) -> list[Segment]:
    """Those with attempts of which nothing is heard any more."""
    on_pool = Attempt.objects.filter(batch__segment=OuterRef("pk"), phase__in=("sending", "sent"))
    damaged = Segment.objects.filter(scheduler=scheduler).exclude(damaged="")
    return list(damaged.filter(Exists(on_pool)).order_by("pk"))
