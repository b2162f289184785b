"""A job of a million slices in the browser, and one large file of a job beside the web server alone."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import server
from benchmarks.home import Home
from benchmarks.measure import Bench, Row, Times, in_milliseconds

SLICES = 1_000_000
PIECE = 1 << 18
PAGES = {
    "first paint": "",
    "a block of 5 000 slices": "slices/?first=500000&count=5000",
    "those that failed": "slices/?state=failed",
    "nothing has changed": "304",
}


def measure(bench: Bench) -> Iterator[Row]:
    with Home(bench.folder / "home") as ours:
        took = ours.call("job_page:pages", count=bench.size(20, 7), slices=SLICES)
        for name, seconds in took.items():
            yield in_milliseconds(f"job page, 1 000 000 slices: {name}", Times.of([seconds]), below_ms=300)


def download(bench: Bench) -> Iterator[Row]:
    """The peer is the same web server, with nothing but the file."""
    size = bench.size(1 << 30, 1 << 28)
    with Home(bench.folder / "home") as ours:
        made = ours.call("job_page:make_file", size=size)
        with server.serve(ours) as process, _alone(made["place"]) as plain:
            browser, address = server.signed_in(process)
            alone, mine = [], []
            for _ in range(3):
                alone.append(_read(browser, plain, size))
                mine.append(_read(browser, f"{address}{made['file']}", size))
            grown = _peak(process.pid)
        Path(made["place"]).unlink()
    name = f"download of a file of {size >> 20} MiB (peer: waitress alone)"
    yield Row(name, max(mine), "MB/s", ">= 0.7 x", 0.7 * max(alone), peer=max(alone), more_is_better=True)
    yield Row("the server's peak memory after it", grown, "MB", "<= 300 MB", 300)


ALONE = """
import sys, waitress
def app(environ, start):
    start("200 OK", [("Content-Type", "application/octet-stream")])
    return environ["wsgi.file_wrapper"](open(sys.argv[1], "rb"), 1 << 18)
waitress.serve(app, host="127.0.0.1", port=int(sys.argv[2]))
"""


@contextlib.contextmanager
def _alone(place: str) -> Iterator[str]:
    port = server._free_port()
    process = subprocess.Popen([sys.executable, "-c", ALONE, place, str(port)], stdout=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise TimeoutError(port)


def _read(browser: server.Browser, address: str, size: int) -> float:
    begun, total = time.perf_counter(), 0
    with browser.open(address, timeout=120) as answer:
        while piece := answer.read(PIECE):
            total += len(piece)
    assert total == size, (address, total)
    return size / 1e6 / (time.perf_counter() - begun)


def _peak(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


# --- inside the measured home -------------------------------------------------------------------------------


def pages(count: int, slices: int) -> dict[str, list[float]]:
    from django.contrib.auth.models import User
    from django.test import Client

    job = _job(slices)
    client = Client(headers={"Host": "localhost"})
    client.force_login(User.objects.get(pk=job.user_id))
    etag = client.get(f"/jobs/{job.pk}/").headers["ETag"]
    return {name: _times(client, job.pk, path, etag, count) for name, path in PAGES.items()}


def _times(client: Any, pk: int, path: str, etag: str, count: int) -> list[float]:
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        headers = {"If-None-Match": etag} if path == "304" else {}
        answer = client.get(f"/jobs/{pk}/{'' if path == '304' else path}", headers=headers)
        times.append(time.perf_counter() - begun)
        assert answer.status_code == (304 if path == "304" else 200)
    return times


def _job(slices: int) -> Any:
    from django.contrib.auth.models import User

    from jobs_app.lifecycle import blocks
    from jobs_app.models import Attempt, Job, Project
    from jobs_app.pools.base import Step

    user = User.objects.create_user("alice")
    place = Path(os.environ["ROOST_HOME"]) / "bench"
    project = Project.objects.create(name="bench", path=str(place), app="benchmarks.work")
    job = Job(project=project, name="a million", type="CONDORJOB", app="benchmarks.work", user=user)
    job.address, job.slices_total, job.number_of_attempts = "0" * 32, slices, 1
    job._status, job.slices_done, job.slices_failed, job.slices_running = "RUN", slices // 2, 100, 50
    job.save()
    (job.directory / ".roost" / "attempts" / "1").mkdir(parents=True)
    attempt = Attempt.objects.create(job=job, number=1, token="a" * 32, phase="sent")
    states = bytes(random.Random(1).choices((0, 1, 2, 3), (50, 1, 48, 1), k=slices))
    blocks.create(attempt, [Step("run", slices)], {"run": states})
    return job


def make_file(size: int) -> dict[str, str]:
    """Of the person who signs in on this machine."""
    from jobs_app.management import person
    from jobs_app.models import Job

    job = _job(1)
    Job.objects.filter(pk=job.pk).update(user=person.local())
    path = job.directory / "large.bin"
    with path.open("wb") as handle:
        handle.truncate(size)
    return {"file": f"/jobs/{job.pk}/files/large.bin", "place": str(path)}
