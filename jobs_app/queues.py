"""Celery's queues: one a scheduler. A worker of the queue "couriers" listens to all of them, and to that of a
new scheduler as soon as there is one; nobody has to start it anew.
"""

from __future__ import annotations

import logging
from typing import Any

from celery import Celery, bootsteps, signals
from django.db import DatabaseError, close_old_connections

COURIERS = "couriers"
LOOK_EVERY = 3.0  # seconds

log = logging.getLogger(__name__)


def queue_of(scheduler_id: int) -> str:
    return f"courier.{scheduler_id}"


def connect(app: Celery) -> None:
    """Called once, where the app is made."""
    app.steps["consumer"].add(Listening)
    signals.worker_shutting_down.connect(_leave)
    signals.setup_logging.connect(_log_as_django_does)


class Listening(bootsteps.StartStopStep):  # type: ignore[misc]
    """Celery starts it with each connection to the broker, and stops it when that breaks."""

    requires = {"celery.worker.consumer.tasks:Tasks"}

    def __init__(self, consumer: Any, **_: Any) -> None:
        self._timer: Any = None
        super().__init__(consumer)

    def start(self, consumer: Any) -> None:
        if COURIERS in consumer.app.amqp.queues.consume_from:
            self._look(consumer)
            self._timer = consumer.timer.call_repeatedly(LOOK_EVERY, self._look, (consumer,))

    def stop(self, consumer: Any) -> None:  # noqa: ARG002
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, consumer: Any) -> None:
        from jobs_app.models import Scheduler

        try:
            rows = Scheduler.objects.exclude(kind=Scheduler.EXTERNAL)
            wanted = {queue_of(pk) for pk in rows.values_list("pk", flat=True)}
        except DatabaseError as error:
            log.warning("The database is away (%s): new schedulers are found later", error)
            close_old_connections()
            return
        for name in sorted(wanted - set(consumer.app.amqp.queues.consume_from)):
            consumer.add_task_queue(name)


def _log_as_django_does(**_: Any) -> None:
    """Being listened to is enough: Celery leaves the log as the settings have it."""


def _leave(**_: Any) -> None:
    """A worker that is asked to end does not wait for a courier's turn to be over."""
    from jobs_app import courier

    courier.leaving.set()
