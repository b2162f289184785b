"""Runs one part of a job script in this process: prepare, one slice of analysis, or synthesis.

A part's life: enter (directory, output, status), execute, and report, whose last act is to write its record.
The record is the proof: who finds it knows that the part ended, and how; who finds none runs it again.
"""

from __future__ import annotations

import gc
import os
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional, Union

from jobs_app import killpoints
from jobs_app.errors import Invalid
from jobs_app.jobdir import errors, facts, files
from jobs_app.jobdir.facts import FINISHED_EARLY, Fact
from jobs_app.jobdir.layout import ANALYSIS, PREPARE, SYNTHESIS, AttemptPaths, JobPaths, part_name
from jobs_app.jobdir.output import Output
from jobs_app.jobdir.pack import FROM_SLICES

from . import current, failure, finishing, subjobs
from .analysis_res import AnalysisRes
from .capture import Capture
from .current import CurrentJob, FinishEarly, Registered
from .letters import Waiting
from .loading import Script, load
from .parameters import typed_datasets, typed_jobs
from .results import Results, keep
from .spec import Spec
from .status import begin_status, end_status
from .subjobs import Ask
from .typed import decode

__all__ = ["DONE", "FAILED", "Part", "fail_part", "load", "run_part"]

DONE, FAILED = 2, 3  # as jobs_app.states.SliceState has them

EXIT_RECORDED, EXIT_NOT_RECORDED, EXIT_WAITS = 0, 70, 75


@dataclass(frozen=True)
class Part:
    """One part of one attempt."""

    spec: Spec
    directory: Path
    step: str
    sliceno: int = 0
    tries: int = 1

    @property
    def attempt(self) -> AttemptPaths:
        return JobPaths(self.directory).attempt(self.spec.number)

    @property
    def name(self) -> str:
        return part_name(self.step, self.sliceno)

    @property
    def title(self) -> str:
        return f"analysis({self.sliceno})" if self.step == ANALYSIS else self.step


@dataclass(frozen=True)
class Outcome:
    flags: int = 0
    error: Mapping[str, Any] = field(default_factory=dict)  # empty: it went well


def run_part(
    script: Script,
    spec: Union[Spec, Mapping[str, Any]],
    directory: Union[str, os.PathLike[str]],
    step: str,
    sliceno: int = 0,
    tries: int = 1,
    ask: Optional[Ask] = None,
) -> int:
    """0 if its end was recorded, however it ended; EXIT_WAITS if it has to be run again once it is answered.
    This process is the part's from now on."""
    part = Part(Spec.of(spec), Path(directory), step, sliceno, tries)
    begun = time.time()
    registered = Registered()
    try:
        printed = _enter(part)
        script.install()
        outcome = _execute(script, part, registered, ask, begun)
        _report(part, outcome, begun, printed)
    except Waiting:
        return EXIT_WAITS
    except OSError as error:  # a full disk, most likely: whoever started us must know
        print(f"The end of {part.title} of {part.spec.job} is not recorded: {error}", file=sys.stderr)  # noqa: T201
        return EXIT_NOT_RECORDED
    return EXIT_RECORDED


def fail_part(
    spec: Union[Spec, Mapping[str, Any]],
    directory: Union[str, os.PathLike[str]],
    step: str,
    sliceno: int,
    tries: int,
    error: BaseException,
    signal: int = 0,
) -> None:
    """Records a part that could not run, or that was killed while it ran."""
    part = Part(Spec.of(spec), Path(directory), step, sliceno, tries)
    _write_error(part, failure.described(error, step, sliceno, tries))
    now = time.time()
    fact = Fact(FAILED, tries, exit_code=0 if signal else 1, signal=signal, start=now, end=now)
    facts.write(part.attempt.facts, step, sliceno, fact)


# --- enter --------------------------------------------------------------------------------------------------


def _enter(part: Part) -> Optional[Capture]:
    printed = Capture(part.attempt.output(part.step, part.sliceno)) if part.spec.capture else None
    os.chdir(part.directory)
    gc.disable()  # parts are short, and collections would touch every page that the fork shares
    begin_status(part.attempt.status(part.step, part.sliceno), part.title)
    return printed


# --- execute ------------------------------------------------------------------------------------------------


def _execute(script: Script, part: Part, registered: Registered, ask: Optional[Ask], begun: float) -> Outcome:
    try:
        job = CurrentJob(part.spec, part.directory, registered)
        current.run_as(job)
        subjobs.begin(part.step, ask)
        outcome = _run(script, part, job, registered)
        killpoints.reach("runner.ran")
        _settle(part, registered, begun)
        return outcome
    except Waiting:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever a script raises is its outcome, and is reported
        return Outcome(error=failure.described(error, part.step, part.sliceno, part.tries))


