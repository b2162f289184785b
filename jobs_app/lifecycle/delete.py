"""Removes a job: its rows and, renamed aside first so that nobody adopts it, its directory."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction

from jobs_app import audit, killpoints, workspaces
from jobs_app.jobdir import files
from jobs_app.models import Job
from jobs_app.permissions import EDIT

from . import copies
from .actors import acting, is_somebody
from .change import refuse, status_for_update
from .close import give_up_dependents, live_attempt

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

ASIDE = ".deleted."


def delete(job: Job, user: AbstractUser | None = None) -> None:
    """All of it or, if the directory cannot be moved, nothing."""
    by = acting(job, user, EDIT)
    with transaction.atomic():
        status = status_for_update(job.pk)
        if not status or live_attempt(job):
            raise refuse(job, "delete", "Stop it first.")
        if status != "COM":
            give_up_dependents(job, "was deleted", by)
        copies.let_go(job)
        address = Job.objects.filter(pk=job.pk).values_list("address", flat=True).first()
        Job.objects.filter(pk=job.pk).delete()
        aside = _set_aside(job, address)
        if is_somebody(by):
            audit.write(by.name, by.user_id, "Deleted.", job.pk, job.name)
        killpoints.reach("delete.set-aside")
    killpoints.reach("delete.rows-gone")
    if aside is not None:
        files.remove_tree(aside)
    if job.parameters.get("remote_input_files"):
        for folder in workspaces.inputs_folders(job.pk):
            shutil.rmtree(folder, ignore_errors=True)


def _set_aside(job: Job, address: str | None) -> Path | None:
    if address is None:
        return None
    aside = job.project.workspace / f"{ASIDE}{address}.{job.pk}.{os.urandom(4).hex()}"
    try:
        job.project.directory(address).rename(aside)
    except FileNotFoundError:
        return None
    return aside
