"""The courier of a scheduler: the one process that holds its connections (a lease), tells the pool what is
wished, and records what the pool says. Everybody else writes rows, and nudges.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from django.db import DatabaseError, close_old_connections
from django.db.models import Q
from django.utils import timezone

from jobs_app import logs
from jobs_app.lifecycle import checkups as checkups  # it serves errands
from jobs_app.lifecycle import copies, errands, hints, idle, lease, live, pausing, reconcile, usage
from jobs_app.lifecycle import remote as remote  # it serves errands too
from jobs_app.lifecycle.finish import fetches, finish
from jobs_app.lifecycle.follow import Follower, gather
from jobs_app.lifecycle.forget import forget_over
from jobs_app.lifecycle.link import Link, give_up, live_segments
from jobs_app.lifecycle.nudge import Bell, hand_over, ring
from jobs_app.lifecycle.record import Overtaken, apply, record_patiently
from jobs_app.lifecycle.requests import serve
from jobs_app.lifecycle.send import BATCH, send_waiting, settle
from jobs_app.lifecycle.sweep import sweep
from jobs_app.lifecycle.vitals import Vitals
from jobs_app.lifecycle.wish import act
from jobs_app.models import Attempt, AttemptPhase, Job, Scheduler, Segment
from jobs_app.pools.base import Events, Garbled, PoolError

log = logging.getLogger(__name__)

SWEEP_EVERY = 10.0
LOOK_EVERY = 1.0  # seconds between two looks at what nobody was nudged about
NOTHING_TO_HEAR = 0.02  # seconds to sleep where no pool could say anything
TROUBLE = 2.0  # seconds of rest after an error of our own
DAMAGED_AFTER = 3  # readings in a row
OFFER_AGAIN = 15.0  # seconds
MANY = 10_000


class Stop(Protocol):
    """When to stop: a threading.Event, or something like it."""

    def is_set(self) -> bool: ...


class LostLease(Exception):
    """Another courier works for this scheduler now."""


class Courier:
    """Works only between a take() that said True and a release()."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.link = Link(scheduler)
        self.holder = lease.new_holder()
        self._segments: dict[int, Segment] = {}
        self._followers: dict[int, Follower] = {}
        self._renewed = self._looked = self._looked_again = self._swept = self._hinted = 0.0
        self._explained = time.monotonic()
        self._seen: reconcile.Seen = {}  # on the pool, and nobody has heard of it
        self._outdated = False  # somebody else has recorded meanwhile
        self._settled, self._settle_at = False, 0.0
        self._subjobs = True  # whether somebody may wait for one
        self._usage = usage.Keeper()
        self._offered: dict[int, float] = {}  # attempts that somebody else was asked to finish, and when
        self._unreadable: dict[int, tuple[int, float]] = {}  # segments: how often in a row, when again
        self._desk = errands.Desk(self.link, look_again=self._look_again)
        self._vitals = Vitals()

    # --- the lease ------------------------------------------------------------------------------------

    def take(self) -> bool:
        scheduler_id = self.link.scheduler.pk
        if not self._outdated and lease.take_again(scheduler_id, self.holder):
            self._renewed = time.monotonic()
            return True
        if not lease.take(scheduler_id, self.holder):
            return False
        self._outdated = False
        self._renewed, self._looked = time.monotonic(), 0.0
        self._settled, self._settle_at, self._subjobs = False, 0.0, True
        self._segments.clear()
        self._look_again()
        self._desk.take_over()
        return True

    def release(self) -> None:
        lease.give_back(self.link.scheduler.pk, self.holder)

    def must_have_scheduler(self) -> None:
        """Scheduler.DoesNotExist if it was removed."""
        Scheduler.objects.only("pk").get(pk=self.link.scheduler.pk)

    def close(self) -> None:
        if self.link.ready and lease.take_again(self.link.scheduler.pk, self.holder):
            self._forget()
        self.release()
        self._desk.close()
        self.link.close()

    def _keep_lease(self) -> None:
        if not self._outdated and time.monotonic() - self._renewed < lease.SECONDS / 3:
            return
        if self._outdated or not lease.take_again(self.link.scheduler.pk, self.holder):
            raise LostLease(f"Another courier works for scheduler {self.link.scheduler} now.")
        self._renewed = time.monotonic()

    def _look_again(self) -> None:
        """The row may have been changed by hand; segments come and go."""
        self._looked_again = time.monotonic()
        if self.link.look_again():
            self._stop_following()
            self._desk.renew()
        found = {segment.pk: segment for segment in live_segments(self.link.scheduler)}
        self._segments = {pk: self._segments.get(pk, segment) for pk, segment in found.items()}

    def _look_now_and_then(self) -> None:
        if time.monotonic() - self._looked_again > LOOK_EVERY:
            self._look_again()

    # --- one round ------------------------------------------------------------------------------------

    def tick(self, wait: float = 0.0) -> bool:
        """One round, which waits up to `wait` seconds for news; whether there was anything to do."""
        self._keep_lease()
        self._look_now_and_then()
        self._desk.serve()
        sent = self._tell()
        heard = self._ask_for_news(0.0 if sent == BATCH else wait)
        self._complete(heard)
        return bool(sent) or heard

    def help(self, wait: float = 0.0) -> bool:
        """As tick(), for somebody who waits for one job: trouble with others is logged, and not theirs."""
        try:
            return self.tick(wait)
        except (LostLease, Overtaken) as error:
            log.warning("%s", error)
            self._outdated = True
        except Exception:
            log.exception("The courier of scheduler %s stumbled and goes on", self.link.scheduler)
        time.sleep(min(wait, TROUBLE))
        return False

    def _tell(self) -> int:
        """What the pool has to be told; how many attempts were sent."""
        link = self.link
        if link.ready and not self._settled and time.monotonic() >= self._settle_at:
            self._settled = settle(link) and link.ready
            if not self._settled and link.ready:  # a batch of which nothing can be read
                self._settle_at = time.monotonic() + SWEEP_EVERY
        if link.ready:
            act(link)
        sent = send_waiting(link) if link.ready and link.sending else None
        self._settled = self._settled and link.ready
        if sent is None:
            return 0
        self._segments.setdefault(sent.segment.pk, sent.segment)
        return sent.attempts

    def _ask_for_news(self, wait: float) -> bool:
        """Only the newest segment is waited for."""
        segments = self._readable() if self.link.ready else []
        if not segments:
            time.sleep(min(wait, NOTHING_TO_HEAR))
        heard = False
        for segment in segments:
            heard |= self._follow(segment, wait if segment is segments[-1] else 0.0)
        return heard

    def _readable(self) -> list[Segment]:
        now = time.monotonic()
        return [each for each in self._segments.values() if self._unreadable.get(each.pk, (0, now))[1] <= now]

    def _follow(self, segment: Segment, wait: float) -> bool:
        try:
            found = gather(self.link.pool, segment.name, segment.offset, wait)
        except PoolError as error:
            self._not_read(segment, error)
            return False
        return self._record(segment, found)

    def _not_read(self, segment: Segment, error: PoolError) -> None:
        """What cannot be read again and again is damaged there; the link is well, and the others go on."""
        if not isinstance(error, Garbled):
            self.link.failed(error)
            return
        times, _ = self._unreadable.get(segment.pk, (0, 0.0))
        self._unreadable[segment.pk] = (times + 1, time.monotonic() + LOOK_EVERY)
        log.warning("Segment %s cannot be read (%d. try): %s", segment, times + 1, error)
        if times + 1 >= DAMAGED_AFTER:
            self._give_up(segment, error)

    def _give_up(self, segment: Segment, error: PoolError) -> None:
        log.error("Segment %s is left; its jobs are asked about instead: %s", segment, error)
        give_up(segment, error)
        self._look_again()
        reconcile.want(self.link)

    def _record(self, segment: Segment, found: Events) -> bool:
        self.link.answered()
        self._unreadable.pop(segment.pk, None)
        if self.link.scheduler.kind != Scheduler.EMBEDDED:
            self._usage.keep(found.events)  # first: what a held job has used says how much more it needs
        recorded = record_patiently(segment, usage.without(found), self.link.actor)
        self._vitals.read(time.time())
        self._vitals.recorded(found.events)
        self._subjobs |= recorded.requests
        for attempt_id, _ in recorded.finished:
            self._finish(attempt_id)
        return bool(found.events)

    def _complete(self, heard: bool) -> None:
        """What follows from what was heard; now and then, what nobody spoke of."""
        due = time.monotonic() - self._looked > LOOK_EVERY
        if due and self.link.ready:
            self._looked = time.monotonic()
            self._finish_all()
            self._forget()
        if told := live.heard(self.link.scheduler.pk):
            apply(told, self.link.actor)
        if self._subjobs and self.link.ready and (heard or due):
            self._subjobs = serve(self.link, _build)
        if due and self.link.ready and reconcile.is_due(self.link):
            self._seen = reconcile.reconcile(self.link, self._seen)
        if due and self.link.ready:
            self._look_where_hinted()
        if self.link.ready and time.monotonic() - self._explained > idle.EVERY:
            self._explained = time.monotonic()
            idle.explain(self.link)
        if time.monotonic() - self._swept > SWEEP_EVERY:
            self._swept = time.monotonic()
            sweep()
            errands.drop_old()
            pausing.explain(self.link.scheduler)
        self._vitals.write_now_and_then(self.link.scheduler, len(self._segments))

    def _look_where_hinted(self) -> None:
        """Somebody called: the pool is asked about those jobs together, and then not for some seconds."""
        if time.monotonic() - self._hinted < hints.AGAIN.total_seconds():
            return
        tokens = hints.take_due(self.link.scheduler.pk)
        if tokens:
            self._hinted = time.monotonic()
            seen = reconcile.reconcile(self.link, self._seen, only=tokens)
            self._seen = {
                **{token: what for token, what in self._seen.items() if token not in tokens},
                **seen,
            }

    def _finish_all(self) -> None:
        ready = Attempt.objects.filter(scheduler=self.link.scheduler, phase=AttemptPhase.FETCHING)
        ready = ready.filter(Q(retry_at=None) | Q(retry_at__lte=timezone.now()), holder="").order_by("pk")
        for attempt_id in ready.values_list("pk", flat=True):
            self._finish(attempt_id)

    def _finish(self, attempt_id: int) -> None:
        finish(attempt_id, self.link, self.holder, self._offer)

    def _offer(self, attempt_id: int) -> bool:
        """To who finishes what takes long. Whether it was done is asked again, but not in each round."""
        now = time.monotonic()
        if now - self._offered.get(attempt_id, -OFFER_AGAIN) < OFFER_AGAIN:
            return True
        if not hand_over(attempt_id):
            return False
        if len(self._offered) > MANY:
            self._offered = {pk: at for pk, at in self._offered.items() if now - at < OFFER_AGAIN}
        self._offered[attempt_id] = now
        return True

    def _forget(self) -> None:
        """Not urgent, and lost without harm: the rows say what is still there."""
        forget_over(self.link)
        if fetches(self.link) and self.link.ready:
            copies.drop(self.link)

    # --- for good -------------------------------------------------------------------------------------

    def run(self, stop: Stop) -> None:
        """Rounds without end, woken by nudges and by news. Whatever goes wrong in one, the next comes."""
        bell = Bell(self.link.scheduler.pk)
        self._desk.ring = bell.ring
        try:
            while not stop.is_set():
                self._keep_lease()
                self._look_now_and_then()
                busy = self._round(bell)
                bell.wait(0.0 if busy else LOOK_EVERY / 2)
            self._vitals.write(self.link.scheduler, len(self._segments))
        finally:
            self._desk.ring = _nobody_listens
            bell.close()
            self._stop_following()

    def _round(self, bell: Bell) -> bool:
        try:
            self._desk.serve()
            sent = self._tell()
            heard = self._read_followers(bell)
            self._complete(heard)
        except (LostLease, Overtaken) as error:
            self._outdated = True
            raise LostLease(str(error)) from error
        except Exception as error:
            if isinstance(error, Scheduler.DoesNotExist):
                self.must_have_scheduler()
            log.exception("The courier of scheduler %s stumbled and goes on", self.link.scheduler)
            self._stop_following()
            close_old_connections()
            time.sleep(TROUBLE)
            return False
        return sent == BATCH or heard

    def _read_followers(self, bell: Bell) -> bool:
        self._follow_what_lives(bell)
        heard = False
        for pk, follower in list(self._followers.items()):
            self._vitals.read(follower.heard)
            found = follower.take()
            if isinstance(found, PoolError):
                self._not_read(follower.segment, found)
                self._followers.pop(pk).stop()
            elif found is not None:
                heard |= self._record(follower.segment, found)
        return heard

    def _follow_what_lives(self, bell: Bell) -> None:
        if self.link.ready:
            for pk in self._segments.keys() - self._followers.keys():
                self._followers[pk] = Follower(self.link.open, self._segments[pk], bell.ring)
        for pk in self._followers.keys() - self._segments.keys():
            self._followers.pop(pk).stop()

    def _stop_following(self) -> None:
        for follower in self._followers.values():
            follower.stop()
        self._followers.clear()


