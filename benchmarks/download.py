"""A file of 1 GiB over HTTP: by the API, all of it and by a range, and by the job's page; beside the same web
server with nothing of ours in it. And the memory that the server took for it."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.home import Home
from benchmarks.measure import Bench, Row
from benchmarks.table import served
from tests.servers import free_port

MEGA = 1 << 20
NAME = "large.bin"
BARE = """
import os

def app(environ, start):
    path = os.environ["BARE_FILE"]
    start("200 OK", [("Content-Length", str(os.path.getsize(path)))])
    return environ["wsgi.file_wrapper"](open(path, "rb"), 1 << 18)
"""


def measure(bench: Bench) -> Iterator[Row]:
    megas = bench.size(1024, 256)
    with Home(bench.folder / "home") as ours:
        made = ours.call("download:make", megas=megas)
        with served(ours) as port, _bare(bench.folder, made["path"]) as bare:
            workers = _workers(port)
            _get(port, "/api/v1/jobs", made["token"])  # what a process does once is not measured
            before = _most_memory(workers)
            yield from _rates(bench.size(5, 3), (port, bare), made, megas)
            grown = _most_memory(workers) - before
    yield Row("memory that downloads of it take, all together", grown, "MB", "< 50 MB", 50)


def _rates(rounds: int, ports: tuple[int, int], made: dict[str, Any], megas: int) -> Iterator[Row]:
    api, page, sent = (
        f"/api/v1/jobs/{made['job']}/files/{NAME}",
        f"/jobs/{made['job']}/files/{NAME}",
        MEGA * megas,
    )
    ways = {
        "the API": (ports[0], api, made["token"]),
        "the API, by a range": (ports[0], api, {**made["token"], "Range": "bytes=0-"}),
        "the job's page": (ports[0], page, made["cookie"]),
        "": (ports[1], "/", {}),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            rates[name].append(sent / _get(*way, size=sent) / 1e6)
    alone = statistics.median(rates.pop(""))
    for name, found in rates.items():
        rate = statistics.median(found)
        what = f"download of {megas} MiB by {name} (peer: the web server alone)"
        yield Row(what, rate, "MB/s", ">= 0.7 x", 0.7 * alone, peer=alone, more_is_better=True)


def _get(port: int, path: str, headers: dict[str, str], size: int | None = None) -> float:
    """Seconds."""
    connection = http.client.HTTPConnection("localhost", port, timeout=120)
    begun, came, buffer = time.perf_counter(), 0, bytearray(MEGA)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    while count := answer.readinto(buffer):
        came += count
    connection.close()
    if answer.status not in (200, 206) or came != (size or came):
        raise RuntimeError(f"{path} answered {answer.status} with {came} bytes")
    return time.perf_counter() - begun


@contextlib.contextmanager
def _bare(folder: Path, file: str) -> Iterator[int]:
    """The same web server, as many processes and threads, without Roost."""
    (folder / "bare.py").write_text(BARE)
    port = free_port()
    how = ["--workers", "2", "--worker-class", "gthread", "--threads", "8", "--no-control-socket"]
    command = [sys.executable, "-m", "gunicorn", "bare:app", "--bind", f"127.0.0.1:{port}", *how]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    server = subprocess.Popen(command, cwd=folder, env={**os.environ, "BARE_FILE": file}, **quiet)  # type: ignore[call-overload]
    try:
        _wait(port)
        yield port
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def _wait(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("localhost", port, timeout=5)
            connection.request("HEAD", "/")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError("The bare web server did not begin within a minute.")


# --- memory -------------------------------------------------------------------------------------------------


def _workers(port: int) -> list[int]:
    """The processes whose command names the port."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if f"127.0.0.1:{port}".encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


def _most_memory(pids: list[int]) -> float:
    """MB, each at its highest so far, all together."""
    return sum(_highest(pid) for pid in pids)


def _highest(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


# --- inside -------------------------------------------------------------------------------------------------


def make(megas: int) -> dict[str, Any]:
    """A finished job with the file, and what lets alice in: a token's header, a cookie's."""
    from django.contrib.auth.models import User
    from django.test import Client

    from benchmarks.inside import _manager
    from jobs_app import tokens
    from jobs_app.models import Job

    alice, client = User.objects.create_user("alice"), Client()
    client.force_login(alice)
    job = _manager().create_job("large", alice, template_name="basic")
    job.save()
    Job.objects.filter(pk=job.pk).update(address="a" * 32, _status="COM", number_of_attempts=1)
    path = Job.objects.get(pk=job.pk).directory / NAME
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        for _ in range(megas):
            file.write(os.urandom(MEGA))
    token = tokens.make("figures", alice, ["files:read", "jobs:read"])[1]
    return {
        "job": job.pk,
        "path": str(path),
        "token": {"Authorization": f"Bearer {token}"},
        "cookie": {"Cookie": f"sessionid={client.cookies['sessionid'].value}"},
    }
