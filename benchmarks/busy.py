"""SSH logins while all works at once: web server, Celery's workers and beat, scripts and commands. Logins
come with connections, not with time, so some seconds full of work stand for an hour."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from benchmarks import peer_condor
from benchmarks.home import ROOT, Home
from benchmarks.measure import Bench, Row, Skipped
from benchmarks.server import serve, signed_in
from tests.servers import redis

# As docs/operating.md has them.
WORKERS = (
    ("worker", "--pool", "threads", "--concurrency", "32", "--queues", "couriers"),
    ("worker", "--pool", "threads", "--concurrency", "4"),
    ("beat",),
)
AT_ONCE = 8  # jobs that a script executes


def measure(bench: Bench) -> Iterator[Row]:
    pool, seconds = bench.pool(), bench.size(40, 20)
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(Home(bench.folder / "home", ROOST_REDIS_URL=_redis(stack)))
        home.enrol(pool)
        home.call("let_see_all_jobs")
        before = pool.logins()
        for words in WORKERS:
            stack.enter_context(_celery(home, *words))
        server = stack.enter_context(serve(home))
        bench.say(f"web server, two workers, beat, scripts and commands for {seconds} s ...")
        jobs = _work(home, server, seconds)
        logins = pool.logins() - before
    peer_condor.clear(pool)
    note = (
        f"{jobs} jobs of two slices, executed by scripts that end; followed and finished by workers; "
        "pages and commands beside them. Peer: condorpy, a login to submit, one to ask, one to fetch."
    )
    yield Row("SSH logins of a busy time, all processes", logins, "", "1", 1, peer=3 * jobs, note=note)


def _redis(stack: contextlib.ExitStack) -> str:
    try:
        return stack.enter_context(redis())
    except pytest.skip.Exception as why:
        raise Skipped(str(why)) from why


@contextlib.contextmanager
def _celery(home: Home, *words: str) -> Iterator[None]:
    command = [sys.executable, "-m", "celery", "-A", "config", *words, "--loglevel", "WARNING"]
    extra = ["--schedule", str(home.folder / "beat"), "--pidfile", ""] if words[0] == "beat" else []
    with (home.folder / f"{words[0]}.log").open("ab") as log:
        process = subprocess.Popen([*command, *extra], cwd=ROOT, env=home.environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


def _work(home: Home, server: subprocess.Popen[str], seconds: float) -> int:
    """How many jobs were executed; when it returns, all are over."""
    browser, address = signed_in(server)
    executed, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        executed += int(home.call("on_pool:execute_and_leave", count=AT_ONCE))
        home.manage("jobs", "list", "--limit", "1")
        for _ in range(5):
            browser.open(f"{address}/jobs/", timeout=60).read()
    home.call("on_pool:wait_for_all")
    return executed
