"""What somebody needs from a pool now. Only a scheduler's courier speaks to its access point, so who needs
something writes an errand and waits for the answer.

    errands.ask(scheduler, "free-space", {"path": "/data"})         the answer, or the error in its words

    @errands.serves("free-space")
    def _free_space(errand: Errand) -> Work:                        in the courier, where rows may be read
        path = errand.question["path"]
        return lambda pool: {"bytes": pool.free_space(path)}        in a thread: the pool only, no rows

Questions and answers are small JSON; bytes are written beside the job's files. Who asks the same at the same
time shares one errand. A handler may be called twice for one errand, so it must do no harm then.
"""

from __future__ import annotations

import hashlib
import json
import logging
import queue
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from jobs_app import conf, errors
from jobs_app.errors import NoAnswer, RoostError
from jobs_app.models import Attempt, Errand, Scheduler
from jobs_app.pools import base
from jobs_app.pools.base import Pool, PoolError, PoolUnreachable

from .link import Link
from .nudge import nudge
from .wait import WHILE, Round, helpers

log = logging.getLogger(__name__)

Answer = dict[str, Any]
Work = Callable[[Pool], Mapping[str, Any]]
Handler = Callable[[Errand], Work]

WAIT = 20.0  # seconds that who asks waits, unless told otherwise
THREADS = 4  # errands that one courier does at once
AT_ONCE = 32  # and has taken up
SHORTEST, LONGEST = 0.002, 0.05  # seconds between two looks at the row
ROUND = 0.01  # seconds that a round of a lent hand waits for news
KEPT = timedelta(minutes=5)  # how long an answer stays for who has not read it yet
WORKERS_COME = 5.0  # seconds in which Celery's workers are expected to take up an errand

_handlers: dict[str, Handler] = {}


def serves(kind: str) -> Callable[[Handler], Handler]:
    """Says who answers errands of this kind."""

    def register(handler: Handler) -> Handler:
        _handlers[kind] = handler
        return handler

    return register


# --- asking -----------------------------------------------------------------------------------------------


def ask(
    scheduler: Scheduler,
    kind: str,
    question: Mapping[str, Any] | None = None,
    attempt: Attempt | None = None,
    wait: float = WAIT,
) -> Answer:
    """The answer of the pool's courier. PoolError with its words if it could not be had; PoolUnreachable at
    once while the pool is known to be out of reach; NoAnswer if nobody answered within `wait` seconds.

    Where no courier works (a plain script, a command), who asks does its work.
    """
    _refuse_unreachable(scheduler)
    errand_id = _write(scheduler, kind, dict(question or {}), attempt, wait)
    nudge(scheduler.pk)
    return _answer(errand_id, scheduler, kind, time.monotonic() + wait)


def _refuse_unreachable(scheduler: Scheduler) -> None:
    known = Scheduler.objects.filter(pk=scheduler.pk).values_list("retry_at", "last_error").first()
    if known is not None and known[0] is not None and known[0] > timezone.now():
        raise PoolUnreachable(
            f"Scheduler {scheduler} is out of reach: {known[1]} It is tried again by itself."
        )


def _write(scheduler: Scheduler, kind: str, question: Answer, attempt: Attempt | None, wait: float) -> int:
    until = timezone.now() + timedelta(seconds=wait)
    digest = _digest(kind, question, attempt)
    same = Errand.objects.filter(scheduler=scheduler, digest=digest, state__in=Errand.OPEN)
    while True:
        there = same.values_list("pk", flat=True).first()
        if there is not None and same.filter(pk=there, until__lt=until).update(until=until):
            return there
        if there is not None and same.filter(pk=there).exists():
            return there
        try:
            with transaction.atomic():
                new = Errand(scheduler=scheduler, kind=kind, question=question, attempt=attempt)
                new.digest, new.until = digest, until
                new.save()
                return new.pk
        except IntegrityError:  # somebody asks the same at this moment
            continue


