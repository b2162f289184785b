"""A shell on this machine: for a schedd that runs here."""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Sequence
from typing import IO, cast

from ..base import PoolUnreachable, Refused
from .base import CHUNK, Running, Shell

_GRACE = 5.0


class LocalShell(Shell):
    name = "this machine"

    def start(self, argv: Sequence[str]) -> Running:
        pipe = subprocess.PIPE
        environment = {**os.environ, "LC_ALL": "C"}
        # HTCondor's Python package says so when it is imported, and means this process only.
        if environment.get("CONDOR_CONFIG") == os.devnull:
            del environment["CONDOR_CONFIG"]
        try:
            process = subprocess.Popen(
                list(argv), stdin=pipe, stdout=pipe, stderr=pipe, env=environment, start_new_session=True
            )
        except (OSError, ValueError) as error:
            raise Refused(f"{argv[0]} cannot be started on this machine: {error}") from error
        return _LocalRunning(process)

    def close(self) -> None:
        """Nothing is kept open."""


class _LocalRunning:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        pipes = (process.stdin, process.stdout, process.stderr)
        self._stdin, self._stdout, self._stderr = (cast(IO[bytes], pipe) for pipe in pipes)
        for stream in (self._stdin, self._stdout, self._stderr):
            os.set_blocking(stream.fileno(), False)

    def send(self, data: bytes, seconds: float) -> bool:
        rest = memoryview(data)
        while rest:
            if not _ready(self._stdin.fileno(), select.POLLOUT, seconds):
                raise PoolUnreachable(f"a command has read nothing for {seconds:g} s")
            try:
                rest = rest[os.write(self._stdin.fileno(), rest) :]
            except BrokenPipeError:
                return False
        return True

    def end_input(self) -> None:
        self._stdin.close()

    def receive(self, seconds: float) -> bytes | None:
        if not _ready(self._stdout.fileno(), select.POLLIN, seconds):
            return None
        return os.read(self._stdout.fileno(), CHUNK)

    def errors(self) -> bytes:
        found = b""
        while _ready(self._stderr.fileno(), select.POLLIN, 0):
            piece = os.read(self._stderr.fileno(), CHUNK)
            if not piece:
                break
            found += piece
        return found

    def wait(self, seconds: float) -> int:
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise PoolUnreachable(f"a command has not ended within {seconds:g} s") from None
        return code if code >= 0 else 128 - code

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for stream in (self._stdin, self._stdout, self._stderr):
            stream.close()


def _ready(descriptor: int, event: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, event)
    return bool(poll.poll(max(0.0, seconds) * 1000))
