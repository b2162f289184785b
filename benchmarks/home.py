"""A Roost of its own for a measurement: a fresh home, and processes that measure inside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from jobs_app.pools.embedded.client import EmbeddedPool

ROOT = Path(__file__).resolve().parents[1]


class Home:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ROOST_")}
        self.environment = {**kept, "ROOST_HOME": str(folder), "ROOST_APPS": "benchmarks.work"}

    def __enter__(self) -> Home:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.manage("migrate", "--verbosity", "0")
        return self

    def __exit__(self, *_: object) -> None:
        EmbeddedPool(self.folder / "pool").stop()

    def manage(self, *arguments: str) -> None:
        subprocess.run(self.command(*arguments), cwd=ROOT, env=self.environment, check=True)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "manage.py", *arguments]

    def call(self, function: str, **arguments: Any) -> Any:
        """What `benchmarks.inside.<function>` answers in a new process of this home: a plain script."""
        into = self.folder / "answer.json"
        run = [sys.executable, "-m", "benchmarks.inside", function, json.dumps(arguments), str(into)]
        subprocess.run(run, cwd=ROOT, env=self.environment, check=True)
        return json.loads(into.read_text())