def _digest(kind: str, question: Answer, attempt: Attempt | None) -> str:
    asked = json.dumps([kind, question, attempt.pk if attempt else None], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()


def _answer(errand_id: int, scheduler: Scheduler, kind: str, deadline: float) -> Answer:
    begun = time.monotonic()
    pause = SHORTEST
    with ExitStack() as stack:
        round_: Round | None = None
        offered = 0.0
        while (errand := _closed(errand_id)) is None:
            now = time.monotonic()
            if now > deadline:
                raise NoAnswer(_nobody(scheduler, kind))
            if round_ is None and now - offered > WHILE and _may_help(begun):
                offered, round_ = now, _lend_a_hand(stack, scheduler.pk)
            if round_ is not None:
                round_(ROUND)
            else:
                time.sleep(pause)
                pause = min(pause * 1.3, LONGEST)
    if errand.state == Errand.FAILED:
        raise _as_error(errand.answer)
    return dict(errand.answer)


def _may_help(begun: float) -> bool:
    """Celery's workers hold the connections where there are any; a login of our own is the last resort."""
    return conf.background() != "celery" or time.monotonic() - begun > WORKERS_COME


def _lend_a_hand(stack: ExitStack, scheduler_id: int) -> Round | None:
    return stack.enter_context(helpers()[0](scheduler_id)) if helpers() else None


def _closed(errand_id: int) -> Errand | None:
    errand = Errand.objects.filter(pk=errand_id).first()
    if errand is None:
        raise NoAnswer("The errand was dropped: its time was up, or its job was deleted.")
    return None if errand.state in Errand.OPEN else errand


def _nobody(scheduler: Scheduler, kind: str) -> str:
    return (
        f"Nobody has answered for scheduler {scheduler} in time ({kind}). Its courier may be busy or away: "
        "see whether `manage.py serve`, or a worker, runs; then try again."
    )


# --- errors on their way ----------------------------------------------------------------------------------


def _as_answer(error: BaseException) -> Answer:
    return {"type": type(error).__name__, "words": str(error) or type(error).__name__}


def _as_error(answer: Mapping[str, Any]) -> Exception:
    name = str(answer.get("type", ""))
    found = getattr(base, name, None) or getattr(errors, name, None)
    if name == "FileNotFoundError":
        found = FileNotFoundError
    kind = found if isinstance(found, type) and issubclass(found, Exception) else RoostError
    return kind(str(answer.get("words", "")))


# --- answering, in the courier ----------------------------------------------------------------------------


class Desk:
    """A courier's errands. Rows are read and written in the courier's own thread; what takes time is done in
    others, over pools of their own that share the courier's connection."""

    def __init__(
        self,
        link: Link,
        ring: Callable[[], None] = lambda: None,
        look_again: Callable[[], None] = lambda: None,
    ) -> None:
        """`look_again` is called before errands are begun: who asks may have changed the row before."""
        self.link = link
        self.ring = ring
        self._look_again = look_again
        self._generation = 0  # of connections: those of an older one lead where the pool was before
        self._under_way: dict[int, Future[Mapping[str, Any]]] = {}
        self._pools: queue.SimpleQueue[Pool] = queue.SimpleQueue()
        self._executor: ThreadPoolExecutor | None = None

    def take_over(self) -> None:
        """What another courier had under way is asked anew."""
        lost = Errand.objects.filter(scheduler=self.link.scheduler, state=Errand.TAKEN)
        lost.exclude(pk__in=self._under_way).update(state=Errand.ASKED)

    def serve(self) -> bool:
        """Takes up what was asked, and writes down what was answered; whether there was anything."""
        done = [pk for pk, future in self._under_way.items() if future.done()]
        for pk in done:
            self._close(pk)
        asked = Errand.objects.filter(scheduler=self.link.scheduler, state=Errand.ASKED)
        new = list(asked.order_by("pk")[: AT_ONCE - len(self._under_way)])
        if new:
            self._look_again()
        for errand in new:
            self._begin(errand)
        return bool(done or new)

    def renew(self) -> None:
        """The pool is reached in another way from now on."""
        self._generation += 1
        self._close_pools()

    @property
    def busy(self) -> bool:
        return bool(self._under_way)

    def close(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None
        self._under_way.clear()
        self._close_pools()

    def _begin(self, errand: Errand) -> None:
        if errand.until < timezone.now():
            Errand.objects.filter(pk=errand.pk, state=Errand.ASKED).delete()
            return
        if not self.link.ready:
            error = self.link.scheduler.last_error
            self._fail(
                errand.pk, PoolUnreachable(f"Scheduler {self.link.scheduler} is out of reach: {error}")
            )
            return
        if not Errand.objects.filter(pk=errand.pk, state=Errand.ASKED).update(state=Errand.TAKEN):
            return
        try:
            work = self._work(errand)
        except Exception as error:
            log.exception("Errand %s cannot be begun", errand)
            self._fail(errand.pk, error)
            return
        self._under_way[errand.pk] = self._threads().submit(self._do, work)

    def _work(self, errand: Errand) -> Work:
        handler = _handlers.get(errand.kind)
        if handler is None:
            raise RoostError(f"Nobody knows how to answer an errand of the kind {errand.kind!r}.")
        return handler(errand)

    def _threads(self) -> ThreadPoolExecutor:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(THREADS, f"errands {self.link.scheduler}")
        return self._executor

    def _do(self, work: Work) -> Mapping[str, Any]:
        generation = self._generation
        try:
            pool = self._pool()
            try:
                found = work(pool)
            except PoolUnreachable:
                pool.close()
                raise
            except BaseException:
                self._put_back(pool, generation)
                raise
            self._put_back(pool, generation)
            return found
        finally:
            self.ring()

    def _put_back(self, pool: Pool, generation: int) -> None:
        if generation == self._generation:
            self._pools.put(pool)
        else:
            pool.close()

    def _pool(self) -> Pool:
        try:
            return self._pools.get_nowait()
        except queue.Empty:
            return self.link.open()

    def _close(self, pk: int) -> None:
        future = self._under_way.pop(pk)
        error = future.exception()
        if error is None:
            self._finish(pk, Errand.ANSWERED, dict(future.result()))
            return
        if isinstance(error, PoolUnreachable):
            self.link.failed(error)
            self._close_pools()
        elif not isinstance(error, (PoolError, RoostError, OSError)):
            log.error("Errand %d failed", pk, exc_info=error)
        self._fail(pk, error)

    def _fail(self, pk: int, error: BaseException) -> None:
        self._finish(pk, Errand.FAILED, _as_answer(error))

    def _finish(self, pk: int, state: str, answer: Answer) -> None:
        live = Errand.objects.filter(pk=pk, state__in=Errand.OPEN)
        live.update(state=state, answer=answer, answered=timezone.now())

    def _close_pools(self) -> None:
        while not self._pools.empty():
            self._pools.get_nowait().close()


def waiting_for(scheduler_id: int) -> bool:
    """Whether somebody waits for an answer of this scheduler's courier."""
    open_ones = Errand.objects.filter(scheduler=scheduler_id, state__in=Errand.OPEN)
    return open_ones.filter(until__gte=timezone.now()).exists()


def drop_old() -> None:
    """Those for which nobody waits any more."""
    Errand.objects.filter(until__lt=timezone.now() - KEPT).delete()
