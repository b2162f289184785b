"""Why slices wait on this machine, in plain words."""

from __future__ import annotations

from jobs_app.states import SliceState

from .plan import Plan
from .work import Work


def why_idle(plan: Plan, attempt: str) -> str:
    """ "" if nothing of it waits, or only for what it runs itself."""
    work = plan.works.get(attempt)
    if work is None or work.finished:
        return ""
    if not work.ready:
        return _paced(work)
    own = sum(1 for run in work.running.values() if not run.parked)
    others = sum(1 for _, _, run in plan.running() if not run.parked) - own
    return f"{_taken(plan, plan.needed_next(work), own, others)} {_turns(plan.waiting)}" if others else ""


def _taken(plan: Plan, needed: int, own: int, others: int) -> str:
    theirs = f"{_some(others, 'slice')} of other jobs"
    by = f"{_some(own, 'slice')} of its own and {theirs}" if own else theirs
    if not plan.free:
        all_of_them = "The one core here is" if plan.slots == 1 else f"All {plan.slots} cores here are"
        return f"{all_of_them} busy with {by}."
    free = f"{plan.free} of {plan.slots} cores here {'is' if plan.free == 1 else 'are'} free"
    if needed > plan.free:
        return f"Its next slice needs {needed} cores; {free} beside {by}."
    return f"{free}, and kept for a job before it that needs more."


def _turns(waiting: int) -> str:
    if waiting < 2:
        return "It is the next one."
    return f"{waiting} jobs wait: the highest priority first, and among equals each in its turn."


def _paced(work: Work) -> str:
    """Of what may go on only when something of its own has ended."""
    at_once, running, stage = work.task.concurrency, len(work.running), work.stage
    if not at_once or running < at_once or stage is None or not stage.counts[SliceState.WAITING]:
        return ""
    return f"It runs {_some(at_once, 'slice')} at once, as it was asked to (concurrency)."


def _some(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
