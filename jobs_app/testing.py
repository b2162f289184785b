"""For the tests of apps: jobs run at once, in forks of the test's process, with nothing to set up.

    pytest_plugins = ["jobs_app.testing"]

    def test_it(run_job):
        job = run_job("hello", name="Ada")
        assert job.load() == "Hello, Ada!"

With Django's own test runner: `class TestHello(JobTestMixin, TestCase)`, and `self.run_job(...)`.

PYTEST_DONT_REWRITE: a test may import from here what pytest has loaded already.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from jobs_app.lifecycle import link
from jobs_app.models import Scheduler
from jobs_app.pools.immediate import ImmediatePool
from jobs_app.script import Job

RunJob = Callable[..., Job]


@contextmanager
def immediate_pool(home: Path) -> Iterator[ImmediatePool]:
    """Inside, every job of the embedded scheduler runs at once, and all that Roost keeps lies in `home`."""
    pool = ImmediatePool()
    former = dict(link.OPENERS)
    link.OPENERS[Scheduler.EMBEDDED] = lambda _: pool
    try:
        with override_settings(ROOST_HOME=home, ROOST_SCHEDULER="embedded", ROOST_BACKGROUND="threads"):
            yield pool
    finally:
        link.OPENERS.clear()
        link.OPENERS.update(former)
        pool.stop()


def run_job(method: str, options: Mapping[str, Any] | None = None, app: Any = None, **more: Any) -> Job:
    """The finished job of this method. Its options may be keywords too; `slices`, `user` and the like are
    said of the job. JobFailed, with the reason, if it ends badly."""
    from jobs_app import methods
    from jobs_app.manager import JobManager

    found = methods.find(method, app or "")
    job: Job = JobManager(found.app.label).build(found.name, options=options, **more)
    return job


# --- pytest -------------------------------------------------------------------------------------------------


@pytest.fixture
def roost_pool(tmp_path: Path, db: None) -> Iterator[ImmediatePool]:  # noqa: ARG001 - jobs are rows
    with immediate_pool(tmp_path / "roost") as pool:
        yield pool


@pytest.fixture(name="run_job")
def run_job_fixture(roost_pool: ImmediatePool) -> RunJob:  # noqa: ARG001
    return run_job


# --- unittest -----------------------------------------------------------------------------------------------


class JobTestMixin:
    """Before TestCase in the list of bases."""

    run_job = staticmethod(run_job)

    def setUp(self) -> None:
        super().setUp()  # type: ignore[misc]
        folder = tempfile.TemporaryDirectory(prefix="roost-test-")
        self.addCleanup(folder.cleanup)  # type: ignore[attr-defined]
        self.roost_pool = self.enterContext(immediate_pool(Path(folder.name)))  # type: ignore[attr-defined]


__all__ = ["ImmediatePool", "JobTestMixin", "RunJob", "immediate_pool", "run_job"]
