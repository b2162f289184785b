"""Asks a reader in a process of its own, with limits on memory and time: whatever a file does to it
stays there. A few at once, so that many who ask do not take all the memory together."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .values import Part, Structure, Table, Unreadable

SECONDS = 15
MEMORY = 2 << 30
LARGEST_ANSWER = 4 << 20
LARGEST_ROWS = 64 << 20
HOME = Path(__file__).resolve().parents[2]
_AT_ONCE = threading.BoundedSemaphore(2)

_SURROUNDINGS = {
    "PATH": os.defpath,
    "PYTHONPATH": os.fspath(HOME),
    "HDF5_PLUGIN_PRELOAD": "::",  # no filters but its own
    "OMP_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}


class Busy(Unreadable):
    """Others are looked into. Later it may go."""


def read(kind: str, path: Path) -> Structure:
    """`kind`: "parquet" or "hdf5"."""
    code, said = _run("reader", [kind, os.fspath(path)], b"", LARGEST_ANSWER)
    if code or len(said) > LARGEST_ANSWER:
        raise Unreadable("It is damaged, or needs more memory than a preview may have. Download it.")
    answer: dict[str, Any] = json.loads(said)
    if trouble := answer.get("trouble"):
        raise Unreadable(trouble)
    return _structure(answer)


def rows(form: str, paths: Sequence[Path], first: int, limit: int, *, plain: bool = False) -> bytes:
    """Rows of a table in several Parquet files, as "json", "csv" or "arrow"."""
    names = json.dumps([os.fspath(path) for path in paths]).encode()
    words = [form, str(first), str(limit), "plain" if plain else ""]
    code, said = _run("rows", words, names, LARGEST_ROWS)
    if len(said) > LARGEST_ROWS:
        raise Unreadable(f"these rows are more than {LARGEST_ROWS >> 20} MiB. Ask for fewer at once.")
    if code or not said:
        raise Unreadable("it is damaged, or needs more memory than this may take. Ask for fewer rows.")
    if said[:1] == b"-":
        raise Unreadable(said[1:].decode("utf-8", "replace"))
    return said[1:]


def _run(module: str, words: Sequence[str], given: bytes, most: int) -> tuple[int, bytes]:
    """How it ended, and what it said: a byte more than `most` where it said more."""
    command = [sys.executable, "-m", f"jobs_app.previews.{module}", *words]
    pipe = subprocess.PIPE
    with (
        _a_place(),
        subprocess.Popen(
            command, env=_SURROUNDINGS, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
        ) as done,
        _killed_after(done, SECONDS) as late,
    ):
        assert done.stdin is not None  # noqa: S101 - both are pipes
        assert done.stdout is not None  # noqa: S101
        _tell(done.stdin, given)
        said = done.stdout.read(most + 1)
        if len(said) > most:
            done.kill()
        code = done.wait()
    if late.is_set():
        raise Unreadable(f"Looking into it took more than {SECONDS} seconds. Download it.")
    return code, said


def _tell(stdin: Any, given: bytes) -> None:
    try:
        stdin.write(given)
        stdin.close()
    except BrokenPipeError:  # it has ended; how, is seen from its code
        return


@contextmanager
def _a_place() -> Iterator[None]:
    if not _AT_ONCE.acquire(timeout=SECONDS):
        raise Busy("Too many files are looked into at the moment. Try again, or download it.")
    try:
        yield
    finally:
        _AT_ONCE.release()


@contextmanager
def _killed_after(process: subprocess.Popen[bytes], seconds: float) -> Iterator[threading.Event]:
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(seconds, end)
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def limit_this_process() -> None:
    """In the reader, once its libraries are loaded."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _structure(answer: dict[str, Any]) -> Structure:
    parts = [
        Part(part["name"], part["about"], Table(**part["table"]) if part["table"] else None)
        for part in answer["parts"]
    ]
    return Structure(answer["about"], parts, answer["cut"])
