"""`condor_pool`: one real pool for a whole run of tests. Each conftest whose tests use it imports it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .pool import TestPool, running_pool
from .rootfs import CannotRun, obstacle


@pytest.fixture(scope="session")
def condor_pool() -> Iterator[TestPool]:
    reason = obstacle()
    if reason:
        pytest.skip(reason)
    try:
        with running_pool() as pool:
            yield pool
    except CannotRun as error:
        pytest.skip(str(error))
