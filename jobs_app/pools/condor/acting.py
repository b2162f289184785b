"""Hold, release, remove, change: by a constraint on our own attributes, whatever the number of slices.

Of a job that is made little by little most slices are no procs yet, so no constraint finds them. The whole of
it is reached through its cluster, whose own ad carries RoostAttempt: holding that pauses the making. Chosen
slices are reached through two expressions in the cluster's ad, RoostPaused and RoostStopped, which every
later proc inherits and which the schedd looks at (`periodic_hold`, `periodic_remove`; see submit.py).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import groupby

from ..base import Event, EventKind, Garbled, Refused, Resources, Selection
from ..shell import Result
from . import answers
from .answers import Ad
from .plan import Run
from .plans import Plans
from .point import AccessPoint

# What HTCondor says when a constraint names nothing: what is gone already needs nothing.
_NOTHING_MATCHED = (b"Couldn't find/", b"no jobs matching", b"No jobs matched", b"not found")
_FACTORY = (
    *(
        "ClusterId",
        "JobMaterializeNextProcId",
        "JobMaterializePaused",
        "JobMaterializeLimit",
        "RoostPlan",
        "RoostGroup",
    ),
    *(
        "RoostAttempt",
        "RoostPaused",
        "RoostStopped",
        "RequestCpus",
        "RequestMemory",
        "RequestDisk",
        "RequestGPUs",
    ),
    "AllowedJobDuration",
)
_COMMANDS = {"hold": "condor_hold", "release": "condor_release", "remove": "condor_rm"}
_LATE = 3  # act.sh: this attempt is made little by little
_NEXT = "JobMaterializeNextProcId"
MOST_HELD = 5_000
AT_ONCE = 2_000  # ranges of slices in one constraint: a command's word has its limit

Edits = dict[str, int]


class Acting:
    def __init__(self, point: AccessPoint, plans: Plans) -> None:
        self._point = point
        self._plans = plans

    def hold(self, selection: Selection, reason: str) -> tuple[Event, ...]:
        why = ("-reason", one_line(reason))
        factory = self._act(selection, "condor_hold", *why)
        if factory is None:
            return ()
        if selection.slices:
            self._make_room(factory, len(selection.slices))
        for chosen in ranges(selection.slices):
            self._edit(factory, "RoostPaused", _either(self._now(factory, "RoostPaused"), chosen))
        self._each(selection, "condor_hold", *why)
        return self._unborn(self._again(factory), selection, EventKind.HELD, reason)

    def release(self, selection: Selection) -> tuple[Event, ...]:
        factory = self._act(selection, "condor_release")
        if factory is None:
            return ()
        if not selection.slices:
            self._edit(factory, "RoostPaused", "false")
            self._each(selection, "condor_release")
        elif factory.get("JobMaterializePaused") in (0, None):
            for chosen in ranges(selection.slices):
                self._edit(factory, "RoostPaused", _without(self._now(factory, "RoostPaused"), chosen))
            self._each(selection, "condor_release")
        else:
            self._go_on_with(factory, selection)
        return self._unborn(factory, selection, EventKind.RELEASED, "")

    def remove(self, selection: Selection, reason: str) -> tuple[Event, ...]:
        why = ("-reason", one_line(reason))
        factory = self._act(selection, "condor_rm", *why)
        if factory is None:
            return ()
        if not selection.slices:
            self._each(selection, "condor_rm", *why)
            return ()
        for chosen in ranges(selection.slices):
            self._edit(factory, "RoostStopped", _either(self._now(factory, "RoostStopped"), chosen))
        self._each(selection, "condor_rm", *why)
        return self._unborn(self._again(factory), selection, EventKind.REMOVED, reason)

    def on_all(self, verb: str, attempts: Sequence[str], reason: str) -> list[str]:
        """Whole attempts with one command: which of them were told. What is made little by little was not."""
        why = () if verb == "release" else ("-reason", one_line(reason))
        left = list(attempts)
        while left:
            whole = f"member(RoostAttempt, {{{answers.strings(left)}}})"
            done = self._point.run(
                "act.sh", whole, ",".join(_FACTORY), _COMMANDS[verb], "-constraint", whole, *why
            )
            if done.exit != _LATE:
                self._check(_COMMANDS[verb], done)
                break
            late = {answers.text(ad, "RoostAttempt") for ad in answers.ads(done.out)}
            if late.isdisjoint(left):
                raise Garbled("HTCondor names jobs that it was not asked about.")
            left = [attempt for attempt in left if attempt not in late]
        return left

    def change(self, selection: Selection, resources: Resources) -> tuple[Event, ...]:
        edits = _edits(resources)
        words = [word for name, value in edits.items() for word in (name, str(value))]
        if edits and (factory := self._act(selection, "condor_qedit", *words)):
            self._change_later_ones(factory, selection, edits)
        return ()

    # --- what is made little by little ------------------------------------------------------------------

    def _change_later_ones(self, factory: Ad, selection: Selection, edits: Edits) -> None:
        for name, value in edits.items():
            if not selection.slices:
                self._edit(factory, name, str(value))
            for chosen in ranges(selection.slices):
                former = self._now(factory, name, "undefined")
                self._edit(factory, name, f"ifThenElse({chosen}, {value}, ({former}))")

    def _go_on_with(self, factory: Ad, selection: Selection) -> None:
        """Of a job that is held as a whole only these go on: it is made again, and the others are held as
        they come."""
        self._make_room(factory, max(selection.slices) + 1 - answers.number(factory, _NEXT))
        for number, chosen in enumerate(ranges(selection.slices)):
            former = "true" if number == 0 else self._now(factory, "RoostPaused")
            self._edit(factory, "RoostPaused", _without(former, chosen))
            whole = constraint(Selection(selection.attempt))
            self._run("condor_release", "-constraint", f"{whole} && (ProcId is undefined || {chosen})")

    def _make_room(self, factory: Ad, held: int) -> None:
        """Held procs count among those that there may be at once: without room for them no others come."""
        limit = answers.number(factory, "JobMaterializeLimit") if "JobMaterializeLimit" in factory else 0
        if held > MOST_HELD:
            raise Refused(
                f"So many slices cannot wait on hold beside the others: {held}; {MOST_HELD} at most. "
                "Pause or resume the job as a whole, or stop slices that are not needed."
            )
        if limit and held > 0:
            self._edit(factory, "JobMaterializeLimit", str(limit + held))

    def _edit(self, factory: Ad, name: str, value: str) -> None:
        """In the cluster's ad, and so in all of its procs."""
        self._run("condor_qedit", str(answers.number(factory, "ClusterId")), name, value)

    def _now(self, factory: Ad, name: str, otherwise: str = "false") -> str:
        """As it stands there at this moment: what was chosen before stays chosen."""
        return expression(self._again(factory).get(name), otherwise)

    def _again(self, factory: Ad) -> Ad:
        """Its ad now; empty if it is gone."""
        ads = self._factories(f"ClusterId == {answers.number(factory, 'ClusterId')}")
        return ads[0] if ads else {}

    def _unborn(self, factory: Ad, selection: Selection, kind: EventKind, reason: str) -> tuple[Event, ...]:
        """What has become of the slices that were no procs when the ad was read: no log tells it."""
        if not factory:
            return ()
        plan = self._plans.find(answers.text(factory, "RoostPlan"), answers.number(factory, "RoostGroup"))
        runs = later(plan.shares[0].runs if plan else (), answers.number(factory, _NEXT))
        now, code = time.time(), 1 if kind == EventKind.HELD else 0
        return tuple(
            Event(kind, selection.attempt, now, run.step, run.first, run.count, code=code, reason=reason)
            for run in chosen_of(runs, selection.slices)
        )

    # --- commands ---------------------------------------------------------------------------------------

    def _act(self, selection: Selection, command: str, *words: str) -> Ad | None:
        """One command for what is no factory; else the factory's ad, and nothing was done yet."""
        whole = constraint(Selection(selection.attempt))
        first, *others = constraints(selection)
        given = (whole, ",".join(_FACTORY), command, "-constraint", first, *words)
        done = self._point.run("act.sh", *given)
        if done.exit == _LATE:
            return answers.ads(done.out)[0]
        self._check(command, done)
        for each in others:
            self._run(command, "-constraint", each, *words)
        return None

    def _each(self, selection: Selection, command: str, *words: str) -> None:
        for each in constraints(selection):
            self._run(command, "-constraint", each, *words)

    def _run(self, *argv: str) -> None:
        done = self._point.command(*argv)
        self._check(argv[0], done)

    def _check(self, command: str, done: Result) -> None:
        said = done.err + done.out
        if done.exit != 0 and not any(text in said for text in _NOTHING_MATCHED):
            raise self._point.trouble(command, done)

    def _factories(self, wanted: str) -> list[Ad]:
        asked = ("-allusers", "-factory", "-json", "-constraint", wanted, "-attributes", ",".join(_FACTORY))
        done = self._point.command("condor_q", *asked)
        if done.exit != 0:
            raise self._point.trouble("condor_q", done)
        return answers.ads(done.out)


