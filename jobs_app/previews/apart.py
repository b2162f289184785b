"""Asks a reader in a process of its own, with limits on memory and time: whatever a file does to it
stays there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from .values import Part, Structure, Table, Unreadable

SECONDS = 15
MEMORY = 2 << 30
LARGEST_ANSWER = 4 << 20
HOME = Path(__file__).resolve().parents[2]


def read(kind: str, path: Path) -> Structure:
    """`kind`: "parquet" or "hdf5"."""
    command = [sys.executable, "-m", "jobs_app.previews.reader", kind, os.fspath(path)]
    surroundings = {
        "PATH": os.defpath,
        "PYTHONPATH": os.fspath(HOME),
        "HDF5_PLUGIN_PRELOAD": "::",  # no filters but its own
        "OMP_NUM_THREADS": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
    }
    try:
        done = subprocess.run(command, env=surroundings, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise Unreadable(f"Looking into it took more than {SECONDS} seconds. Download it.") from None
    return _structure(_answer(done))


def _answer(done: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    if done.returncode or len(done.stdout) > LARGEST_ANSWER:
        raise Unreadable("It is damaged, or needs more memory than a preview may have. Download it.")
    answer: dict[str, Any] = json.loads(done.stdout)
    if trouble := answer.get("trouble"):
        raise Unreadable(trouble)
    return answer


def _structure(answer: dict[str, Any]) -> Structure:
    parts = [
        Part(part["name"], part["about"], Table(**part["table"]) if part["table"] else None)
        for part in answer["parts"]
    ]
    return Structure(answer["about"], parts, answer["cut"])
