"""The same tests on PostgreSQL: whatever holds on SQLite holds there, many at once included."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs_app.pools.embedded.client import EmbeddedPool
from tests import servers
from tests.embedded import end_all

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with servers.postgres() as url:
        yield url


@pytest.mark.parametrize(
    "tests",
    [
        *("tests/unit/lifecycle", "tests/unit/models", "tests/integration/test_concurrency.py"),
        "tests/unit/test_listing.py tests/unit/test_permissions.py tests/unit/test_tokens.py",
        "tests/unit/web --ignore tests/unit/web/api/test_fuzz.py --ignore tests/unit/web/test_every_route.py",
    ],
)
def test_the_same_tests_pass_on_postgresql(database: str, tests: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *tests.split(), "-p", "no:cacheprovider"],
        env={**os.environ, "ROOST_DATABASE_URL": database, "ROOST_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout or "[100%]" in done.stdout


SERVES = """
import os, sys, threading, time
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from django.core.management import call_command
from django.db import connection
from jobs_app import background
from jobs_app.manager import JobManager
from jobs_app.models import Scheduler

call_command("migrate", verbosity=0)
stop = threading.Event()
threads = background.start_threads(stop)
manager = JobManager("examples.ising")


def is_complete(name):
    job = manager.create_job(name, None, job_type="CONDORJOB", executable="/bin/true")
    job.execute()
    deadline = time.monotonic() + 60
    while not job.is_final and time.monotonic() < deadline:
        time.sleep(0.05)
        job.refresh_status()
    return job.status == "Complete"


assert is_complete("before")
with connection.cursor() as cursor:
    cursor.execute("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = "
                   "current_database() AND pid <> pg_backend_pid()")
    assert cursor.fetchone()[0] >= 1
assert is_complete("after")
stop.set()
for thread in threads:
    thread.join(60)
print("both are complete")
"""


def test_the_background_goes_on_after_every_connection_was_cut(database: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, "-c", SERVES],
        env={**os.environ, "ROOST_DATABASE_URL": database, "ROOST_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    end_all(tmp_path, EmbeddedPool(home / "pool"))
    assert done.stdout.endswith("both are complete\n"), done.stderr[-4000:]
