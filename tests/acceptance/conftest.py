"""Whole flows, each in a fresh machine, through the commands as a person types them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from jobs_app.pools.embedded.client import EmbeddedPool

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 60.0


@dataclass
class Machine:
    """A machine that has never seen Roost: nothing is configured, nothing is there."""

    path: Path
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        mine = {
            name: value for name, value in os.environ.items() if not name.startswith(("ROOST_", "DJANGO_"))
        }
        return {**mine, "ROOST_HOME": str(self.path), "PYTHONWARNINGS": "default", **self.extra}

    def start(self, *words: str, **how: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *words],
            cwd=how.pop("cwd", ROOT),
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **how,
        )

    def python(self, *words: str, **how: Any) -> subprocess.CompletedProcess[str]:
        process = self.start(*words, **how)
        out, err = process.communicate(timeout=DEADLINE)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.python("manage.py", *words)

    def json(self, *words: str) -> Any:
        done = self.manage(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path / "roost")
    assert machine.manage("migrate", "--verbosity", "0").returncode == 0
    yield machine
    EmbeddedPool(machine.path / "pool").stop()


@pytest.fixture
def port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def until(condition: Callable[[], Any], seconds: float = DEADLINE) -> Any:
    """The first true value of the condition."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)
    return value


def interrupt(process: subprocess.Popen[str]) -> tuple[str, str]:
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=DEADLINE)
