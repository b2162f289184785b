"""Rows that are deleted without their directory: said, never silent. `lifecycle.delete` takes both."""

from __future__ import annotations

import logging
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete

from .job import Job

log = logging.getLogger(__name__)


def look_after(instance: Any, **_: Any) -> None:
    """Once the transaction is through: `lifecycle.delete` moves the directory within it."""
    if isinstance(instance, Job) and instance.address:
        transaction.on_commit(lambda: _report(instance))


def _report(job: Job) -> None:
    directory = job.directory
    if directory.exists():
        log.warning(
            "The row of job %r was deleted, its directory stays: %s. Use job.delete(), which removes both.",
            job.name,
            directory,
        )


post_delete.connect(look_after, dispatch_uid="roost.orphans")