def _nobody_listens() -> None:
    """Where no bell is, the next round comes by itself."""


def _build(parent: Job, wanted: Mapping[str, Any]) -> Job:
    """As JobManager.build, without waiting."""
    from jobs_app.manager import JobManager

    return JobManager(parent.app).build_subjob(parent, wanted)


def run(scheduler: Scheduler, stop: threading.Event) -> None:
    """Is the scheduler's courier whenever nobody else is, until `stop` is set."""
    courier = Courier(scheduler)
    with logs.about(scheduler=scheduler.name):
        while not stop.is_set() and _run_once(courier, stop):
            stop.wait(LOOK_EVERY)
        courier.close()


def _run_once(courier: Courier, stop: threading.Event) -> bool:
    """Whether there is still something to be the courier of."""
    try:
        _work(courier, stop)
    except DatabaseError:
        log.exception("The courier of scheduler %s cannot reach the database", courier.link.scheduler)
        close_old_connections()
    except Scheduler.DoesNotExist:
        log.info("Scheduler %s was removed", courier.link.scheduler)
        return False
    return True


def _work(courier: Courier, stop: threading.Event) -> None:
    """Nobody has the lease of a scheduler that is gone, so who does not get it asks whether it is there."""
    try:
        if courier.take():
            courier.run(stop)
        else:
            courier.must_have_scheduler()
    except LostLease as error:
        courier.must_have_scheduler()
        log.warning("%s", error)


