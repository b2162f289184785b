"""An access point: its shell, where things lie on it, what it said of itself when it was first asked."""

from __future__ import annotations

import threading
import time

from ..base import PoolUnreachable
from ..shell import Result, Shell
from ..shell.base import Input, script_text
from . import answers
from .names import Names

# condor_submit of a million slices and condor_history of years are silent for long.
SECONDS = 300.0
CLOCKS_DIFFER, CENTURY = 30.0, 3.2e9  # seconds


class AccessPoint:
    def __init__(self, shell: Shell, root: str) -> None:
        self.shell = shell
        self.root = root
        self._lock = threading.Lock()
        self._said: answers.Hello | None = None
        self._ahead = 0.0

    @property
    def hello(self) -> answers.Hello:
        with self._lock:
            if self._said is None:
                self._said = answers.hello(self.ask("hello.sh", self.root).text)
                ahead = self._said.clock - time.time()
                self._ahead = ahead if CLOCKS_DIFFER < abs(ahead) < CENTURY else 0.0
            return self._said

    @property
    def ahead(self) -> float:
        """How far its clock is ahead of ours (seconds), if it is wrong by more than an answer takes."""
        _ = self.hello
        return self._ahead

    @property
    def names(self) -> Names:
        return Names(self.hello.root)

    def run(self, script: str, *values: str, stdin: Input = b"") -> Result:
        """A script of ours, to its end, whatever that is."""
        return self.shell.script(script_text(__package__, script), *values, stdin=stdin, timeout=SECONDS)

    def ask(self, script: str, *values: str, stdin: Input = b"") -> Result:
        """A script that ends well unless something is wrong with the access point."""
        done = self.run(script, *values, stdin=stdin)
        if done.exit != 0:
            raise self.trouble(script.removesuffix(".sh"), done)
        return done

    def command(self, *argv: str) -> Result:
        """One of HTCondor's commands."""
        return self.shell.run(argv, timeout=SECONDS)

    def trouble(self, what: str, done: Result) -> PoolUnreachable:
        return PoolUnreachable(f"{self.shell.name}: {what}: {done.complaint}")
