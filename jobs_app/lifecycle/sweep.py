"""Finds what nobody holds any more (its holder died, a message was lost) and puts it back on its way."""

from __future__ import annotations

import time
from pathlib import Path

from jobs_app.jobdir import files
from jobs_app.models import Attempt, AttemptPhase, Project

from . import heartbeat, hints, said
from .actors import SWEEPER
from .close import close, release
from .delete import ASIDE
from .finish import INTERRUPTED, finish
from .lease import is_lost, new_holder
from .nudge import hand_over

OLD = 3600.0  # seconds after which nobody builds or removes a directory any more


def sweep() -> None:
    heartbeat.beat()
    said.act_upon_the_rest()
    hints.drop_old()
    _free_fetching()
    _end_interrupted()
    for attempt in Attempt.objects.filter(phase=AttemptPhase.BLOCKED).order_by("pk"):
        release(attempt, SWEEPER)
    without_pool = Attempt.objects.filter(phase=AttemptPhase.FETCHING, scheduler=None, holder="")
    for attempt_id in without_pool.values_list("pk", flat=True):
        if not hand_over(attempt_id):
            finish(attempt_id, None, new_holder())


def _orphans(phase: AttemptPhase) -> list[Attempt]:
    held = Attempt.objects.filter(phase=phase).exclude(holder="")
    return [attempt for attempt in held if is_lost(attempt.holder, attempt.holder_until)]


def _free_fetching() -> None:
    for attempt in _orphans(AttemptPhase.FETCHING):
        same = Attempt.objects.filter(pk=attempt.pk, holder=attempt.holder)
        same.update(holder="", holder_until=None)


def _end_interrupted() -> None:
    for attempt in _orphans(AttemptPhase.PROCESSING):
        close(attempt, "ERR", INTERRUPTED, SWEEPER)


def sweep_disk() -> None:
    """Removes what died half way: directories that were being built or deleted. Where the rows are there
    still, nothing has been deleted: the directory goes back."""
    for project in Project.objects.all():
        for path in project.workspace.glob(".*"):
            if _is_leftover(path.name) and path.is_dir():
                _clear(path, _place(project, path.name))


def _clear(path: Path, place: Path | None) -> None:
    known = path.stat()
    if place is None:
        if time.time() - known.st_mtime > OLD:
            files.remove_tree(path)
    elif time.time() - known.st_ctime > OLD and not place.exists():  # since it was set aside
        path.rename(place)


def _place(project: Project, name: str) -> Path | None:
    """Where a directory belongs that was set aside, if its job is there."""
    if not name.startswith(ASIDE):
        return None
    address, number, *_ = [*name.removeprefix(ASIDE).split("."), ""]
    there = number.isdecimal() and project.jobs.filter(pk=int(number), address=address).exists()
    return project.directory(address) if there else None


def _is_leftover(name: str) -> bool:
    return name.startswith(ASIDE) or (name.startswith(".") and len(name.split(".")) == 3)
