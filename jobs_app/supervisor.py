"""Runs services in the foreground and starts again what dies. For trying out; systemd does it for good."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from jobs_app.services import Service

SHORTEST, LONGEST = 1.0, 30.0  # seconds before what died is started again
LIVED = 60.0  # seconds after which a death is not counted with the one before
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG

Say = Callable[[str, str], None]  # a service's name, and its line


class Child:
    """One service, and its process while there is one."""

    def __init__(self, service: Service, folder: Path, say: Say) -> None:
        self.service = service
        self._folder = folder
        self._say = say
        self._pause = SHORTEST
        self._begun = self._again = 0.0
        self._process: subprocess.Popen[str] | None = None

    def keep(self) -> None:
        """To be called again and again: starts it when it is due."""
        if self._process is not None and self._process.poll() is not None:
            self._died(self._process.returncode)
        if self._process is None and time.monotonic() >= self._again:
            self._start()

    def _start(self) -> None:
        self._begun = time.monotonic()
        self._process = subprocess.Popen(
            self.service.argv,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches us alone, and we end all in peace
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - nothing else of this process is running then
        )
        threading.Thread(target=self._pass_on, args=(self._process,), daemon=True).start()

    def _pass_on(self, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            self._say(self.service.name, line.rstrip("\n"))

    def _died(self, code: int) -> None:
        now = time.monotonic()
        self._pause = SHORTEST if now - self._begun > LIVED else min(LONGEST, self._pause * 2)
        self._again = now + self._pause
        self._process = None
        self._say(self.service.name, f"ended with {code}; it is started again in {self._pause:g} s")

    def ask_to_end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def end(self, deadline: float) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def supervise(services: Sequence[Service], folder: Path, say: Say, patience: float = 40.0) -> None:
    """Until SIGTERM or SIGINT; then all are ended."""
    children = [Child(service, folder, say) for service in services]
    with _stopped_by_signals() as stop:
        while not stop.is_set():
            for child in children:
                child.keep()
            stop.wait(0.2)
        for child in children:
            child.ask_to_end()
        deadline = time.monotonic() + patience
        for child in children:
            child.end(deadline)


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    stop = threading.Event()
    former = {number: signal.signal(number, lambda *_: stop.set()) for number in _ENDING}
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    """A supervisor that is killed leaves nothing behind that nobody supervises."""
    _libc.prctl(_DIE_WITH_PARENT, signal.SIGTERM)
