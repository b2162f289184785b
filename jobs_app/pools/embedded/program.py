"""What an attempt runs: a job script, loaded once by its leader, or an executable."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..base import Task
from . import executable
from .plan import Outcome
from .record import attempt_paths, record_failure
from .work import Part

Ask = Callable[[dict[str, Any]], dict[str, Any]]


class Program:
    def __init__(self, task: Task) -> None:
        self.task = task
        self._spec: Mapping[str, Any] = {}
        self._script: Any = None
        self._error = ""

    def load(self) -> None:
        """A script that cannot be loaded is kept as an error, which its first part will record."""
        if not self.task.script:
            executable.link_inputs(self.task)
            return
        os.environ.update(self.task.environment)
        try:
            self._load_script()
        except (Exception, SystemExit):  # noqa: BLE001 - a script may raise anything; the part records it
            self._error = traceback.format_exc()

    def _load_script(self) -> None:
        from jobs_app.script import runner

        os.chdir(self.task.directory)
        self._spec = json.loads(attempt_paths(self.task).spec.read_bytes())
        path = Path(self.task.directory, self.task.script)
        self._script = runner.load(path, self._spec["package"])

    def run(self, part: Part, tries: int, arguments: Sequence[str], ask: Ask) -> int:
        """Runs one part in this process; the exit code says whether its record could be written."""
        if not self.task.script:
            return executable.run(self.task, part, tries, arguments)
        if self._error:
            return self._record_error(part, tries)
        from jobs_app.script import runner

        directory = Path(self.task.directory)
        return int(runner.run_part(self._script, self._spec, directory, part.step, part.slice, tries, ask))

    def _record_error(self, part: Part, tries: int) -> int:
        paths = attempt_paths(self.task)
        message = self._error.strip().splitlines()[-1]
        for path, text in (
            (paths.error(*part), json.dumps({"message": message, "traceback": self._error})),
            (paths.output(*part), self._error),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        record_failure(self.task, part, tries, Outcome(exit_code=1, reason=message))
        return 0
