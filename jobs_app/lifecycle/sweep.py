"""Finds what nobody holds any more (its holder died, a message was lost) and puts it back on its way."""

from __future__ import annotations

import time

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
    """Removes what died half way: directories that were being built or deleted."""
    for project in Project.objects.all():
        for path in project.workspace.glob(".*"):
            if _is_leftover(path.name) and path.is_dir() and time.time() - path.stat().st_mtime > OLD:
                files.remove_tree(path)


def _is_leftover(name: str) -> bool:
    return name.startswith(ASIDE) or (name.startswith(".") and len(name.split(".")) == 3)
