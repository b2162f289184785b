"""Celery's tasks: each is one call. They carry ids only, and may be lost or repeated without harm."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from types import SimpleNamespace

from celery import Task, shared_task
from kombu.exceptions import OperationalError

from jobs_app import background, courier
from jobs_app.lifecycle.sweep import sweep as sweep_rows
from jobs_app.notices.working import work as work_on_notices
from jobs_app.queues import queue_of

log = logging.getLogger(__name__)

EXPIRES = 600.0  # seconds after which nobody needs the message any more
AWAY = 10.0  # seconds in which a broker that was away is not asked again

_broker = SimpleNamespace(away_until=0.0)

task: Callable[[Callable[..., None]], Task] = shared_task


@task
def courier_tick(scheduler_id: int) -> None:
    if courier.work_a_while(scheduler_id):
        wake_courier(scheduler_id)


@task
def couriers() -> None:
    """Now and then for each scheduler, because a nudge may have been lost."""
    for scheduler_id in courier.with_work():
        wake_courier(scheduler_id)


@task
def finish_attempt(attempt_id: int) -> None:
    background.finish_attempt(attempt_id)


@task
def sweep() -> None:
    sweep_rows()


@task
def tidy() -> None:
    background.tidy()


@task
def notices() -> None:
    work_on_notices()


# --- posting them -----------------------------------------------------------------------------------------


def wake_courier(scheduler_id: int) -> None:
    """Each scheduler has a queue of its own, so that none waits behind another one's messages."""
    _post(courier_tick, scheduler_id, queue=queue_of(scheduler_id))


def finish_later(attempt_id: int) -> None:
    _post(finish_attempt, attempt_id)


def _post(wanted: Task, number: int, **how: str) -> None:
    """A broker that is away keeps nobody waiting: rows are the queue, and beat looks at them."""
    if time.monotonic() < _broker.away_until:
        return
    try:
        wanted.apply_async((number,), retry=False, expires=EXPIRES, **how)
    except OperationalError as error:
        _broker.away_until = time.monotonic() + AWAY
        log.warning("Celery's broker is away (%s); beat will find what is to be done", error)
