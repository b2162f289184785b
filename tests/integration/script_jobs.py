"""A job directory with a script in it, run by the runner's own command in a process of its own."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobs_app.jobdir import facts, files
from jobs_app.jobdir.create import create
from jobs_app.jobdir.facts import Fact
from jobs_app.jobdir.layout import JobPaths
from jobs_app.script import Job
from jobs_app.script.job import learn
from jobs_app.script.options import Declared, encode_with_paths
from jobs_app.script.runner import load

ROOT = Path(__file__).parents[2]
COMMAND = "import sys; from jobs_app.script.command import main; sys.exit(main())"
DONE, FAILED = 2, 3

_numbers = itertools.count(1)


class ScriptJob:
    def __init__(
        self,
        workspace: Path,
        source: str,
        *,
        beside: Mapping[str, str] | None = None,
        slices: int = 2,
        **given: Any,
    ) -> None:
        self.id = f"test-{next(_numbers)}"
        self.paths = JobPaths(create(_folder(workspace), {"job": self.id}).path)
        self.attempt = self.paths.attempt(1)
        self.attempt.root.mkdir(parents=True)
        self.paths.source.mkdir()
        for name, text in {"a_test.py": source, **(beside or {})}.items():
            (self.paths.source / name).write_text(textwrap.dedent(text))
        self.write_spec(slices=slices, **given)
        learn(self.id, self.paths.root)

    def write_spec(self, arguments: Mapping[str, Any] | None = None, **given: Any) -> None:
        checked = self._declared().check(arguments or {})
        spec = {
            "version": 1,
            "attempt": "0" * 32,
            "number": 1,
            "job": self.id,
            "method": "test",
            "package": "",
            "script": ".roost/source/a_test.py",
            "options": encode_with_paths(checked.options),
            "datasets": checked.datasets,
            "jobs": {name: _located(value) for name, value in checked.jobs.items()},
            "present": [path.name for path in self.paths.root.iterdir()],
            "seed": 5,
            **given,
        }
        files.write_json(self.attempt.spec, spec)
        files.write_json(self.paths.setup, {**spec, "jobid": self.id, "versions": {}})

    def _declared(self) -> Declared:
        try:
            return load(self.paths.source / "a_test.py").declared
        except ValueError:
            return Declared()

    def run(self, slots: int = 2) -> ScriptJob:
        self.command("run-all", str(self.attempt.spec), "--slots", str(slots))
        return self

    def command(self, *words: str, code: int = 0) -> str:
        ran = subprocess.run(
            [sys.executable, "-c", COMMAND, *words],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd="/",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == code, ran.stderr
        return ran.stderr

    @property
    def job(self) -> Job:
        return Job(self.id)

    @property
    def succeeded(self) -> bool:
        return self.paths.post.exists()

    def fact(self, step: str, sliceno: int = 0) -> Fact | None:
        return facts.read(self.attempt.facts, step, sliceno)

    def error(self, step: str, sliceno: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.attempt.error(step, sliceno).read_text())
        return found


def _located(value: Any) -> Any:
    if isinstance(value, list):
        return [_located(job) for job in value]
    return {"id": str(value), "path": value.path} if value else None


def until(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _folder(path: Path) -> Path:
    path.mkdir(exist_ok=True)
    return path
