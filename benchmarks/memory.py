"""The memory of `make serve` at rest, with a million jobs in its database."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks import million
from benchmarks.home import ROOT, Home
from benchmarks.measure import Bench, Row

ANSWERS_WITHIN = 60.0  # seconds
RESTS_AFTER = 5.0


def measure(bench: Bench) -> Iterator[Row]:
    with million.home(bench.say) as ours, _serve(ours) as (process, address):
        _visit(address)
        time.sleep(RESTS_AFTER)
        yield Row(
            "memory of `make serve` at rest, 1 000 000 jobs", _megabytes(process.pid), "MB", "< 150 MB", 150
        )


@contextlib.contextmanager
def _serve(ours: Home) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = _free_port()
    command = ours.command("serve", "--port", str(port))
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=ROOT, env=ours.environment, stdout=quiet, start_new_session=True)
    try:
        yield process, f"http://127.0.0.1:{port}/"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _visit(address: str) -> None:
    """Waits for the first answer, whatever its status, and asks for some more, so that all code is loaded."""
    deadline = time.monotonic() + ANSWERS_WITHIN
    answers = 0
    while answers < 5:
        try:
            urllib.request.urlopen(address, timeout=10).close()
            answers += 1
        except urllib.error.HTTPError:
            answers += 1
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _megabytes(root: int) -> float:
    """What the process and its children hold together; pages they share are counted once."""
    return sum(_proportional_set(pid) for pid in _family(root)) / 1024


def _family(root: int) -> list[int]:
    children = Path(f"/proc/{root}/task/{root}/children").read_text().split()
    return [root, *(pid for child in children for pid in _family(int(child)))]


def _proportional_set(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
