"""What HTCondor knows of attempts now: the queue first, then the history for those that have left it, then
what those that it has forgotten left behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from jobs_app.states import SliceState

from ..base import Garbled, Snapshot
from . import answers
from .answers import Ad
from .evidence import of_parts, recorded
from .plan import Share
from .plans import Plans
from .point import AccessPoint

Ads = Mapping[str, Sequence[Ad]]  # by attempt

_FACTORIES = ("condor_q", "-allusers", "-factory")  # what is made little by little, and has no proc now


def query(attempts: Sequence[str], point: AccessPoint, plans: Plans) -> dict[str, Snapshot]:
    queue = _sorted(_ask(("condor_q", "-allusers"), attempts, point), plans)
    rest = [attempt for attempt in attempts if attempt not in queue]
    listed = _ask(_FACTORIES, rest, point) if rest else []
    making = {answers.text(ad, "RoostAttempt") for ad in listed} & {*rest}
    over = [attempt for attempt in rest if attempt not in making]
    history = _sorted(_ask(("condor_history",), over, point), plans) if over else {}
    every = [attempt for attempt in attempts if attempt in queue or attempt in history]
    found = (_snapshot(attempt, queue, history, point, plans) for attempt in every)
    known = {each.attempt: each for each in found if each is not None}
    known.update({attempt: Snapshot(attempt, {}) for attempt in making})
    forgotten = [attempt for attempt in attempts if attempt not in known and attempt not in queue]
    traced = recorded(forgotten, point, plans) if forgotten else {}
    return {**known, **{attempt: traced[attempt] for attempt in forgotten if attempt in traced}}


def _ask(command: Sequence[str], attempts: Sequence[str], point: AccessPoint) -> list[Ad]:
    """A DAGMan counts for every attempt of its DAG. Others may give their jobs our attributes, but not our
    name; -allusers is for those whom the schedd knows by another name than the machine does."""
    known = answers.strings(attempts)
    lists = f'stringListsIntersect(RoostAttempts, "{",".join(attempts)}") =?= true'
    constraint = f"(member(RoostAttempt, {{{known}}}) || {lists})"
    if point.hello.account:
        constraint += f' && Owner =?= "{point.hello.account}"'
    attributes = ",".join(answers.ATTRIBUTES)
    done = point.command(*command, "-json", "-constraint", constraint, "-attributes", attributes)
    if done.exit != 0:
        raise point.trouble(command[0], done)
    if not done.out.strip():
        _surely_nothing(command, constraint, point)
    return answers.ads(done.out)


def _surely_nothing(command: Sequence[str], constraint: str, point: AccessPoint) -> None:
    """Nothing at all may be anything. With headings, it has answered."""
    again = point.command(*command, "-constraint", constraint, "-af:h", "RoostAttempt")
    if again.exit != 0 or not again.out.startswith(b"RoostAttempt"):
        raise Garbled(f"{command[0]} ended well and said nothing at all.")


def _sorted(ads: Iterable[Ad], plans: Plans) -> dict[str, list[Ad]]:
    by_attempt: dict[str, list[Ad]] = {}
    for ad in ads:
        for attempt in _attempts(ad):
            by_attempt.setdefault(attempt, []).append(ad)
    plans.load({answers.text(listed[0], "RoostPlan") for listed in by_attempt.values()})
    return by_attempt


def _attempts(ad: Ad) -> list[str]:
    listed = ad.get("RoostAttempts")
    return listed.split(",") if isinstance(listed, str) else [answers.text(ad, "RoostAttempt")]


def _is_of_dag(ad: Ad, plans: Plans) -> bool:
    plan = plans.find(answers.text(ad, "RoostPlan"), answers.number(ad, "RoostGroup"))
    return plan is not None and (bool(plan.lead) or plan.unit is not None)


def _share(ad: Ad, plans: Plans) -> Share | None:
    plan = plans.find(answers.text(ad, "RoostPlan"), answers.number(ad, "RoostGroup"))
    attempt = answers.text(ad, "RoostAttempt")
    return next((share for share in plan.shares if share.attempt == attempt), None) if plan else None


def _snapshot(attempt: str, queue: Ads, history: Ads, point: AccessPoint, plans: Plans) -> Snapshot | None:
    """An attempt of which not every slice is accounted for is not finished while something of it is in the
    queue, and unknown when nothing is."""
    ads = [*history.get(attempt, ()), *queue.get(attempt, ())]  # of two ads of a slice the later one counts
    if _is_of_dag(ads[0], plans):  # while it is not over, its DAGMan is in the queue
        return Snapshot(attempt, {}, finished=attempt not in queue)
    share = _share(ads[0], plans)
    if share is None:
        return None
    if share.whole:
        return _of_script(share, ads[-1], point)
    states = _states(share, ads)
    if states is None:
        return Snapshot(attempt, {}) if attempt in queue else None
    return Snapshot(attempt, {share.runs[0].step: states}, _all_ended(states), answers.hold(ads))


def _states(share: Share, ads: Sequence[Ad]) -> bytes | None:
    known = {answers.number(ad, "RoostSlice"): answers.state(ad) for ad in ads}
    states = bytearray([SliceState.DONE]) * share.slices  # what does not run was done before
    for number in (run.first + place for run in share.runs for place in range(run.count)):
        if number not in known:
            return None
        states[number] = known[number]
    return bytes(states)


def _all_ended(states: bytes) -> bool:
    return all(SliceState(state).ended for state in states)


def _of_script(share: Share, ad: Ad, point: AccessPoint) -> Snapshot:
    """The one proc stands for the first step; when it has ended, its record tells of all parts."""
    state = answers.state(ad)
    if not state.ended:
        first, *others = share.runs
        waiting = {run.step: bytes(run.count) for run in others}
        states = {first.step: bytes([state]) * first.count, **waiting}
        return Snapshot(share.attempt, states, hold=answers.hold([ad]))
    code = ad.get("ExitCode")
    return of_parts(share, code if isinstance(code, int) else None, point)
