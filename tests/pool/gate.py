from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from .pool import EXECUTE, TestPool


class Gate:
    """A file on the execute hosts for which slices wait."""

    def __init__(self, pool: TestPool) -> None:
        self.pool, self.path = pool, f"/tmp/go-{secrets.token_hex(8)}"

    @property
    def wait(self) -> str:
        """What a shell says that waits for it."""
        return f"while [ ! -e {self.path} ]; do sleep 0.2; done"

    def open(self) -> None:
        for name in EXECUTE:
            self.pool.run("touch", self.path, name=name)


@pytest.fixture
def gate(condor_pool: TestPool) -> Iterator[Gate]:
    """Whatever becomes of the test, nothing waits there for longer."""
    gate = Gate(condor_pool)
    yield gate
    gate.open()
