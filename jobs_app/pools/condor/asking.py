"""What HTCondor knows of attempts now: the queue first, then the history for those that are not all in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jobs_app.states import SliceState

from ..base import Snapshot
from . import answers
from .answers import Ad
from .plan import Share
from .plans import Plans
from .point import AccessPoint

_UNKNOWN = -1


def query(attempts: Sequence[str], point: AccessPoint, plans: Plans) -> dict[str, Snapshot]:
    ads = _sorted(_ask(("condor_q", "-allusers"), attempts, point), plans)
    rest = [attempt for attempt in attempts if not _is_whole(ads.get(attempt, ()), plans)]
    if rest:
        for attempt, older in _sorted(_ask(("condor_history",), rest, point), plans).items():
            ads[attempt] = [*older, *ads.get(attempt, ())]
    found = (_snapshot(attempt, listed, plans) for attempt, listed in ads.items())
    return {each.attempt: each for each in found if each is not None}


def _ask(command: Sequence[str], attempts: Sequence[str], point: AccessPoint) -> list[Ad]:
    constraint = f"member(RoostAttempt, {{{answers.strings(attempts)}}})"
    attributes = ",".join(answers.ATTRIBUTES)
    done = point.command(*command, "-json", "-constraint", constraint, "-attributes", attributes)
    if done.exit != 0:
        raise point.trouble(command[0], done)
    return answers.ads(done.out)


def _sorted(ads: Iterable[Ad], plans: Plans) -> dict[str, list[Ad]]:
    by_attempt: dict[str, list[Ad]] = {}
    for ad in ads:
        by_attempt.setdefault(answers.text(ad, "RoostAttempt"), []).append(ad)
    plans.load({answers.text(listed[0], "RoostBatch") for listed in by_attempt.values()})
    return by_attempt


def _is_whole(ads: Sequence[Ad], plans: Plans) -> bool:
    share = _share(ads[0], plans) if ads else None
    return share is not None and len(ads) >= share.procs


def _share(ad: Ad, plans: Plans) -> Share | None:
    plan = plans.find(answers.text(ad, "RoostBatch"), answers.number(ad, "RoostGroup"))
    attempt = answers.text(ad, "RoostAttempt")
    return next((share for share in plan.shares if share.attempt == attempt), None) if plan else None


def _snapshot(attempt: str, ads: Sequence[Ad], plans: Plans) -> Snapshot | None:
    """None unless every slice is accounted for: unknown is not finished. Of two ads the later one counts."""
    share = _share(ads[0], plans)
    if share is None or share.whole:
        return None
    states = [int(SliceState.DONE)] * share.slices  # what does not run was done before
    for number in (run.first + place for run in share.runs for place in range(run.count)):
        states[number] = _UNKNOWN
    for ad in ads:
        states[answers.number(ad, "RoostSlice")] = answers.state(ad)
    if _UNKNOWN in states:
        return None
    finished = all(SliceState(state).ended for state in states)
    return Snapshot(attempt, {share.runs[0].step: bytes(states)}, finished)
