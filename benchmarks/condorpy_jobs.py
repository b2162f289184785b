"""Runs in the peers' environment: jobs sent with condorpy as Tethys does, each from an object of its own."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import paramiko
from condorpy import Job  # type: ignore[import-not-found]


def main(asked: str, into: str) -> None:
    known = json.loads(asked)
    rounds, folder = known.pop("rounds"), Path(known.pop("folder"))
    counted = _counting()
    seconds = []
    for number in range(rounds):
        names = _inputs(folder, number)
        start = time.perf_counter()
        job = Job(f"job{number}", remote_input_files=names, working_directory=str(folder))
        job.set_scheduler(**known)
        job.set("executable", "/bin/true")
        job.set("requirements", "False")
        job.set("transfer_executable", "false")
        if job.submit() <= 0:
            raise RuntimeError("condorpy submitted nothing.")
        seconds.append(time.perf_counter() - start)
    Path(into).write_text(json.dumps({"seconds": seconds, **counted}))


def _inputs(folder: Path, number: int) -> list[str]:
    names = [f"input-{number}-{name}" for name in "ab"]
    for name in names:
        (folder / name).write_text(f"{name} {number}\n" * 100)
    return names


def _counting() -> dict[str, int]:
    """How many channels are opened, and how many requests go over SFTP: each waits for its answer."""
    counted = {"channels": 0, "requests": 0}
    _count(paramiko.Transport, "open_session", counted, "channels")
    _count(paramiko.SFTPClient, "_request", counted, "requests")
    return counted


def _count(kind: type, name: str, counted: dict[str, int], what: str) -> None:
    method = getattr(kind, name)

    def counting(*args: Any, **kwargs: Any) -> Any:
        counted[what] += 1
        return method(*args, **kwargs)

    setattr(kind, name, counting)


if __name__ == "__main__":
    main(*sys.argv[1:])
