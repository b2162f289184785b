"""Who does the work behind the pages: threads inside `serve`, Celery's workers, or a script that waits."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import DatabaseError, close_old_connections, connection, connections

from jobs_app import audit, compute, conf, courier, inputs, orders
from jobs_app.lifecycle import lease, nudge, retention
from jobs_app.lifecycle.finish import finish
from jobs_app.lifecycle.link import Link
from jobs_app.lifecycle.sweep import sweep, sweep_disk
from jobs_app.lifecycle.wait import help_with
from jobs_app.models import Attempt, AttemptPhase, Scheduler
from jobs_app.notices.sending import drop_old as drop_old_notices
from jobs_app.notices.working import work as work_on_notices

log = logging.getLogger(__name__)

FINISHERS = 2  # threads that fetch results and run apps' functions
FETCHERS = 4  # threads that fetch results, in a courier's process under Celery
LOOK_FOR_SCHEDULERS = 5.0  # seconds
TIDY = 3600.0  # seconds
TELL_EVERY = 5.0  # seconds between two looks for notices


def connect() -> None:
    """Called once, when Django is ready."""
    help_with(courier.lend_a_hand)
    if conf.background() == "celery":
        _connect_celery()
    else:
        nudge.listen(_remember)


def _connect_celery() -> None:
    from jobs_app import tasks

    nudge.listen(tasks.wake_courier)
    nudge.finish_with(lambda attempt_id: _finish_by_celery(attempt_id, tasks.finish_later))


def _finish_by_celery(attempt_id: int, post: Callable[[int], None]) -> None:
    """A worker finishes what is here. What has to be fetched first is fetched in this process, the courier's,
    which has the connection; a worker's own would be one more login for each."""
    if _is_far(attempt_id):
        _fetchers.submit(attempt_id, lambda: finish_attempt(attempt_id, process=post))
    else:
        post(attempt_id)


def _is_far(attempt_id: int) -> bool:
    far = Attempt.objects.filter(pk=attempt_id, fetched=False).exclude(scheduler=None)
    return far.exclude(scheduler__kind=Scheduler.EMBEDDED).exists()


class _Fetchers:
    """Threads of this process, made when they are needed; one attempt is done once at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy: set[int] = set()
        self._executor: ThreadPoolExecutor | None = None

    def submit(self, attempt_id: int, work: Callable[[], None]) -> None:
        with self._lock:
            if attempt_id in self._busy:
                return
            self._busy.add(attempt_id)
            self._executor = self._executor or ThreadPoolExecutor(FETCHERS, "fetch")
            self._executor.submit(self._do, attempt_id, work)

    def _do(self, attempt_id: int, work: Callable[[], None]) -> None:
        try:
            _in_thread(work)
        finally:
            with self._lock:
                self._busy.discard(attempt_id)


_fetchers = _Fetchers()


# --- a plain script ---------------------------------------------------------------------------------------

_executed: set[tuple[int, object, int]] = set()  # process, database, scheduler


def _remember(scheduler_id: int) -> None:
    """What this process executed and did not wait for is sent when it ends, at the latest."""
    if not _executed:
        atexit.register(hand_over)
    _executed.add((os.getpid(), connection.settings_dict["NAME"], scheduler_id))


def hand_over() -> None:
    mine = {(os.getpid(), connection.settings_dict["NAME"])}
    for pid, database, scheduler_id in sorted(_executed, key=str):
        if (pid, database) in mine:
            _send_the_rest(scheduler_id)
    _executed.clear()


def _send_the_rest(scheduler_id: int) -> None:
    waiting = Attempt.objects.filter(scheduler=scheduler_id, phase=AttemptPhase.WAITING, paused=False)
    try:
        if not waiting.exists():
            return
        with courier.lend_a_hand(scheduler_id) as round_:
            while round_ is not None and round_(0.0):
                pass
    except DatabaseError:
        log.exception("What was executed could not be handed over; it is sent when a courier works again")


# --- finishing --------------------------------------------------------------------------------------------


def finish_attempt(attempt_id: int, process: Callable[[int], object] | None = None) -> None:
    """Brings and processes the results of one attempt; the connection is this process's, if it has one.
    `process`: who runs the app's function, if that is not done here."""
    attempt = Attempt.objects.filter(pk=attempt_id).select_related("scheduler").first()
    if attempt is None:
        return
    link = Link(attempt.scheduler) if attempt.scheduler is not None else None
    try:
        finish(attempt_id, link, lease.new_holder(), process=process)
    finally:
        if link is not None:
            link.close()


def tidy() -> None:
    """Now and then: what died half way on the disk, and what the retention rules say."""
    sweep_disk()
    retention.apply()
    audit.drop_old()
    drop_old_notices()
    orders.drop_old_keys()
    inputs.sweep()


# --- threads inside serve -----------------------------------------------------------------------------------


def start_threads(stop: threading.Event) -> list[threading.Thread]:
    """A courier for each scheduler, finishers, and the sweeper; they end some moments after `stop` is set."""
    keeper = threading.Thread(target=_keep, args=(stop,), name="keeper", daemon=True)
    keeper.start()
    return [keeper]


def _keep(stop: threading.Event) -> None:
    couriers: dict[int, threading.Thread] = {}
    teller = threading.Thread(target=_tell, args=(stop,), name="notices", daemon=True)
    teller.start()
    with ThreadPoolExecutor(FINISHERS, "finish") as executor:
        nudge.finish_with(lambda attempt_id: _submit(executor, attempt_id))
        try:
            _keep_couriers(couriers, stop)
        finally:
            for thread in couriers.values():
                thread.join()
            nudge.finish_here()
    connections.close_all()


def _tell(stop: threading.Event) -> None:
    """Slow mail servers and webhooks keep nobody else waiting."""
    while not stop.wait(TELL_EVERY):
        _in_thread(work_on_notices)


def _submit(executor: ThreadPoolExecutor, attempt_id: int) -> None:
    executor.submit(_in_thread, finish_attempt, attempt_id)


def _in_thread(work: Callable[..., object], *arguments: object) -> None:
    try:
        work(*arguments)
    except Exception:
        log.exception("%s%r failed", getattr(work, "__name__", work), arguments)
    finally:
        connections.close_all()


def _keep_couriers(couriers: dict[int, threading.Thread], stop: threading.Event) -> None:
    tidied = time.monotonic() - TIDY
    while not stop.is_set():
        try:
            _start_missing(couriers, stop)
            sweep()
            if time.monotonic() - tidied > TIDY:
                tidied = time.monotonic()
                tidy()
        except Exception:
            log.exception("The keeper of the couriers stumbled and goes on")
            close_old_connections()
        stop.wait(LOOK_FOR_SCHEDULERS)


def _start_missing(couriers: dict[int, threading.Thread], stop: threading.Event) -> None:
    compute.embedded()
    for scheduler in Scheduler.objects.exclude(kind=Scheduler.EXTERNAL):
        known = couriers.get(scheduler.pk)
        if known is None or not known.is_alive():
            name = f"courier {scheduler}"
            thread = threading.Thread(
                target=_in_thread, args=(courier.run, scheduler, stop), name=name, daemon=True
            )
            couriers[scheduler.pk] = thread
            thread.start()
