"""The verbs of a shell. A transport only has to start a command; all else is built on that.

Commands are argument lists. The line that the other side's shell reads is composed in one place, `quoted`;
longer texts are scripts of ours, which get their values as arguments.
"""

from __future__ import annotations

import io
import math
import shlex
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib import resources
from typing import Any, BinaryIO, Protocol

from ..base import Garbled, PoolUnreachable, Refused

CHUNK = 1 << 18
SECONDS = 60.0
IN_ALL = 10
LARGEST_ANSWER = 512 << 20  # bytes
_NO_SUCH_FILE = 44

Input = bytes | Iterable[bytes]


@dataclass(frozen=True)
class Result:
    exit: int
    out: bytes = b""
    err: bytes = b""

    @property
    def text(self) -> str:
        return self.out.decode("utf-8", "replace")

    @property
    def complaint(self) -> str:
        """What it said of its failure, for people."""
        said = (self.err.strip() or self.out.strip()).decode("utf-8", "replace")
        return said[-2000:] or f"it ended with {self.exit} and said nothing"


class Running(Protocol):
    """A command that has been started. Every verb raises PoolUnreachable when the link breaks."""

    def send(self, data: bytes, seconds: float) -> bool:
        """False if the command does not read any more."""

    def end_input(self) -> None: ...

    def receive(self, seconds: float) -> bytes | None:
        """What it wrote next; b"" at the end; None if it wrote nothing for so long."""

    def errors(self) -> bytes:
        """What it has written to its error stream since the last call."""

    def wait(self, seconds: float) -> int:
        """Its exit code."""

    def close(self) -> None: ...


class Shell:
    """`timeout` is everywhere the longest silence that is borne, not the longest work; an answer that is held
    in memory may take IN_ALL times as long."""

    name = "shell"

    @property
    def answered(self) -> float:
        """When the other side last said anything (Unix seconds)."""
        return time.time()

    def start(self, argv: Sequence[str]) -> Running:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def place_for_follower(self) -> AbstractContextManager[bool]:
        """Whether one more follower may take a channel for long; the place is given back at the end."""
        return nullcontext(True)

    def run(self, argv: Sequence[str], stdin: Input = b"", timeout: float = SECONDS) -> Result:
        """Runs a command to its end. It must read its input before it writes more than some hundred KiB."""
        with self._started(argv) as running:
            _feed(running, stdin, timeout)
            chunks = _chunks(running, timeout, argv[0], time.monotonic() + IN_ALL * timeout)
            out = b"".join(_at_most(LARGEST_ANSWER, chunks, argv[0]))
            return Result(running.wait(timeout), out, running.errors())

    def script(self, text: str, *values: str, stdin: Input = b"", timeout: float = SECONDS) -> Result:
        return self.run(["sh", "-c", text, "roost", *values], stdin, timeout)

    @contextmanager
    def reading(
        self, argv: Sequence[str], timeout: float = SECONDS, stdin: Input = b""
    ) -> Iterator[BinaryIO]:
        """A command's output as a file, while it runs. Refused if the command fails in the end."""
        with self._started(argv) as running:
            _feed(running, stdin, timeout)
            reader = io.BufferedReader(_Reader(_chunks(running, timeout, argv[0])), CHUNK)
            yield reader
            while reader.read(CHUNK):
                pass
            if (code := running.wait(timeout)) != 0:
                raise Refused(f"{argv[0]}: {Result(code, b'', running.errors()).complaint}")

    def put(self, path: str, data: bytes) -> None:
        """The file appears complete or not at all, also when the link breaks half way."""
        done = self.script(_PUT, path, str(len(data)), stdin=data)
        if done.exit != 0:
            raise Refused(f"{path} could not be written: {done.complaint}")

    def put_tree(self, path: str, tar: Iterable[bytes]) -> None:
        """A folder from a tar stream that ends with a member ".complete"; a folder that is there stays."""
        done = self.script(_PUT_TREE, path, stdin=tar)
        if done.exit != 0:
            raise Refused(f"{path} could not be written: {done.complaint}")

    def get(self, path: str, offset: int = 0, limit: int | None = None) -> bytes:
        """FileNotFoundError if there is no such file."""
        done = self.script(_GET, path, str(offset + 1), "" if limit is None else str(limit))
        if done.exit == _NO_SUCH_FILE:
            raise FileNotFoundError(path)
        if done.exit != 0:
            raise Refused(f"{path} could not be read: {done.complaint}")
        return done.out

    def get_tree(self, path: str, *names: str) -> AbstractContextManager[BinaryIO]:
        """These names of a folder, as a tar stream."""
        return self.reading(["tar", "-C", path, "-cf", "-", "--", *names])

    @contextmanager
    def _started(self, argv: Sequence[str]) -> Iterator[Running]:
        running = self.start(argv)
        try:
            yield running
        finally:
            running.close()


class _Reader(io.RawIOBase):
    """Chunks as a raw file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        if not self._rest:
            self._rest = memoryview(next(self._chunks, b""))
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def quoted(argv: Sequence[str]) -> str:
    """One line for the other side's shell. This is the only place where such a line is made."""
    for word in argv:
        if "\0" in word:
            raise Refused(f"{word!r} contains a NUL character, which no command can be given.")
    return shlex.join(["env", "LC_ALL=C", *argv])


def script_text(package: str, name: str) -> str:
    return resources.files(package).joinpath("scripts", name).read_text()


def _feed(running: Running, stdin: Input, timeout: float) -> None:
    for chunk in _pieces(stdin) if isinstance(stdin, bytes) else stdin:
        if not running.send(chunk, timeout):
            return
    running.end_input()


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]


def _chunks(running: Running, timeout: float, name: str, end: float = math.inf) -> Iterator[bytes]:
    """`end`: when all of it has to be here; what comes drop by drop would never end."""
    while True:
        chunk = running.receive(min(timeout, max(0.0, end - time.monotonic())))
        if time.monotonic() > end:
            raise PoolUnreachable(f"{name}: the answer was not complete after {IN_ALL * timeout:g} s")
        if chunk is None:
            raise PoolUnreachable(f"{name}: no answer for {timeout:g} s")
        if not chunk:
            return
        yield chunk


def _at_most(size: int, chunks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """An answer is held in memory, whatever the other side makes of it."""
    for chunk in chunks:
        size -= len(chunk)
        if size < 0:
            raise Garbled(f"{name}: the answer is larger than {LARGEST_ANSWER} bytes")
        yield chunk


_PUT, _PUT_TREE, _GET = (script_text(__package__, name) for name in ("put.sh", "put_tree.sh", "get.sh"))
