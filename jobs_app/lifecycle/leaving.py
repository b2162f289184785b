"""A user goes. Their account is closed; their jobs stay unless somebody says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from jobs_app import audit
from jobs_app.errors import Invalid, RoostError
from jobs_app.models import ApiToken, Attempt, AttemptPhase, Job, NoticePreference
from jobs_app.states import AT_WORK

from .actors import Actor
from .change import note
from .stop import stop


@dataclass(frozen=True)
class Left:
    jobs: int  # all of the user's
    stopped: int = 0
    handed_over: int = 0
    not_stopped: tuple[str, ...] = ()  # and why


def leave(user: Any, by: Actor, *, hand_over_to: Any = None, stop_jobs: bool = False) -> Left:
    """Nobody signs in as them any more. Without more said, their jobs go on and stay theirs."""
    if hand_over_to is not None and (hand_over_to.pk == user.pk or not hand_over_to.is_active):
        raise Invalid(
            f"The jobs of {user} cannot be handed over to {hand_over_to}: name another active user."
        )
    close_account(user, by)
    count = Job.objects.filter(user=user).count()
    stopped, not_stopped = _stop_all(user, by) if stop_jobs else (0, ())
    handed = _hand_over(user, hand_over_to, by) if hand_over_to is not None else 0
    return Left(count, stopped, handed, not_stopped)


def close_account(user: Any, by: Actor) -> None:
    with transaction.atomic():
        get_user_model().objects.filter(pk=user.pk).update(is_active=False)
        ApiToken.objects.filter(owner=user, revoked=None).update(revoked=timezone.now())
        NoticePreference.objects.filter(user=user).delete()
        audit.write(by.name, by.user_id, f"Closed the account of {user.get_username()}.")
    for session in Session.objects.filter(expire_date__gt=timezone.now()):
        if session.get_decoded().get("_auth_user_id") == str(user.pk):
            session.delete()


def _stop_all(user: Any, by: Actor) -> tuple[int, tuple[str, ...]]:
    """One that cannot be stopped keeps no other one running."""
    stopped, failed = 0, []
    for job in Job.objects.filter(user=user, stage__in=[AT_WORK, "PEN"]).order_by("pk").iterator():
        try:
            stop(job, by=by)
            stopped += 1
        except RoostError as error:
            failed.append(str(error))
    return stopped, tuple(failed)


def _hand_over(user: Any, other: Any, by: Actor) -> int:
    why = f"Handed over from {user.get_username()} to {other.get_username()}."
    with transaction.atomic():
        jobs = Job.objects.filter(user=user)
        for job_id in jobs.filter(stage=AT_WORK).values_list("pk", flat=True):
            note(job_id, by, why)
        live = Attempt.objects.filter(owner=user.pk).exclude(phase=AttemptPhase.FINAL)
        live.update(owner=other.pk)
        count = jobs.update(user=other)
        audit.write(by.name, by.user_id, f"{why} {count} jobs.")
    return count
