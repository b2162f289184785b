"""What is known of a job beside its state: whether its pool knows it and hears us, what was asked for and not
done yet, why it waits; and of each slice where it ran and what it used. Nothing here asks a pool.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.utils import timezone

from jobs_app.inspection import duration, has_directory
from jobs_app.jobdir import facts, usage
from jobs_app.jobdir.facts import Fact
from jobs_app.jobdir.usage import Used
from jobs_app.models import Attempt, AttemptPhase, Job, Scheduler
from jobs_app.states import SliceState

GIVEN_UP_AFTER = timedelta(minutes=10)  # then it is said what helps where nothing else does
NEAR = 8  # slices that lie so near to each other are read at once
UNKNOWN, UNREACHABLE, ASKED, IDLE = "unknown", "unreachable", "asked", "idle"


@dataclass(frozen=True)
class Badge:
    """Something to be said beside the state, and since when it is so."""

    kind: str
    text: str
    since: datetime | None = None


def badges(job: Job, *, ages: bool = True) -> list[Badge]:
    """`ages`: how long ago something was. Without them it is said when: that changes only with what is so."""
    rows = Attempt.objects.filter(job_id=job.pk).exclude(phase=AttemptPhase.FINAL)
    attempt = rows.select_related("scheduler", "job").order_by("-number").first()
    return list(_badges(attempt, ages=ages)) if attempt else []


def _badges(attempt: Attempt, *, ages: bool) -> Iterator[Badge]:
    scheduler = attempt.scheduler
    if attempt.unknown_since:
        since = attempt.unknown_since
        long = f"for {_age(since)} now" if ages else f"since {_when(since)}"
        text = f"{scheduler} does not know this job, {long}; its last state is shown."
        if not attempt.removal_told and timezone.now() - attempt.unknown_since > GIVEN_UP_AFTER:
            text += " If the pool has lost it for good: stop it, and resubmit it."
        yield Badge(UNKNOWN, text, attempt.unknown_since)
    if scheduler is not None and (why := not_let_in(scheduler)):
        yield Badge(UNREACHABLE, why, scheduler.paused_since)
    if attempt.wishes:
        yield Badge(ASKED, _pending(attempt.wishes, scheduler, ages=ages))
    elif scheduler is not None and scheduler.failures and not why:
        text = f"{scheduler} does not answer; {_heard(scheduler, ages=ages)}."
        yield Badge(UNREACHABLE, text, scheduler.last_contact)
    if attempt.idle and _has_waiting(attempt.job):
        yield Badge(IDLE, attempt.idle, attempt.idle_asked)


def not_let_in(scheduler: Scheduler) -> str:
    """Where no waiting helps, since a person has to act; "" where it may."""
    if scheduler.paused_by != Scheduler.BY_ACCESS:
        return ""
    return f"{scheduler} stands still since {scheduler.paused_since:%Y-%m-%d %H:%M} UTC. {scheduler.paused}"


def _has_waiting(job: Job) -> bool:
    if job.state.code in ("PAS", "HLD"):  # then no slice waits; removed ones are not among the numbers below
        return False
    return job.slices_total > job.slices_running + job.slices_done + job.slices_failed + job.slices_held


_DONE = {"hold": "paused", "release": "resumed", "remove": "stopped", "change": "given new limits"}


def _pending(wishes: Sequence[Mapping[str, Any]], scheduler: Scheduler | None, *, ages: bool) -> str:
    """ "Will be stopped when X answers again; last heard of it 3.2 s ago." """
    what = dict.fromkeys(_DONE[wish["verb"]] + of_slices(wish["slices"]) for wish in wishes)
    said = f"Will be {' and '.join(what)}"
    if scheduler is None or not scheduler.failures:
        return f"{said} in a moment."
    return f"{said} when {scheduler} answers again; {_heard(scheduler, ages=ages)}."


def of_slices(slices: Sequence[int]) -> str:
    """ " (slices 3, 7-9)"; "" for none, which means the whole job."""
    return f" (slices {ranges(slices)})" if slices else ""


def ranges(numbers: Sequence[int]) -> str:
    """ "3, 7-9" """
    found = []
    for _, group in groupby(enumerate(sorted(set(numbers))), lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        found.append(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}")
    return ", ".join(found[:20]) + (", ..." if len(found) > 20 else "")


def _heard(scheduler: Scheduler, *, ages: bool) -> str:
    last = scheduler.last_contact
    if last is None:
        return "nothing was ever heard of it"
    return f"last heard of it {_age(last)} ago" if ages else f"last heard of it at {_when(last)}"


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _age(since: datetime) -> str:
    return duration(timezone.now() - since)


# --- slices -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Slice:
    """None where nothing is known."""

    number: int
    state: SliceState
    host: str = ""
    start: float | None = None  # Unix seconds
    end: float | None = None
    tries: int | None = None
    exit_code: int | None = None
    signal: int | None = None
    cpu_seconds: float | None = None
    cpus_used: float | None = None
    cpus: float | None = None
    memory_used: int | None = None  # MB
    memory: int | None = None
    disk_used: int | None = None  # KB
    disk: int | None = None
    memory_bytes: int | None = None  # its peak, as it was measured beside it
    output_bytes: int | None = None


def slices(job: Job, step: str = "", first: int = 0, count: int = 100) -> list[Slice]:
    """A page of them."""
    step = step or job.main_step
    states = job.slice_states(step, first, count)
    known = list(_known(job, step, first, len(states)))
    return [_slice(first + place, SliceState(state), *known[place]) for place, state in enumerate(states)]


def some_slices(job: Job, numbers: Sequence[int], step: str = "") -> list[Slice]:
    """These, however far apart they are."""
    return [found for number in numbers for found in slices(job, step, number, 1)]


def slices_in(job: Job, state: SliceState, step: str = "", first: int = 0, count: int = 100) -> list[Slice]:
    """The next ones in this state, from the number `first` on."""
    step = step or job.main_step
    numbers = job.slices_in(state, step, first - 1, count)
    known = _known_of(job, step, numbers)
    return [_slice(number, state, *each) for number, each in zip(numbers, known, strict=True)]


def _known_of(job: Job, step: str, numbers: Sequence[int]) -> Iterator[tuple[Fact | None, Used | None]]:
    """Neighbours are read together."""
    for span in _spans(numbers):
        known = list(_known(job, step, span[0], span[-1] - span[0] + 1))
        yield from (known[number - span[0]] for number in span)


def _spans(numbers: Sequence[int]) -> list[list[int]]:
    found: list[list[int]] = []
    for number in numbers:
        if not found or number - found[-1][-1] > NEAR:
            found.append([])
        found[-1].append(number)
    return found


def _known(job: Job, step: str, first: int, count: int) -> Iterator[tuple[Fact | None, Used | None]]:
    if not has_directory(job) or not job.number_of_attempts:
        yield from ((None, None) for _ in range(count))
        return
    paths = job.paths.attempt(job.number_of_attempts)
    used = usage.read_range(paths.usage, paths.hosts, step, first, count)
    yield from zip(facts.read_range(paths.facts, step, first, count), used, strict=True)


def _slice(number: int, state: SliceState, fact: Fact | None, used: Used | None) -> Slice:
    told: dict[str, Any] = {name: value or None for name, value in used._asdict().items()} if used else {}
    told.pop("ended", None)
    told["host"] = used.host if used else ""
    if state == SliceState.RUNNING:
        told["end"] = None
    if used and state.ended:
        told |= {"exit_code": used.exit_code, "signal": used.signal}
    if fact is None or not state.ended:
        return Slice(number, state, **told)
    own: dict[str, Any] = {
        "start": fact.start,
        "end": fact.end,
        "tries": fact.tries,
        "cpu_seconds": fact.cpu_seconds,
    }
    own |= {"exit_code": fact.exit_code, "signal": fact.signal}
    own |= {"memory_bytes": fact.memory_bytes, "output_bytes": fact.output_bytes}
    memory = -(-fact.memory_bytes // 2**20) or None
    return Slice(number, state, **{**told, **own, "memory_used": told.get("memory_used") or memory})


# --- held -------------------------------------------------------------------------------------------------

_CODE = re.compile(r"\(hold code (\d+)(?:\.(\d+))?\)")
OF_LIMIT = {"memory": "memory_used", "disk": "disk_used", "cpus": "cpus_used"}
LOOKED_AT = 100  # held slices


def hold_code(reason: str) -> int:
    """What HTCondor said in numbers; where a rule of the node held it (21), which rule. 0: nothing."""
    found = _CODE.search(reason)
    if found is None:
        return 0
    return int(found[2]) if found[1] == "21" and found[2] else int(found[1])


def most_used(job: Job, limit: str, looked_at: int = LOOKED_AT) -> float:
    """By a held slice, of what it has too little of; in the limit's own unit. 0: not known."""
    name = OF_LIMIT.get(limit)
    if name is None:
        return 0
    held = some_slices(job, job.held_slices(limit=looked_at))
    most = max((getattr(each, name) or 0 for each in held), default=0)
    return most / 1024 if limit == "disk" else most
