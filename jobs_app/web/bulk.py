"""One action on one job or on many, done in one bounded way: what cannot be done to one does not stop the
others, and the answer names what was not done, and why."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs_app import permissions
from jobs_app.gizmos import actions
from jobs_app.models import Job

SECONDS = 8.0  # of one request; the rest is done by the next
TOGETHER = 100  # jobs that are read at once
MOST_SAID, MOST_NAMED = 6, 5
ABSENT = "There is no such job."
MAY_NOT = "You may look at it, but not act on it. Ask its owner."

More = Callable[[str], tuple[list[int], str]]


@dataclass
class Outcome:
    done: int = 0
    said: list[str] = field(default_factory=list)  # by the actions themselves
    refused: dict[str, list[int]] = field(default_factory=dict)
    left: str = ""  # where the next request goes on

    @property
    def not_done(self) -> int:
        return sum(map(len, self.refused.values()))

    def refuse(self, pk: int, why: str) -> None:
        self.refused.setdefault(why, []).append(pk)

    @property
    def reasons(self) -> list[str]:
        found = [f"{_named(ids)}: {why}" for why, ids in list(self.refused.items())[:MOST_SAID]]
        more = len(self.refused) - MOST_SAID
        return [*found, f"and {more} other reasons"] if more > 0 else found


def perform(action: actions.Known, ids: Sequence[int], person: Any, outcome: Outcome) -> None:
    """On these jobs, in this order."""
    found = Job.objects.filter(pk__in=ids).select_related(
        "project", "user", "template", "scheduler", "parent"
    )
    by_id = {job.pk: job for job in found}
    rights = permissions.verbs_of(person, list(by_id.values()))
    for pk in ids:
        job = by_id.get(pk)
        if job is None or permissions.READ not in rights[pk]:
            outcome.refuse(pk, ABSENT)
        elif action.right not in rights[pk]:
            outcome.refuse(pk, MAY_NOT)
        else:
            _perform_one(action, job, person, outcome)


def _perform_one(action: actions.Known, job: Job, person: Any, outcome: Outcome) -> None:
    if not action.offered(job):
        outcome.refuse(job.pk, f"It is {job.cached_status}.")
        return
    pk = job.pk
    well, said = actions.done(action, job, person)
    if not well:
        outcome.refuse(pk, said)
        return
    outcome.done += 1
    if said and len(outcome.said) < MOST_SAID:
        outcome.said.append(said)


def perform_all(action: actions.Known, more: More, start: str, person: Any) -> Outcome:
    """On pages of jobs, until there are none or time is up. `more(cursor)`: the next numbers and cursor."""
    outcome, begun, cursor = Outcome(), time.monotonic(), start
    while True:
        ids, cursor = more(cursor)
        perform(action, ids, person, outcome)
        if not cursor:
            return outcome
        if time.monotonic() - begun > SECONDS:
            outcome.left = cursor
            return outcome


def _named(ids: Sequence[int]) -> str:
    shown = ", ".join(map(str, ids[:MOST_NAMED]))
    more = f" and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else ""
    return f"{'job' if len(ids) == 1 else 'jobs'} {shown}{more}"
