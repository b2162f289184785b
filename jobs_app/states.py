"""The states: of a job, of a slice, and how the slices' states make the job's.

A job's states are Tethys's codes and words, with Held added. A slice's states are small numbers, because a
job may have a million slices and keeps one byte for each.

    slices of the attempt                                   the job is
    -----------------------------------------------------   --------------------------------------
    all waiting                                             Submitted
    any running or suspended                                Running  (Various, where slices are
                                                            independent and some already ended)
    none running, some waiting, some ended                  Running  (Various, likewise)
    none running, none waiting, some held                   Held     (Paused, if we placed the hold)
    all ended: all done (or skipped on purpose)             Complete
    all ended: steps of one script, any failed              Error
    all ended: any removed, none failed, none done          Aborted
    all ended: independent slices, none done                Error
    all ended: independent slices, some done, some not      Various-Complete
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class State:
    code: str
    word: str
    sentence: str
    final: bool = False
    active: bool = False
    after: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.word


def _state(
    code: str, word: str, sentence: str, after: str, *, final: bool = False, active: bool = False
) -> State:
    return State(code, word, sentence, final, active, frozenset(after.split()))


# `after` names what may follow a state within one attempt. A final state is a sink: only a new
# attempt (resubmit) leads out of it, back to SUB.
JOB_STATES: Mapping[str, State] = {
    state.code: state
    for state in (
        _state("PEN", "Pending", "Created, not yet started.", "SUB ABT"),
        _state(
            "SUB",
            "Submitted",
            "Handed over; waiting to run.",
            "RUN VAR HLD PAS COM ERR ABT VCP RES OTH",
            active=True,
        ),
        _state(
            "RUN",
            "Running",
            "At least one slice is running.",
            "SUB VAR HLD PAS COM ERR ABT VCP RES OTH",
            active=True,
        ),
        _state(
            "VAR",
            "Various",
            "Slices are in different states.",
            "SUB RUN HLD PAS COM ERR ABT VCP RES OTH",
            active=True,
        ),
        _state(
            "PAS", "Paused", "Held back by its user.", "SUB RUN VAR HLD COM ERR ABT VCP RES OTH", active=True
        ),
        _state(
            "HLD",
            "Held",
            "Stopped by the pool for a reason that can be cured.",
            "SUB RUN VAR PAS COM ERR ABT VCP RES OTH",
            active=True,
        ),
        _state(
            "OTH",
            "Other",
            "A state of the app's own.",
            "SUB RUN VAR PAS HLD COM ERR ABT VCP RES OTH",
            active=True,
        ),
        _state("RES", "Results-Ready", "The results can be read.", "COM ERR", final=True),
        _state("COM", "Complete", "Ended well; the results are here.", "", final=True),
        _state("ERR", "Error", "Ended badly; the reason is beside it.", "", final=True),
        _state("ABT", "Aborted", "Stopped before its end.", "", final=True),
        _state("VCP", "Various-Complete", "All slices ended, and some failed.", "", final=True),
    )
}

FINAL = frozenset(code for code, state in JOB_STATES.items() if state.final)
ACTIVE = frozenset(code for code, state in JOB_STATES.items() if state.active)
AT_WORK = "ACT"  # the stage of a job in an active state; any other state is a stage of its own
CHOICES = [(state.code, state.word) for state in JOB_STATES.values()]


def stages(codes: Iterable[str]) -> list[str]:
    """Where jobs in these states are to be looked for: `Job.stage`, which has the indexes."""
    return sorted({AT_WORK if code in ACTIVE else code for code in codes})


def may_follow(before: str, after: str) -> bool:
    return after in JOB_STATES[before].after


class SliceState(enum.IntEnum):
    """One byte a slice. The order carries no meaning; the numbers are on disk and stay as they are."""

    WAITING = 0
    RUNNING = 1
    DONE = 2
    FAILED = 3
    HELD = 4
    REMOVED = 5
    SKIPPED = 6
    SUSPENDED = 7

    @property
    def ended(self) -> bool:
        return self in _ENDED

    @property
    def word(self) -> str:
        return self.name.capitalize()


_ENDED = frozenset({SliceState.DONE, SliceState.FAILED, SliceState.REMOVED, SliceState.SKIPPED})


@dataclass(frozen=True)
class Counts:
    """How many slices are in each state."""

    waiting: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0
    held: int = 0
    removed: int = 0
    skipped: int = 0
    suspended: int = 0

    @classmethod
    def of(cls, numbers: Mapping[int, int]) -> Counts:
        return cls(**{state.name.lower(): numbers.get(state, 0) for state in SliceState})

    @property
    def total(self) -> int:
        return self.ended + self.waiting + self.running + self.suspended + self.held

    @property
    def ended(self) -> int:
        return self.done + self.failed + self.removed + self.skipped


def job_state(counts: Counts, *, independent: bool, hold_is_ours: bool = False) -> str:
    """The table of this module's docstring. `independent`: the slices of an executable, of which each
    one is a result of its own; not the steps of a script, which fail together."""
    if counts.total == counts.ended:
        return _ended_state(counts, independent)
    if counts.running + counts.suspended == 0 and counts.waiting == 0:
        return "PAS" if hold_is_ours else "HLD"
    if counts.running + counts.suspended == 0 and counts.ended == 0:
        return "SUB"
    return "VAR" if independent and counts.ended else "RUN"


def _ended_state(counts: Counts, independent: bool) -> str:
    if counts.failed + counts.removed == 0:
        return "COM"
    if independent and counts.done:
        return "VCP"
    if counts.failed:
        return "ERR"
    return "ABT"
