"""From the fact that a part has left on disk, or from the way it died, to its outcome."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

from jobs_app.jobdir import errors, facts, files
from jobs_app.jobdir.layout import AttemptPaths, JobPaths
from jobs_app.states import SliceState

from ..base import Task
from .plan import Outcome
from .work import Part


def attempt_paths(task: Task) -> AttemptPaths:
    return JobPaths(task.directory).attempt(task.number)


def recorded(task: Task, part: Part, tries: int) -> Outcome | None:
    """How this try of the part ended, if it has left its record; or any try, if that ended well."""
    paths = attempt_paths(task)
    fact = facts.read(paths.facts, part.step, part.slice)
    well = fact is not None and fact.state == SliceState.DONE
    if fact is None or (fact.tries != tries and not well):
        return None
    return Outcome(
        exit_code=0 if well else fact.exit_code or (0 if fact.signal else 1),
        signal=0 if well else fact.signal,
        at=fact.end,
        memory_mb=fact.memory_bytes >> 20 or None,
        reason="" if well else _why(paths.error(*part), tries, fact.exit_code, fact.signal),
        finished_early=fact.finished_early,
    )


def record_failure(task: Task, part: Part, tries: int, outcome: Outcome) -> None:
    """Leaves the record in place of a part that could not do so itself."""
    if not Path(task.directory).is_dir():
        raise FileNotFoundError(f"the job's directory {task.directory} is gone")
    explain(task, part, tries, outcome.reason)
    fact = facts.Fact(
        state=SliceState.FAILED,
        tries=tries,
        exit_code=outcome.exit_code,
        signal=outcome.signal,
        start=outcome.at,
        end=outcome.at,
    )
    facts.write(attempt_paths(task).facts, part.step, part.slice, fact)


def explain(task: Task, part: Part, tries: int, message: str) -> None:
    path = attempt_paths(task).error(*part)
    path.parent.mkdir(parents=True, exist_ok=True)
    errors.set_aside(path, tries)
    files.write_json(path, {**part._asdict(), "tries": tries, "message": message})


def outcome_of_death(status: int, where: str = "") -> Outcome:
    """Of a process that ended with this exit code (or minus signal) and left no record."""
    if status < 0:
        return Outcome(signal=-status, at=time.time(), reason=_signal_text(-status) + where)
    if status == 0:
        reason = "it ended Python by itself before its step was over (exit code 0)"
        return Outcome(exit_code=1, at=time.time(), reason=reason + where)
    return Outcome(exit_code=status, at=time.time(), reason=f"exit code {status}{where}")


def _why(path: Path, tries: int, exit_code: int, number: int) -> str:
    return _error_text(path, tries) or (_signal_text(number) if number else f"exit code {exit_code or 1}")


def _error_text(path: Path, tries: int) -> str:
    """What this try said of itself; an earlier one's words are not its own."""
    try:
        said: Any = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return ""
    if not isinstance(said, dict) or said.get("tries") != tries:
        return ""
    return ": ".join(str(said[name]) for name in ("type", "message") if said.get(name))[:500]


def _signal_text(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = "no name"
    hint = "; the machine may have run out of memory" if number == signal.SIGKILL else ""
    return f"killed by signal {number} ({name}){hint}"
