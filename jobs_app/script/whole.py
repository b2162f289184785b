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
from jobs_app.jobdir.layout import ANALYSIS, PREPARE, SYNTHESIS, JobPaths, part_name

from . import finishing, runner
from .command import job_directory
from .job import set_resolver
from .letters import Letters, job_here
from .loading import Script
from .spec import Spec

Todo = tuple[int, int]  # slice, try


def run_all(path: Path, slots: int, letters: bool = False) -> int:
    """0 if the end of the job was recorded, good or bad. What is recorded as done is not run again.

    `letters`: parts ask for subjobs by files; then EXIT_WAITS says that one does."""
    whole = _open(Spec.read(path), job_directory(path), SYNTHESIS, slots=slots, letters=letters)
    return whole.run() if whole is not None else runner.EXIT_RECORDED


def run_alone(path: Path, step: str, sliceno: int, letters: bool = False) -> int:
    """One part, where the others run elsewhere; 0 if its end was recorded, good or bad."""
    spec = replace(Spec.read(path), alone=True)
    whole = _open(spec, job_directory(path), step, sliceno, letters=letters)
    return whole.run_only(step, sliceno) if whole is not None else runner.EXIT_RECORDED


def _open(
    spec: Spec, directory: Path, step: str, sliceno: int = 0, slots: int = 1, letters: bool = False
) -> Optional[_Whole]:
    """A script that cannot be loaded is the failure of that part."""
    os.chdir(directory)
    try:
        script = runner.load(directory / spec.script, spec.package)
    except ScriptError as error:
        runner.fail_part(spec, directory, step, sliceno, 1, error)
        return None
    if letters:
        set_resolver(lambda jobid: job_here(directory, jobid))
    return _Whole(script, spec, directory, slots, letters)


class _Whole:
    def __init__(self, script: Script, spec: Spec, directory: Path, slots: int, letters: bool) -> None:
        self.script, self.spec, self.directory = script, spec, directory
        self.attempt = JobPaths(directory).attempt(spec.number)
        self.facts = self.attempt.facts
        self.slots = max(1, slots)
        self.letters = letters
        self.recorded = True
        self.waits = False

    def run(self) -> int:
        """Step after step, as long as all goes well."""
        steps = [step for step in (PREPARE, ANALYSIS) if step in self.script.steps]
        if all(self._step(step) for step in (*steps, SYNTHESIS)):
            finishing.sweep(self.attempt)
        return self._exit()

    def _exit(self) -> int:
        if self.waits:
            return runner.EXIT_WAITS
        return runner.EXIT_RECORDED if self.recorded else runner.EXIT_NOT_RECORDED

    def run_only(self, step: str, sliceno: int) -> int:
        """Where prepare ends the job, nobody else has anything to do: its files are collected here."""
        good = self._parts(step, self._missing(step, range(sliceno, sliceno + 1)), 1)
        if good and step == PREPARE and self._ended_early():
            self._parts(SYNTHESIS, self._missing(SYNTHESIS, range(1)), 1)
        return self._exit()

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
                if tries <= self.spec.retries and not self.waits:
                    todo.appendleft((sliceno, tries + 1))
                else:
                    good = False
        return good

    def _fork(self, step: str, sliceno: int, tries: int) -> int:
        process = os.fork()
        if process:
            return process
        try:
            part = part_name(step, sliceno)
            ask = Letters(self.directory, self.spec.number, part) if self.letters else None
            os._exit(runner.run_part(self.script, self.spec, self.directory, step, sliceno, tries, ask))
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            os._exit(runner.EXIT_NOT_RECORDED)

    def _ended_well(self, step: str, sliceno: int, tries: int, how: int) -> bool:
        fact = facts.read(self.facts, step, sliceno)
        if fact is not None and fact.tries == tries:
            return fact.state == runner.DONE
        if os.WIFEXITED(how) and os.WEXITSTATUS(how) == runner.EXIT_WAITS:
            self.waits = True
            return False
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
