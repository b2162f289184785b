"""Why procs wait, in plain words: one analysis for all that the negotiator treats alike (an autocluster).

What no machine has is seen from their sizes, which are fetched once in a few minutes. Else HTCondor's own
analysis of one proc is read, and what the negotiator said when it last passed it over.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from . import answers
from .answers import Ad
from .point import AccessPoint

GOOD_FOR = 180.0  # seconds
FRESH = 30.0  # seconds: of what machines have left
SOON = "A slot would take it now. It starts at the pool's next round."
PROCS = 500  # that are looked at in one round
ANALYSES = 5  # of HTCondor's own, in one round

_JOB = (
    *("RoostAttempt", "ClusterId", "ProcId", "AutoClusterId", "JobPrio", "QDate", "AccountingGroup"),
    *(
        "RequestCpus",
        "RequestMemory",
        "RequestDisk",
        "RequestGPUs",
        "LastRejMatchReason",
        "ConcurrencyLimits",
    ),
)
_SLOT = (
    *("TotalSlotCpus", "TotalSlotMemory", "TotalSlotDisk", "TotalSlotGPUs"),
    *("Cpus", "Memory", "Disk", "GPUs", "State"),
)
_WHOLE_MACHINES = 'PartitionableSlot =?= true || SlotType =?= "Static"'


@dataclass(frozen=True)
class Need:
    """A resource: what a job calls it, what a machine has in all and has left, and how it is said."""

    asked: str
    there: str
    left: str
    said: str
    unit: int = 0  # bytes; 0: a plain number


NEEDS = (
    Need("RequestCpus", "TotalSlotCpus", "Cpus", "cores"),
    Need("RequestMemory", "TotalSlotMemory", "Memory", "of memory", 2**20),
    Need("RequestDisk", "TotalSlotDisk", "Disk", "of disk", 2**10),
    Need("RequestGPUs", "TotalSlotGPUs", "GPUs", "GPUs"),
)


class Analysis:
    def __init__(self, point: AccessPoint) -> None:
        self._point = point
        self._slots: list[Ad] = []
        self._fetched = float("-inf")
        self._known: dict[object, tuple[float, str]] = {}  # by autocluster: when it was found, and what

    def why_idle(self, attempts: Sequence[str]) -> dict[str, str]:
        """ "" for those of which no proc waits. What this round has no time for is left out."""
        procs = {str(ad["RoostAttempt"]): ad for ad in reversed(self._waiting(attempts))}
        found = {attempt: "" for attempt in attempts if attempt not in procs}
        asked = 0
        for attempt, proc in procs.items():
            said = self._remembered(proc)
            if said is None and asked < ANALYSES:
                asked += 1
                said = self._analysed(proc)
            if said is not None:
                found[attempt] = said
        return found

    def _waiting(self, attempts: Sequence[str]) -> list[Ad]:
        wanted = f"JobStatus == 1 && member(RoostAttempt, {{{answers.strings(attempts)}}})"
        asked = ("-constraint", wanted, "-limit", str(PROCS), "-attributes", ",".join(_JOB))
        return self._ads("condor_q", "-allusers", "-json", *asked)

    def _remembered(self, proc: Ad) -> str | None:
        when, said = self._known.get(_group(proc), (float("-inf"), ""))
        return said if time.monotonic() - when < (FRESH if said == SOON else GOOD_FOR) else None

    def _analysed(self, proc: Ad) -> str:
        slots = self._machines()
        said = nothing_has(proc, slots) or passed_over(proc) or self._htcondors(proc, slots)
        if len(self._known) > 10 * PROCS:
            self._known.clear()
        self._known[_group(proc)] = (time.monotonic(), said)
        return said

    def _machines(self) -> list[Ad]:
        if time.monotonic() - self._fetched > FRESH:
            asked = ("-constraint", _WHOLE_MACHINES, "-attributes", ",".join(_SLOT))
            self._slots = self._ads("condor_status", "-json", *asked)
            self._fetched = time.monotonic()
        return self._slots

    def _htcondors(self, proc: Ad, slots: Sequence[Ad]) -> str:
        done = self._point.command("condor_q", "-allusers", "-better-analyze", _name(proc))
        if done.exit != 0:
            raise self._point.trouble("condor_q -better-analyze", done)
        report = read(done.text)
        return unmatched(report) or self._busy(proc, report, slots)

    def _busy(self, proc: Ad, report: Report, slots: Sequence[Ad]) -> str:
        """HTCondor's analysis does not count what a machine has left."""
        if report.able and any(_has_left(proc, slot) for slot in slots):
            return SOON
        asked = _asked(proc)
        fitting = sum(_fits(asked, slot) for slot in slots)
        ahead = self._ahead(proc)
        others = f"; {_many(ahead, 'slice is', 'slices are')} ahead of it in this queue" if ahead else ""
        return f"All {_many(fitting, 'machine', 'machines')} that would do are busy{others}."

    def _ahead(self, proc: Ad) -> int:
        priority, since = proc.get("JobPrio", 0), proc.get("QDate", 0)
        wanted = f"JobStatus == 1 && (JobPrio > {priority} || (JobPrio == {priority} && QDate < {since}))"
        done = self._point.command("condor_q", "-allusers", "-totals", "-constraint", wanted)
        match = re.search(r"Total for query: (\d+) jobs", done.text)
        return int(match[1]) if match else 0

    def _ads(self, *argv: str) -> list[Ad]:
        done = self._point.command(*argv)
        if done.exit != 0:
            raise self._point.trouble(argv[0], done)
        return answers.ads(done.out)


