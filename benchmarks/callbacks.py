"""Callbacks that are accepted over HTTP by the production server, each written down before its answer.

Beside ours stands what Healthchecks does at a ping, under the same server with as many workers and threads:
a check is locked and updated, and a ping inserted, in one transaction a call. PostgreSQL waits for its disk
(fsync), as in production.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.home import ROOT, Home
from benchmarks.measure import Bench, Row, per_second
from tests.servers import free_port, postgres

JOBS, CONNECTIONS, SECONDS, WORKERS, THREADS = 2000, 32, 5.0, 2, 16
MANY = {"ROOST_CALLBACKS_A_JOB": "1000000", "ROOST_CALLBACKS_AN_ADDRESS": "100000000"}  # counted, not reached


def measure(bench: Bench) -> Iterator[Row]:
    seconds = SECONDS if not bench.size.quick else 2.0
    with postgres(durable=True) as url:
        for name, database in (("SQLite", {}), ("PostgreSQL", {"ROOST_DATABASE_URL": url})):
            with Home(bench.folder / name, **MANY, **database) as home:
                bench.say(f"callbacks on {name} ...")
                yield from _both(home, name, seconds)


def _both(home: Home, name: str, seconds: float) -> Iterator[Row]:
    calls = home.call("callbacks:make", count=JOBS)
    home.call("peer_ping:make", count=JOBS)
    peer = _rate(home, "benchmarks.peer_ping:application", _pings(), seconds)
    hints = _rate(home, "config.wsgi", [_get(path) for path in calls["hints"]], seconds)
    note = (
        "peer: what Healthchecks' ping view does, rebuilt as a minimal Django view; the load runs beside it"
    )
    yield per_second(f"callbacks over HTTP, {name}: hints", hints, 1500, peer=peer, note=note)
    reports = _rate(home, "config.wsgi", home.call("callbacks:reports", count=40_000), seconds)
    yield per_second(f"callbacks over HTTP, {name}: signed reports", reports, 1500, peer=peer)
    _check(home, calls)


def _pings() -> list[str]:
    return [_get(f"/ping/{number}") for number in range(1, JOBS + 1)]


def _get(path: str) -> str:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"


def _rate(home: Home, application: str, requests: Sequence[str], seconds: float) -> float:
    with serving(home.environment, application) as port:
        storm(port, requests, 1.0)
        rates = [storm(port, requests[at:], seconds) for at in _begins(requests)]
    return statistics.median(rates)


def _begins(requests: Sequence[str]) -> Sequence[int]:
    """Reports are taken once: each round begins with others."""
    return [0, 0, 0] if len(requests) <= JOBS else [len(requests) * part // 4 for part in (1, 2, 3)]


@contextlib.contextmanager
def serving(environment: Mapping[str, str], application: str) -> Iterator[int]:
    """gunicorn, as `manage.py supervise` starts it."""
    port = free_port()
    how = ["--workers", str(WORKERS), "--worker-class", "gthread", "--threads", str(THREADS)]
    command = [sys.executable, "-m", "gunicorn", application, "--no-control-socket", *how]
    quiet = ["--bind", f"127.0.0.1:{port}", "--log-level", "warning"]
    own = {**environment, "DJANGO_SETTINGS_MODULE": "config.settings"}
    own["PEER_PING"] = "1" if "peer" in application else ""
    process = subprocess.Popen([*command, *quiet], cwd=ROOT, env=own)
    try:
        _wait_for(port)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as one:
            one.sendall(_get("/healthz").encode())
            if one.recv(100):
                return
        time.sleep(0.1)
    raise AssertionError("gunicorn does not answer")


def storm(port: int, requests: Sequence[str], seconds: float) -> float:
    """Answers a second that say that all is well. The load comes from a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        good: int = pool.apply(_storm, (port, list(requests), seconds))
    return good / seconds


def _storm(port: int, requests: list[str], seconds: float) -> int:
    """On each connection the next call goes out when the one before is answered."""
    selector, good, at = selectors.DefaultSelector(), 0, 0
    wires = [request.encode() for request in requests]
    for _ in range(CONNECTIONS):
        each = socket.create_connection(("127.0.0.1", port))
        selector.register(each, selectors.EVENT_READ)
        each.sendall(wires[at % len(wires)])
        at += 1
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for key, _ in selector.select(0.1):
            one: Any = key.fileobj
            answer = one.recv(65536)
            good += answer.startswith(b"HTTP/1.1 200")
            if not answer or b"onnection: close" in answer:
                selector.unregister(one)
                one.close()
                one = socket.create_connection(("127.0.0.1", port))
                selector.register(one, selectors.EVENT_READ)
            one.sendall(wires[at % len(wires)])
            at += 1
    for key in list(selector.get_map().values()):
        key.fileobj.close()  # type: ignore[union-attr]
    return good


def _check(home: Home, calls: Mapping[str, Any]) -> None:
    """What was answered is there."""
    assert home.call("callbacks:written")["heard"] > len(calls["hints"])


# --- inside -------------------------------------------------------------------------------------------------


def make(count: int) -> dict[str, Any]:
    """Running jobs, and the addresses to call."""
    from urllib.parse import urlsplit

    from jobs_app import callbacks
    from jobs_app.models import Job, Project

    project, _ = Project.objects.get_or_create(name="work", path="/nonexistent", app="benchmarks.work")
    rows = [
        Job(project=project, app="benchmarks.work", type="SCRIPT", name=f"job {number}", _status="RUN")
        for number in range(count)
    ]
    Job.objects.bulk_create(rows)
    urls = [urlsplit(callbacks.url(None, pk)) for pk in Job.objects.values_list("pk", flat=True)]
    return {"hints": [f"{url.path}?{url.query}" for url in urls]}


def reports(count: int) -> list[str]:
    """Signed, as whole requests."""
    from jobs_app import callbacks
    from jobs_app.models import Job

    ids, stamp, version = list(Job.objects.values_list("pk", flat=True)), str(int(time.time())), "0.0"
    body = '{"message": "warming up", "progress": 40}'
    found = []
    for number in range(count):
        pk = ids[number % len(ids)]
        nonce = f"{stamp}-{number}"
        signature = callbacks.sign_report(pk, version, nonce, stamp, body.encode())
        found.append(
            f"POST /update-job-status/{pk}/ HTTP/1.1\r\nHost: localhost\r\nX-Roost-Key: {version}\r\n"
            f"X-Roost-Id: {nonce}\r\nX-Roost-Timestamp: {stamp}\r\nX-Roost-Signature: {signature}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
    return found


def written() -> dict[str, int]:
    from django.db.models import Sum

    from jobs_app.models import Hint

    return {"heard": Hint.objects.aggregate(all=Sum("heard"))["all"] or 0}
