"""What runs: a real pool, PostgreSQL, Redis, two workers that are started again whenever they die, beat."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.pool.pool import TestPool, running_pool
from tests.pool.relay import Relay

from . import server
from .disks import small_disk
from .server import Server

REPOSITORY = Path(__file__).parents[3]
NAME = "soak"
HERE_MB, THERE_MB = 600, 600

APP = """
from jobs_app.sdk.base import AppBase
class Soak(AppBase):
    name = "Soak"
"""

# Each slice says whose it is, so that a result in the wrong place is seen.
SCRIPT = """
import time
options = {"word": "", "seconds": 0.0}
def prepare():
    return options.word
def analysis(sliceno, prepare_res):
    time.sleep(options.seconds)
    return f"{prepare_res} {sliceno}"
def synthesis(analysis_res, job):
    said = list(analysis_res)
    job.json_save(said, "answers.json")
    return said
"""


class World:
    def __init__(self, root: Path, pool: TestPool, here: Path, there: Path) -> None:
        self.root, self.pool, self.here, self.there = root, pool, here, there
        self.home = root / "home"
        self.relay: Relay = pool.slow(5)
        self.database, database_url = server.postgres(root / "postgres")
        self.broker, broker_url = server.redis(root / "redis")
        plain = {name: value for name, value in os.environ.items() if not name.startswith("ROOST_")}
        self.environment = {
            **plain,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "ROOST_HOME": str(self.home),
            "ROOST_APPS": "soakapp",
            "ROOST_DATABASE_URL": database_url,
            "ROOST_REDIS_URL": broker_url,
            "ROOST_SCHEDULER": NAME,
            "PYTHONPATH": f"{REPOSITORY}:{root}",
        }
        celery = [sys.executable, "-m", "celery", "-A", "config"]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
        self.workers = [
            Worker([*celery, "worker", "--pool", "threads", "--concurrency", "8", "--queues",
                    "couriers,celery", "-n", f"worker{number}@soak", *quiet],
                   root / f"worker{number}.log", self.environment)
            for number in (1, 2)
        ]  # fmt: skip
        schedule = ["--schedule", str(root / "beat.db"), "--pidfile", ""]
        self.beat = Worker([*celery, "beat", *schedule], root / "beat.log", self.environment)

    def start(self) -> None:
        app = self.root / "soakapp"
        (app / "job_scripts").mkdir(parents=True)
        (app / "__init__.py").touch()
        (app / "app.py").write_text(APP)
        (app / "job_scripts" / "a_words.py").write_text(SCRIPT)
        self.database.start()
        self.broker.start()
        self.manage("migrate", "--verbosity", "0")
        for each in (*self.workers, self.beat):
            each.keep()

    def stop(self) -> None:
        for each in (*self.workers, self.beat):
            each.retire()
        self.broker.end()
        self.database.end(signal.SIGINT)

    def manage(self, *words: str) -> str:
        command = [sys.executable, str(REPOSITORY / "manage.py"), *words]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"{words}: {done.stderr[-2000:]}{done.stdout[-2000:]}")
        return done.stdout


class Worker:
    """A process that somebody starts again whenever it is dead."""

    def __init__(self, command: list[str], log: Path, environment: dict[str, str]) -> None:
        self._server = Server(command, log, environment=environment)
        self._next: dict[str, str] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self.deaths = 0

    def keep(self) -> None:
        self._server.start()
        self._thread.start()

    def retire(self) -> None:
        self._over.set()
        self._thread.join(20)
        self._server.signal(signal.SIGCONT)
        self._server.end(signal.SIGKILL)

    def signal(self, number: int) -> None:
        self._server.signal(number)

    def begin_next_with(self, **environment: str) -> None:
        self._next = environment

    def _keep(self) -> None:
        while not self._over.wait(0.1):
            if not self._server.alive:
                self.deaths += 1
                environment, self._next = self._next, {}
                self._server.start(**environment)


@contextmanager
def running_world(root: Path) -> Iterator[World]:
    with ExitStack() as stack:
        here = stack.enter_context(small_disk(root / "here.img", root / "home" / "projects", HERE_MB))
        there = root / "there"
        stack.enter_context(small_disk(root / "there.img", there, THERE_MB))
        pool = stack.enter_context(running_pool(disk=there))
        world = World(root, pool, here, there)
        try:
            world.start()
            yield world
        finally:
            world.stop()
            shutil.copytree(pool.hosts["ap"].upper / "var/log", root / "ap-log", dirs_exist_ok=True)
