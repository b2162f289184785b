"""`make demo-pool`, on the pool that is there already."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pool.demo import MANAGE, NAME, run_on
from tests.pool.pool import TestPool

pytestmark = pytest.mark.pool

SMALL = ("size=32", "sweeps=400", "temperatures=8", "tolerance=0.1")


def test_the_demo_runs_on_a_real_pool_and_says_on_which_hosts(
    condor_pool: TestPool, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("ROOST_", "DJANGO_"))}
    home = {**mine, "ROOST_HOME": str(tmp_path / "home")}
    code = run_on(condor_pool, home, *SMALL)
    said = capfd.readouterr()
    assert code == 0, said.err
    assert "agrees with Onsager's exact solution" in said.out
    assert "LastRemoteHost" in said.out
    show = [sys.executable, str(MANAGE), "jobs", "show", "1", "--json"]
    job = json.loads(subprocess.run(show, env=home, check=True, capture_output=True, timeout=60).stdout)
    assert (job["scheduler"], job["state"]) == (NAME, "Complete")
