"""A production service on real servers, from one command: what dies comes again, and each job runs once."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jobs_app.pools.embedded.client import EmbeddedPool
from tests import servers
from tests.embedded import end_all, wait_for

pytestmark = [pytest.mark.redis, pytest.mark.postgres]

SETUP = """
import json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from jobs_app import health
from jobs_app.manager import JobManager
from jobs_app.models import Attempt, Job, Scheduler
"""
EXECUTE = """
where = Scheduler.objects.get_or_create(name=sys.argv[3], defaults={"kind": "embedded"})[0]
for number in range(int(sys.argv[1])):
    job = JobManager("examples.ising").create_job(
        sys.argv[3], None, job_type="CONDORJOB", executable="/bin/sh", scheduler=where,
        arguments=["-c", "sleep 0.2; echo $ROOST_SLICE >> ran"], num_jobs=2, retries=0,
        process_results_function=sys.argv[2] or None)
    job.execute()
"""
LOOK = """
found = [[job.pk, job.name, job._status, str(job.directory), job.status_message, job.attempts.count()]
         for job in Job.objects.order_by("pk")]
print(json.dumps(found))
"""
HEALTH = "print(json.dumps(health.of(Scheduler.objects.get(name=sys.argv[1]))))"
ENOUGH = 90.0  # seconds; a lease is 30


@dataclass
class Service:
    """All of it, and what it said."""

    environment: dict[str, str]
    redis: servers.Server
    postgres: servers.Server
    process: subprocess.Popen[bytes]
    log: Path
    port: int

    def run(self, code: str, *words: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-c", SETUP + code, *words],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    def kill(self, mark: str) -> None:
        """The service whose command holds the mark."""
        pid = wait_for(lambda: self._child(mark))
        os.kill(pid, signal.SIGKILL)

    def _child(self, mark: str) -> int:
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in task.read_text().split():
            if mark.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                return int(pid)
        return 0

    def over(self, name: str) -> Callable[[], list[Any]]:
        """The jobs of this name, once all of them are over."""

        def look() -> list[Any]:
            jobs = [job for job in self.run(LOOK) if job[1] == name]
            return jobs if jobs and all(job[2] in ("COM", "ERR", "ABT", "VCP") for job in jobs) else []

        return look


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    root = tmp_path_factory.mktemp("production")
    port = servers.free_port()
    with servers.redis_server() as redis, servers.postgres_server() as postgres:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("ROOST_")}
        environment = {
            **plain,
            "ROOST_HOME": str(root / "home"),
            "ROOST_REDIS_URL": redis.url,
            "ROOST_DATABASE_URL": postgres.url,
            "ROOST_APPS": "examples.ising",
            "ROOST_SLOTS": "4",
            "ROOST_LOG_LEVEL": "INFO",
            "ROOST_LOG_FORMAT": "json",
        }
        log = root / "log"
        command = [sys.executable, "manage.py", "supervise", "--migrate", "--bind", f"127.0.0.1:{port}"]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, "--web-workers", "1", "--couriers", "8"],
                env=environment,
                stdout=output,
                stderr=output,
            )
        yield Service(environment, redis, postgres, process, log, port)
        process.terminate()
        process.wait(60)
        end_all(root, EmbeddedPool(root / "home" / "pool"))


def check_each_ran_once(jobs: list[Any]) -> None:
    for number, _, status, directory, message, attempts in jobs:
        assert (status, attempts) == ("COM", 1), (number, status, message)
        assert sorted((Path(directory) / "ran").read_text().split()) == ["0", "1"]


def leave_a_note(job: Any) -> None:
    with (job.directory / "note").open("a") as file:
        file.write(f"{job.pk}\n")


def answers(service: Service) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{service.port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_pages_are_served_and_jobs_go_their_way(service: Service) -> None:
    assert wait_for(lambda: answers(service), ENOUGH)
    service.run(EXECUTE, "3", "tests.integration.test_production.leave_a_note", "first")
    jobs = wait_for(service.over("first"), ENOUGH)
    check_each_ran_once(jobs)
    for number, _, _, directory, *_ in jobs:
        assert (Path(directory) / "note").read_text() == f"{number}\n"


def test_a_new_scheduler_is_served_without_a_new_worker(service: Service) -> None:
    service.run(EXECUTE, "2", "", "another")
    check_each_ran_once(wait_for(service.over("another"), ENOUGH))


@pytest.mark.parametrize("mark", ["couriers@", "worker@", "beat"])
def test_a_service_that_is_killed_comes_again_and_each_job_runs_once(service: Service, mark: str) -> None:
    service.run(EXECUTE, "4", "", mark)
    service.kill(mark)
    check_each_ran_once(wait_for(service.over(mark), ENOUGH))


def test_jobs_go_on_when_redis_dies_and_has_lost_all_messages(service: Service) -> None:
    service.run(EXECUTE, "3", "", "redis before")
    service.redis.end(signal.SIGKILL)
    service.run(EXECUTE, "3", "", "redis gone")
    service.redis.start()
    check_each_ran_once(wait_for(service.over("redis before"), ENOUGH))
    check_each_ran_once(wait_for(service.over("redis gone"), ENOUGH))


def test_jobs_go_on_when_postgresql_is_restarted(service: Service) -> None:
    service.run(EXECUTE, "4", "", "postgres")
    service.postgres.end(signal.SIGQUIT)  # at once: all connections break
    service.postgres.start()
    check_each_ran_once(wait_for(service.over("postgres"), ENOUGH))
    assert wait_for(lambda: answers(service), ENOUGH)


def test_health_knows_the_courier_and_what_sending_took(service: Service) -> None:
    service.run(EXECUTE, "1", "", "last")
    wait_for(service.over("last"), ENOUGH)
    wait_for(lambda: service.run(HEALTH, "last")["view"]["lag"], ENOUGH)  # written now and then
    known = service.run(HEALTH, "last")
    assert known["submit"]["batches"] >= 1
    assert 0 < known["submit"]["p50"] <= known["submit"]["p99"]
    assert known["view"]["lag"]["p50"] < ENOUGH


def test_the_log_is_one_json_object_a_line_and_names_the_schedulers(service: Service) -> None:
    lines = [line for line in service.log.read_text().splitlines() if line.startswith("{")]
    told = [json.loads(line) for line in lines]
    assert {"time", "level", "logger", "message"} <= told[0].keys()
    assert any(re.search(r"courier_tick\[", each["message"]) for each in told)
