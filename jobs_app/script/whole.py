"""All parts of a job in one place: the runner forks them itself, so many at once as it is given slots."""

from __future__ import annotations

import os
import traceback
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Optional

from jobs_app.errors import JobFailed, ScriptError
from jobs_app.jobdir import facts
from jobs_app.jobdir.layout import ANALYSIS, PREPARE, SYNTHESIS, JobPaths

from . import finishing, runner
from .command import job_directory
from .loading import Script
from .spec import Spec

Todo = tuple[int, int]  # slice, try


def run_all(path: Path, slots: int) -> int:
    """0 if the end of the job was recorded, good or bad. What is recorded as done is not run again."""
    whole = _open(Spec.read(path), job_directory(path), SYNTHESIS, 0, slots)
    return whole.run() if whole is not None else runner.EXIT_RECORDED


def run_alone(path: Path, step: str, sliceno: int) -> int:
    """One part, where the others run elsewhere; 0 if its end was recorded, good or bad."""
    spec = replace(Spec.read(path), alone=True)
    whole = _open(spec, job_directory(path), step, sliceno, 1)
    return whole.run_only(step, sliceno) if whole is not None else runner.EXIT_RECORDED


def _open(spec: Spec, directory: Path, step: str, sliceno: int, slots: int) -> Optional[_Whole]:
    """A script that cannot be loaded is the failure of that part."""
    os.chdir(directory)
    try:
        script = runner.load(directory / spec.script, spec.package)
    except ScriptError as error:
        runner.fail_part(spec, directory, step, sliceno, 1, error)
        return None
    return _Whole(script, spec, directory, slots)


class _Whole:
    def __init__(self, script: Script, spec: Spec, directory: Path, slots: int) -> None:
        self.script, self.spec, self.directory = script, spec, directory
        self.attempt = JobPaths(directory).attempt(spec.number)
        self.facts = self.attempt.facts
        self.slots = max(1, slots)
        self.recorded = True

    def run(self) -> int:
        """Step after step, as long as all goes well."""
        steps = [step for step in (PREPARE, ANALYSIS) if step in self.script.steps]
        if all(self._step(step) for step in (*steps, SYNTHESIS)):
            finishing.sweep(self.attempt)
        return runner.EXIT_RECORDED if self.recorded else runner.EXIT_NOT_RECORDED

    def run_only(self, step: str, sliceno: int) -> int:
        """Where prepare ends the job, nobody else has anything to do: its files are collected here."""
        good = self._parts(step, self._missing(step, range(sliceno, sliceno + 1)), 1)
        if good and step == PREPARE and self._ended_early():
            self._parts(SYNTHESIS, self._missing(SYNTHESIS, range(1)), 1)
        return runner.EXIT_RECORDED if self.recorded else runner.EXIT_NOT_RECORDED

    def _step(self, step: str) -> bool:
        if step == ANALYSIS and self._ended_early():
            return True
        count, slots = (self.spec.slices, self.slots) if step == ANALYSIS else (1, 1)
        if step == ANALYSIS and self.spec.concurrency:
            slots = min(slots, self.spec.concurrency)
        return self._parts(step, self._missing(step, range(count)), slots)

    def _ended_early(self) -> bool:
        prepare = facts.read(self.facts, PREPARE)
        return prepare is not None and prepare.finished_early

    def _missing(self, step: str, slices: range) -> Iterable[Todo]:
        found = facts.read_range(self.facts, step, slices.start, len(slices))
        for sliceno, fact in zip(slices, found):
            if fact is None:
                yield sliceno, 1
            elif fact.state == runner.FAILED:
                yield sliceno, fact.tries + 1

    def _parts(self, step: str, missing: Iterable[Todo], slots: int) -> bool:
        """After a part failed for good no further one starts; those that run come to their end."""
        todo: deque[Todo] = deque(missing)
        running: dict[int, Todo] = {}
        good = True
        while running or (todo and good):
            while todo and good and len(running) < slots:
                sliceno, tries = todo.popleft()
                running[self._fork(step, sliceno, tries)] = (sliceno, tries)
            process, how = os.wait()
            if process not in running:
                continue
            sliceno, tries = running.pop(process)
            if not self._ended_well(step, sliceno, tries, how):
                if tries <= self.spec.retries:
                    todo.appendleft((sliceno, tries + 1))
                else:
                    good = False
        return good

    def _fork(self, step: str, sliceno: int, tries: int) -> int:
        process = os.fork()
        if process:
            return process
        try:
            os._exit(runner.run_part(self.script, self.spec, self.directory, step, sliceno, tries))
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            os._exit(runner.EXIT_NOT_RECORDED)

    def _ended_well(self, step: str, sliceno: int, tries: int, how: int) -> bool:
        fact = facts.read(self.facts, step, sliceno)
        if fact is not None and fact.tries == tries:
            return fact.state == runner.DONE
        self._record_loss(step, sliceno, tries, how)
        return False

    def _record_loss(self, step: str, sliceno: int, tries: int, how: int) -> None:
        signal = os.WTERMSIG(how) if os.WIFSIGNALED(how) else 0
        error = JobFailed(f"The process {_death(how)} before it could tell how it went.")
        try:
            runner.fail_part(self.spec, self.directory, step, sliceno, tries, error, signal)
        except OSError:
            traceback.print_exc()
            self.recorded = False


def _death(how: int) -> str:
    if os.WIFSIGNALED(how):
        return f"was killed by signal {os.WTERMSIG(how)}"
    code = os.WEXITSTATUS(how)
    if code == runner.EXIT_NOT_RECORDED:
        return "could not write its record (is the disk full?) and ended"
    return f"ended by itself with code {code}"