# --- a turn, for Celery -------------------------------------------------------------------------------

TURN = 30.0  # seconds after which a worker makes room for schedulers that have no courier
LONGEST_TURN = 900.0  # seconds; well below the time after which Redis would deliver the message again

leaving = threading.Event()  # this process is to end: so does each turn


def work_a_while(scheduler_id: int) -> bool:
    """Is the scheduler's courier, if nobody else is, while there is something to do; whether some is left.
    A courier that works in this process, or beside it, looks at its rows at once."""
    courier = _courier_of_this_thread(scheduler_id)
    if leaving.is_set():
        return _has_work(scheduler_id)
    if not courier.take():
        ring(scheduler_id)
        return False
    turn = _Turn(scheduler_id)
    try:
        with logs.about(scheduler=courier.link.scheduler.name):
            courier.run(turn)
    except LostLease as error:
        log.warning("%s", error)
        return False
    finally:
        courier.release()
    return turn.has_work


class _Turn:
    """Over when nothing is left to do, or others have nobody, or the process is to end."""

    def __init__(self, scheduler_id: int) -> None:
        self.has_work = True
        self._scheduler_id = scheduler_id
        self._begun = self._looked = time.monotonic()
        self._over = False

    def is_set(self) -> bool:
        now = time.monotonic()
        if now - self._looked > LOOK_EVERY:
            self._looked = now
            self.has_work = _has_work(self._scheduler_id)
            age = now - self._begun
            self._over = age > LONGEST_TURN or (age > TURN and _others_have_nobody(self._scheduler_id))
        return self._over or not self.has_work or leaving.is_set()


