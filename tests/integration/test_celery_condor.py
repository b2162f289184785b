"""Celery's workers and a real pool over SSH: the couriers' worker alone logs in, and may die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests import servers
from tests.embedded import wait_for
from tests.pool.pool import TestPool

from .test_celery import beat, worker

pytestmark = [pytest.mark.redis, pytest.mark.pool]

SETUP = """
import json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from jobs_app.manager import JobManager
from jobs_app.models import Job, RemoteCopy, Scheduler
from jobs_app.sdk.compute import create_scheduler
"""
ADD = """
host, user, key, host_key = sys.argv[1:]
create_scheduler("real", host, user, private_key_path=key, host_key=host_key).save()
"""
EXECUTE = """
for number in range(int(sys.argv[1])):
    JobManager("examples.ising").create_job(
        sys.argv[2], None, job_type="CONDORJOB", executable="/bin/sh", scheduler="real",
        arguments=["-c", sys.argv[3]],
        process_results_function="tests.integration.test_production.leave_a_note",
    ).execute()
"""
LOOK = """
print(json.dumps([[job.pk, job._status, job.status_message, str(job.directory)]
                  for job in Job.objects.filter(name=sys.argv[1]).order_by("pk")]))
"""
LOGINS = 'print(json.dumps(Scheduler.objects.get(name="real").logins_today))'
SECONDS = 120.0


class Roost:
    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def run(self, code: str, *words: str) -> Any:
        command = [sys.executable, "-c", SETUP + code, *words]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    def over(self, name: str) -> list[Any]:
        """The jobs of this name, when all are over."""

        def look() -> list[Any]:
            jobs = self.run(LOOK, name)
            return jobs if all(status in ("COM", "ERR", "ABT", "VCP") for _, status, *_ in jobs) else []

        found: list[Any] = wait_for(look, SECONDS)
        return found


@pytest.fixture
def roost(tmp_path: Path, condor_pool: TestPool) -> Iterator[Roost]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ROOST_")}
    with servers.redis() as url:
        environment = {
            **plain,
            "ROOST_HOME": str(tmp_path / "home"),
            "ROOST_REDIS_URL": url,
            "ROOST_APPS": "examples.ising",
        }
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, env=environment, check=True)
        roost = Roost(environment)
        roost.run(ADD, condor_pool.host, condor_pool.user, str(condor_pool.key), condor_pool.host_key)
        yield roost


def threads(count: int, *queues: str) -> tuple[str, ...]:
    how = ("worker", "--pool", "threads", "--concurrency", str(count), "--without-gossip", "--without-mingle")
    return (*how, *queues)


COURIERS = threads(8, "--queues", "couriers", "--hostname", "couriers@%h")


def check(jobs: list[Any], lines: str) -> None:
    for number, status, message, directory in jobs:
        assert status == "COM", message
        assert (Path(directory) / "out").read_text() == lines
        assert (Path(directory) / "note").read_text() == f"{number}\n"


def test_the_couriers_worker_alone_logs_in_and_another_one_takes_over(
    roost: Roost, condor_pool: TestPool, tmp_path: Path
) -> None:
    before = condor_pool.logins()
    with ExitStack() as stack:
        log = tmp_path / "worker.log"
        stack.enter_context(worker(roost.environment, log, *threads(4, "--hostname", "worker@%h")))
        stack.enter_context(beat(roost.environment, tmp_path))
        with worker(roost.environment, tmp_path / "first.log", *COURIERS) as first:
            roost.run(EXECUTE, "6", "quick", "echo x > out")
            check(roost.over("quick"), "x\n")
            assert condor_pool.logins() == before + 1
            roost.run(EXECUTE, "2", "slow", "echo x >> out; sleep 6")
            wait_for(lambda: "RUN" in [status for _, status, *_ in roost.run(LOOK, "slow")], SECONDS)
            first.send_signal(signal.SIGKILL)
            first.wait(60)
        stack.enter_context(worker(roost.environment, tmp_path / "second.log", *COURIERS))
        check(roost.over("slow"), "x\n")
    assert condor_pool.logins() <= before + 2
    assert roost.run(LOGINS) == condor_pool.logins() - before