# --- words ------------------------------------------------------------------------------------------------


def _edits(resources: Resources) -> Edits:
    edits = {
        "RequestCpus": resources.cpus,
        "RequestMemory": resources.memory_mb,
        "RequestDisk": resources.disk_mb * 1024,
        "RequestGPUs": resources.gpus,
        "AllowedJobDuration": resources.wall_seconds,
    }
    return {name: value for name, value in edits.items() if value}


_SUBMIT_WORDS = {"AllowedJobDuration": "allowed_job_duration"}


def limits_in_words(resources: Resources) -> list[str]:
    """As a submit description says it."""
    edits = _edits(resources)
    return [
        f"{_SUBMIT_WORDS.get(name, name.replace('Request', 'request_').lower())} = {value}"
        for name, value in edits.items()
    ]


def constraint(selection: Selection) -> str:
    """For a selection that one constraint can hold."""
    return next(constraints(selection))


def constraints(selection: Selection) -> Iterator[str]:
    whole = f"RoostAttempt == {answers.strings([selection.attempt])}"
    if not selection.slices:
        yield whole
    for chosen in ranges(selection.slices):
        yield f"{whole} && ProcId isnt undefined && {chosen}"  # a cluster's ad looks like its first slice's


def ranges(slices: Sequence[int]) -> Iterator[str]:
    """Expressions that are true for these slices; neighbours are one comparison, however many they are."""
    found = list(neighbours(slices))
    for start in range(0, len(found), AT_ONCE):
        yield _expression(found[start : start + AT_ONCE])


