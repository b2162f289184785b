"""The documented web server, which may be killed with all its workers."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.db import connection

from tests.pool.waiting import wait_until
from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
HERE = "127.0.0.1"
LONGEST = 120.0


class Gunicorn:
    """As `manage.py supervise` starts it."""

    def __init__(self, environment: dict[str, str], host: str = HERE) -> None:
        self.environment, self.place = environment, f"{host}:{free_port(host)}"
        self.start()

    @property
    def url(self) -> str:
        return f"http://{self.place}"

    def start(self) -> None:
        how = ["--workers", "2", "--worker-class", "gthread", "--threads", "8", "--no-control-socket"]
        command = [sys.executable, "-m", "gunicorn", "config.wsgi", *how, "--bind", self.place]
        self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, start_new_session=True)
        try:
            wait_until(self._answers, LONGEST, "the server")
        except BaseException:
            self.kill()
            raise

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"the server has ended with {self.process.returncode}")
        return got(f"{self.url}/healthz") is not None

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def beside_the_test(home: Path, settings: Any, host: str = HERE) -> Iterator[Gunicorn]:
    """It works with the test's own database."""
    known = {"ROOST_SECRET_KEY": settings.SECRET_KEY, "ROOST_HOSTS": "*", **_same_database(home)}
    server = Gunicorn(environment(home, **known), host)
    settings.ROOST_PUBLIC_URL = server.url
    try:
        yield server
    finally:
        server.kill()


def _same_database(home: Path) -> dict[str, str]:
    known = connection.settings_dict
    if connection.vendor == "sqlite":
        home.mkdir()
        (home / "roost.sqlite3").symlink_to(known["NAME"])
        return {}
    place = f"{known['HOST']}:{known['PORT']}/{known['NAME']}"
    return {"ROOST_DATABASE_URL": f"postgres://{known['USER']}:{known['PASSWORD']}@{place}"}


def got(url: str) -> bytes | None:
    """A server that is killed may leave half an answer, which is none."""
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return bytes(answer.read())
    except (OSError, http.client.HTTPException, ValueError):
        return None


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROOST_")}
    limits = {"ROOST_CALLBACKS_A_JOB": "0", "ROOST_LOG_LEVEL": "ERROR"}
    return {**kept, "ROOST_HOME": str(home), "ROOST_APPS": "", **limits, **more}


def manage(env: dict[str, str], *words: str) -> str:
    command = [sys.executable, "manage.py", *words]
    done = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True)
    return done.stdout