def _others_have_nobody(scheduler_id: int) -> bool:
    others = Scheduler.objects.exclude(pk=scheduler_id).exclude(kind=Scheduler.EXTERNAL)
    alone = [
        row.pk for row in others if lease.is_lost(row.courier, row.courier_until) or not row.courier_until
    ]
    return any(map(_has_work, alone))


def with_work() -> list[int]:
    """The schedulers for which something is to be done or to be heard."""
    return [pk for pk in Scheduler.objects.values_list("pk", flat=True) if _has_work(pk)]


def _has_work(scheduler_id: int) -> bool:
    live = Attempt.objects.filter(scheduler=scheduler_id)
    live = live.exclude(phase__in=(AttemptPhase.FINAL, AttemptPhase.BLOCKED))
    return live.exists() or errands.waiting_for(scheduler_id) or copies.waiting_for(scheduler_id)


# --- lending a hand -----------------------------------------------------------------------------------

_couriers = threading.local()


@contextmanager
def lend_a_hand(scheduler_id: int) -> Iterator[Callable[[float], object] | None]:
    """For who waits in a plain script: the rounds of a courier, unless another one works."""
    courier = _courier_of_this_thread(scheduler_id)
    if not courier.take():
        yield None
        return
    try:
        yield courier.help
    finally:
        courier.release()


def _courier_of_this_thread(scheduler_id: int) -> Courier:
    """Kept with its connection for the next time; a forked child has none."""
    known: dict[tuple[int, int], Courier] = _couriers.__dict__.setdefault("known", {})
    key = (os.getpid(), scheduler_id)
    if key not in known:
        known[key] = Courier(Scheduler.objects.get(pk=scheduler_id))
    return known[key]