def _expression(runs: Sequence[tuple[int, int]]) -> str:
    single = [str(first) for first, count in runs if count == 1]
    parts = [f"(RoostSlice >= {first} && RoostSlice < {first + count})" for first, count in runs if count > 1]
    if single:
        parts.append(f"member(RoostSlice, {{{', '.join(single)}}})")
    return f"({' || '.join(parts)})"


def neighbours(slices: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(first, how many)"""
    numbers = sorted({int(number) for number in slices})
    for _, group in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        yield run[0], len(run)


def _either(former: str, chosen: str) -> str:
    return chosen if former == "false" else f"({former}) || {chosen}"


def _without(former: str, chosen: str) -> str:
    return former if former == "false" else f"({former}) && !{chosen}"


def expression(value: object, otherwise: str) -> str:
    """A value of a JSON ad as ClassAds write it; expressions come as "/Expr(...)/"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if value is None:
        return otherwise
    if isinstance(value, str) and value.startswith("/Expr(") and value.endswith(")/"):
        return value[len("/Expr(") : -len(")/")]
    raise Garbled(f"HTCondor's answer has {value!r} where an expression should be.")


def later(runs: Sequence[Run], first_proc: int) -> Iterator[Run]:
    """What stands for procs from `first_proc` on."""
    for run in runs:
        gone = min(run.count, max(first_proc, 0))
        if gone < run.count:
            yield Run(run.step, run.first + gone, run.count - gone)
        first_proc -= run.count


def chosen_of(runs: Iterator[Run], slices: Sequence[int]) -> Iterator[Run]:
    if not slices:
        yield from runs
        return
    chosen = sorted(set(slices))
    for run in runs:
        inside = [number for number in chosen if run.first <= number < run.first + run.count]
        yield from (Run(run.step, first, count) for first, count in neighbours(inside))


def one_line(reason: str) -> str:
    return " ".join(reason.split())[:500] or "by Roost"
