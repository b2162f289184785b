"""Production's background: Celery's workers on a real Redis. Messages may be lost; rows are the queue."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobs_app.pools.embedded.client import EmbeddedPool
from tests import servers
from tests.embedded import end_all, wait_for

pytestmark = pytest.mark.redis

CREATE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from jobs_app.manager import JobManager
from jobs_app.models import Job
job = JobManager("examples.ising").create_job(
    "celery", None, job_type="CONDORJOB", executable="/bin/sh", arguments=["-c", sys.argv[1]],
    process_results_function=sys.argv[2] or None)
job.execute()
print(job.directory, job.pk)
"""

STATUS = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from jobs_app.models import Job
print(Job.objects.get(pk=int(sys.argv[1])).status)
"""

Roost = Callable[..., str]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A Roost of its own, with its Redis."""
    home = tmp_path / "home"
    with servers.redis() as url:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("ROOST_")}
        yield {**plain, "ROOST_HOME": str(home), "ROOST_REDIS_URL": url, "ROOST_APPS": "examples.ising"}
        end_all(tmp_path, EmbeddedPool(home / "pool"))


@pytest.fixture
def roost(environment: dict[str, str]) -> Roost:
    def run(code: str, *arguments: str) -> str:
        command = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(migrate, env=environment, check=True)
    return run


@contextmanager
def worker(environment: dict[str, str], log: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "celery", "-A", "config", *options, "--loglevel", "INFO"]
    with log.open("ab") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.kill()
        process.wait(60)


def all_queues(environment: dict[str, str], log: Path) -> contextmanager[subprocess.Popen[bytes]]:
    threads = ("worker", "--pool", "threads", "--concurrency", "4", "--queues", "couriers,celery")
    return worker(environment, log, *threads, "--without-gossip", "--without-mingle")  # type: ignore[return-value]


def beat(environment: dict[str, str], folder: Path) -> contextmanager[subprocess.Popen[bytes]]:
    schedule = ("--schedule", str(folder / "beat"), "--pidfile", "")
    return worker(environment, folder / "beat.log", "beat", *schedule)  # type: ignore[return-value]


def is_over(roost: Roost, job: str) -> Callable[[], str]:
    def over() -> str:
        status = roost(STATUS, job)
        return status if status in ("Complete", "Error", "Aborted") else ""

    return over


def create(roost: Roost, script: str, function: str = "") -> tuple[Path, str]:
    directory, _, job = roost(CREATE, script, function).rpartition(" ")
    return Path(directory), job


def test_a_job_goes_its_way_by_messages_alone(
    roost: Roost, environment: dict[str, str], tmp_path: Path
) -> None:
    with all_queues(environment, tmp_path / "worker.log"):
        directory, job = create(roost, "echo done > done", "tests.integration.test_celery.leave_a_note")
        assert wait_for(is_over(roost, job), 60) == "Complete"
    assert (directory / "done").exists()
    log = (tmp_path / "worker.log").read_text()
    assert "jobs_app.tasks.courier_tick" in log
    assert "jobs_app.tasks.finish_attempt" in log
    assert (directory / "note").read_text() == f"job {job}"


def leave_a_note(job: object) -> None:
    from jobs_app.models import Job

    assert isinstance(job, Job)
    (job.directory / "note").write_text(f"job {job.pk}")


def test_what_was_executed_while_the_broker_was_away_is_found_by_beat(
    roost: Roost, environment: dict[str, str], tmp_path: Path
) -> None:
    url = environment["ROOST_REDIS_URL"]
    environment["ROOST_REDIS_URL"] = "redis://127.0.0.1:1/0"
    _, job = create(roost, "true")
    assert roost(STATUS, job) == "Submitted"
    environment["ROOST_REDIS_URL"] = url
    with all_queues(environment, tmp_path / "worker.log"), beat(environment, tmp_path):
        assert wait_for(is_over(roost, job), 60) == "Complete"


def test_a_worker_killed_while_the_job_runs_is_replaced_by_another(
    roost: Roost, environment: dict[str, str], tmp_path: Path
) -> None:
    with all_queues(environment, tmp_path / "first.log") as first:
        directory, job = create(roost, "touch running; while [ ! -e go ]; do sleep 0.05; done; echo x >> ran")
        wait_for((directory / "running").exists)
        first.send_signal(signal.SIGKILL)
        first.wait(60)
    (directory / "go").touch()
    with all_queues(environment, tmp_path / "second.log"), beat(environment, tmp_path):
        assert wait_for(is_over(roost, job), 60) == "Complete"
    assert (directory / "ran").read_text() == "x\n"
