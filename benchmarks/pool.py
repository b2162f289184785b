"""The real HTCondor pool of the tests, for figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.measure import Skipped
from tests.pool.pool import TestPool, running_pool
from tests.pool.rootfs import CannotRun, obstacle


@contextmanager
def shared_pool() -> Iterator[Callable[[], TestPool]]:
    """One pool for all figures of a run, started by the first that asks; Skipped where none can run."""
    with ExitStack() as stack:
        started: list[TestPool] = []

        def pool() -> TestPool:
            if not started:
                started.append(_start(stack))
            return started[0]

        yield pool


def _start(stack: ExitStack) -> TestPool:
    if reason := obstacle():
        raise Skipped(reason)
    try:
        return stack.enter_context(running_pool())
    except CannotRun as error:
        raise Skipped(str(error)) from error
