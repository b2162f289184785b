"""The same tests on PostgreSQL: whatever holds on SQLite holds there, many at once included."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with servers.postgres() as url:
        yield url


@pytest.mark.parametrize(
    "tests",
    ["tests/unit/lifecycle", "tests/unit/models", "tests/integration/test_concurrency.py"],
)
def test_the_same_tests_pass_on_postgresql(database: str, tests: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", tests, "-p", "no:cacheprovider"],
        env={**os.environ, "ROOST_DATABASE_URL": database, "ROOST_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout or "[100%]" in done.stdout
