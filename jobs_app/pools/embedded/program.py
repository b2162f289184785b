"""What an attempt runs: a job script, loaded once by its leader, or an executable."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jobs_app.script import runner
from jobs_app.script.loading import Script
from jobs_app.script.spec import Spec

from ..base import Task
from . import executable, node
from .record import attempt_paths
from .work import Part

Ask = Callable[[dict[str, Any]], dict[str, Any]]


class Program:
    def __init__(self, task: Task) -> None:
        self.task = task
        self._spec: Spec | None = None
        self._script: Script | None = None
        self._error: Exception | None = None

    def load(self) -> None:
        """What cannot be loaded is kept as an error, which the first part will record."""
        try:
            if self.task.script:
                self._load_script()
            else:
                executable.link_inputs(self.task)
        except Exception as error:  # noqa: BLE001 - a script may raise anything
            self._error = error

    def _run_executable(self, part: Part, tries: int, arguments: Sequence[str]) -> int:
        for each in self.task.nodes:
            if each.first <= part.slice < each.first + each.slices:
                return node.run(self.task, each, part, tries, arguments)
        return executable.run(self.task, part, tries, arguments)

    def _load_script(self) -> None:
        os.chdir(self.task.directory)
        os.environ.update(self.task.environment)
        self._spec = Spec.read(attempt_paths(self.task).spec)
        self._script = runner.load(Path(self.task.directory, self.task.script), self._spec.package)

    def run(self, part: Part, tries: int, arguments: Sequence[str], ask: Ask) -> int:
        """Runs one part in this process; the exit code says whether its record could be written."""
        if self._error is not None and self._spec is not None:
            runner.fail_part(self._spec, self.task.directory, *part, tries, self._error)
            return 0
        if self._error is not None:
            raise self._error
        if self._script is None or self._spec is None:
            return self._run_executable(part, tries, arguments)
        return runner.run_part(self._script, self._spec, self.task.directory, *part, tries, ask)
