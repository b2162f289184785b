"""A small run of what `make faults` does for long: faults of all kinds in a Roost at work, on a real pool."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.pool.rootfs import obstacle

pytestmark = [pytest.mark.pool, pytest.mark.redis, pytest.mark.postgres]
REPOSITORY = Path(__file__).parents[2]


def test_whatever_breaks_each_job_is_submitted_once_and_ends_as_it_should() -> None:
    if reason := obstacle():
        pytest.skip(reason)
    words = ["--injections", "15", "--seed", "4", "--jobs", "12", "--quick"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.soak", *words],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    for nothing in ("Submitted twice: 0.", "Lost: 0.", "Results lost or mixed: 0.", "False ends: 0."):
        assert nothing in done.stdout