def _group(proc: Ad) -> object:
    return proc.get("AutoClusterId") or proc.get("ClusterId")


def _name(proc: Ad) -> str:
    return f"{answers.number(proc, 'ClusterId')}.{answers.number(proc, 'ProcId')}"


# --- sizes ------------------------------------------------------------------------------------------------


def nothing_has(proc: Ad, slots: Sequence[Ad]) -> str:
    """What no machine has; "" if one has all that is asked for."""
    if not slots:
        return "The pool has no machine at all at the moment."
    asked = _asked(proc)
    for need, wanted in asked.items():
        largest = max(_number(slot, need.there) for slot in slots)
        if wanted > largest:
            return _too_much(need, wanted, largest)
    if not any(_fits(asked, slot) for slot in slots):
        wish = ", ".join(_said(need, wanted) for need, wanted in asked.items() if wanted)
        return f"No machine has all of this together: {wish}."
    return ""


def _asked(proc: Ad) -> dict[Need, float]:
    return {need: _number(proc, need.asked) for need in NEEDS}


def _has_left(proc: Ad, slot: Ad) -> bool:
    """A claimed machine that is not cut into slots has nothing left."""
    free = slot.get("State") == "Unclaimed"
    return free and all(wanted <= _number(slot, need.left) for need, wanted in _asked(proc).items())


def _fits(asked: Mapping[Need, float], slot: Ad) -> bool:
    return all(wanted <= _number(slot, need.there) for need, wanted in asked.items())


def _number(ad: Ad, name: str) -> float:
    """0 for what is an expression: HTCondor's own analysis looks at that."""
    value = ad.get(name)
    return value if isinstance(value, (int, float)) else 0


def _too_much(need: Need, wanted: float, largest: float) -> str:
    if not largest:
        return f"No machine has {_said(need, wanted)}; none has any."
    size = _size(need, largest)
    if size == _size(need, wanted):
        return f"No machine has quite {_said(need, wanted)}: the largest has a little less."
    return f"No machine has {_said(need, wanted)}; the largest has {size}."


def _said(need: Need, value: float) -> str:
    return f"{_size(need, value)} {need.said}"


def _size(need: Need, value: float) -> str:
    size = value * need.unit / 2**30
    if not need.unit:
        return f"{value:g}"
    return f"{size:.3g} GB" if size >= 1 else f"{value * need.unit / 2**20:.0f} MB"


def _many(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"


# --- what the negotiator said -----------------------------------------------------------------------------


def passed_over(proc: Ad) -> str:
    """ "" where it says no more than that nothing was found."""
    said = str(proc.get("LastRejMatchReason") or "").strip()
    group = str(proc.get("AccountingGroup") or "")
    if "limit" in said and "concurrency" in said:
        return f"A limit on what may run at once is reached: {proc.get('ConcurrencyLimits') or said}."
    if "submitter limit" in said or "quota" in said:
        who = f"The accounting group {group!r}" if group else "The account"
        return f"{who} has its share of the pool; others are served first ({said})."
    if "insufficient priority" in said:
        return "Others with a better priority have the slots that would do."
    return ""


# --- HTCondor's own analysis ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Report:
    conditions: tuple[tuple[int, str], ...]  # how many slots meet each condition of the requirements
    machines: int = 0
    rejected: int = 0  # by the job's requirements
    reject: int = 0  # the job, by theirs
    busy: int = 0
    able: int = 0


_CONDITION = re.compile(r"^\[\d+\]\s+(\d+)\s+(.*\S)", re.MULTILINE)
_LINES: Mapping[str, str] = {
    "machines": r"Of (\d+) machines",
    "rejected": r"(\d+) are rejected by your job",
    "reject": r"(\d+) reject your job because of their own",
    "running": r"(\d+) match and are already running your jobs",
    "others": r"(\d+) match but are serving other users",
    "able": r"(\d+) are able to run your job",
}


def read(text: str) -> Report:
    found = {name: _first(pattern, text) for name, pattern in _LINES.items()}
    conditions = tuple((int(count), condition) for count, condition in _CONDITION.findall(text))
    busy = found.pop("running") + found.pop("others")
    return Report(conditions, busy=busy, **found)


def _first(pattern: str, text: str) -> int:
    match = re.search(pattern, text)
    return int(match[1]) if match else 0


def unmatched(report: Report) -> str:
    """The condition that no slot meets; "" if the requirements are not to blame."""
    wanted = [condition for count, condition in _own(report.conditions) if count == 0]
    if wanted:
        return f"No slot matches {' or '.join(wanted[:3])}."
    if report.machines and report.rejected == report.machines:
        return f"None of {_many(report.machines, 'slot', 'slots')} meets all of its requirements together."
    if report.machines and report.rejected + report.reject == report.machines:
        return f"{_many(report.reject, 'machine takes', 'machines take')} no such job, by their own rules."
    return ""


def _own(conditions: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
    """Without those that join others: "[0] && [1]"."""
    return [(count, text) for count, text in conditions if not text.startswith("[")]