def _settle(part: Part, registered: Registered, begun: float) -> None:
    """What a part did with files is kept for the last one, which makes manifest and post.json of it."""
    if part.step == SYNTHESIS:
        finishing.finish(part.spec, part.attempt, registered, begun)
    else:
        finishing.remember(part.attempt, part.name, registered)


def _run(script: Script, part: Part, job: CurrentJob, registered: Registered) -> Outcome:
    flags, result = 0, None
    if part.step in script.steps and not finishing.is_over(
        part.attempt, part.step, script.steps, part.spec.slices
    ):
        try:
            result = _call(script, part, job)
        except FinishEarly as early:
            flags, result = FINISHED_EARLY, early.result
            _refuse_result_of_slice(part, result)
    if part.step == SYNTHESIS or flags:
        _keep_final(part, result, registered)
    elif _is_wanted(script, part):
        together = 0 if part.spec.alone else part.spec.slices
        Results(part.attempt, together).store(part.step, part.sliceno, result, part.title)
    return Outcome(flags)


def _call(script: Script, part: Part, job: CurrentJob) -> Any:
    arguments = _arguments(script, part, job)
    known = vars(script.module)
    known.update({name: arguments[name] for name in ("options", "datasets", "jobs")})
    known.setdefault("job", job)
    wanted = {name: arguments[name] for name in script.arguments[part.step]}
    return getattr(script.module, part.step)(**wanted)


def _arguments(script: Script, part: Part, job: CurrentJob) -> dict[str, Any]:
    spec = part.spec
    arguments = {
        "job": job,
        "slices": spec.slices,
        "sliceno": part.sliceno if part.step == ANALYSIS else -1,
        "options": decode(spec.options),
        "datasets": typed_datasets(spec.datasets),
        "jobs": typed_jobs(spec.jobs),
    }
    if script.asks_for(part.step, "params"):
        arguments["params"] = job.params
    if script.asks_for(part.step, "prepare_res"):
        arguments["prepare_res"] = Results(part.attempt, spec.slices).load(PREPARE)
    if script.asks_for(part.step, "analysis_res"):
        results = Results(part.attempt, spec.slices)
        arguments["analysis_res"] = AnalysisRes(spec.slices, lambda at: results.load(ANALYSIS, at))
    return arguments


def _refuse_result_of_slice(part: Part, result: Any) -> None:
    if part.step == ANALYSIS and result is not None:
        raise Invalid(
            "A slice cannot end the job with a result. Call finish_early() without one in all slices."
        )


def _keep_final(part: Part, result: Any, registered: Registered) -> None:
    """result.pickle, if there is a result; it does not turn automatic registration off."""
    if result is not None:
        keep(part.directory / "result.pickle", result, part.title)
        registered.returned.add("result.pickle")


def _is_wanted(script: Script, part: Part) -> bool:
    if part.step == PREPARE:
        return any(script.asks_for(step, "prepare_res") for step in (ANALYSIS, SYNTHESIS))
    return script.asks_for(SYNTHESIS, "analysis_res")


# --- report -------------------------------------------------------------------------------------------------


def _report(part: Part, outcome: Outcome, begun: float, printed: Optional[Capture]) -> None:
    if part.tries > 1:
        errors.set_aside(part.attempt.error(part.step, part.sliceno), part.tries)
    if outcome.error:
        _write_error(part, outcome.error)
    end_status()
    size = _close_output(part, outcome, printed) if printed is not None else 0
    fact = _fact(part, outcome, begun, size)
    killpoints.reach("runner.unrecorded")
    facts.write(part.attempt.facts, part.step, part.sliceno, fact)
    killpoints.reach("runner.recorded")
    if part.step == SYNTHESIS and not outcome.error:
        finishing.clean(part.attempt)


def _fact(part: Part, outcome: Outcome, begun: float, output_bytes: int) -> Fact:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return Fact(
        state=FAILED if outcome.error else DONE,
        tries=part.tries,
        exit_code=1 if outcome.error else 0,
        start=begun,
        end=time.time(),
        cpu_seconds=own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime,
        memory_bytes=max(own.ru_maxrss, children.ru_maxrss) * 1024,
        output_bytes=output_bytes,
        flags=outcome.flags,
    )


def _write_error(part: Part, error: Mapping[str, Any]) -> None:
    path = part.attempt.error(part.step, part.sliceno)
    path.parent.mkdir(exist_ok=True)
    files.write_json(path, error)


def _close_output(part: Part, outcome: Outcome, printed: Capture) -> int:
    size = printed.end(outcome.error.get("traceback", ""))
    packs = part.spec.slices >= FROM_SLICES and not part.spec.alone
    if part.step == ANALYSIS and packs and not outcome.error:
        Output(part.attempt.job.output).pack(part.sliceno)
    return size
