"""Why a job waits, is held or has failed, and what helps: the page's badges and buttons, as data. Each cure
is what an action of the API takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobs_app import permissions, situation
from jobs_app.models import Job
from jobs_app.web import cures
from jobs_app.web.cures import Cure

from .actions import ACTIONS

if TYPE_CHECKING:
    from jobs_app.permissions import Person

# The first of those that ask for the same.
_ACTIONS = {action.method: str(name) for name, action in reversed(ACTIONS.items())}


def of(job: Job, person: Person) -> dict[str, Any]:
    """Nothing in it has an age: a client that asks again is told that nothing is new (304)."""
    badges = [vars(badge) for badge in situation.badges(job, ages=False)]
    found = cures.why(job, may_act=permissions.may_act(person, job))
    if found is None:
        return {"badges": badges, "why": None}
    listed = [_cure(job, each) for each in found.cures]
    return {"badges": badges, "why": {"reason": found.reason, "advice": found.advice, "cures": listed}}


def _cure(job: Job, cure: Cure) -> dict[str, Any]:
    given = cures.given(job, cure.name, cure.limit, cure.value)
    slices = given.pop("slices", None)
    action = _ACTIONS[cures.VERBS[cure.name]]
    return {"action": action, "text": cure.word, "slices": slices, "limits": given or None}
