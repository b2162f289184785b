"""The memory of `make serve` at rest, with a million jobs in its database."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks import million
from benchmarks.home import ROOT, Home
from benchmarks.measure import Bench, Row

RESTS_AFTER = 5.0  # seconds


def measure(bench: Bench) -> Iterator[Row]:
    with million.home(bench.say) as ours:
        ours.call("let_see_all_jobs")
        with _serve(ours) as process:
            _look_at_jobs(process)
            time.sleep(RESTS_AFTER)
            used = _megabytes(process.pid)
    yield Row("memory of `make serve` at rest, 1 000 000 jobs", used, "MB", "< 150 MB", 150)


@contextlib.contextmanager
def _serve(ours: Home) -> Iterator[subprocess.Popen[str]]:
    command = ours.command("serve", "--port", str(_free_port()))
    process = subprocess.Popen(
        command, cwd=ROOT, env=ours.environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _look_at_jobs(process: subprocess.Popen[str]) -> None:
    """Signs in by the link that serve prints, and looks at some pages, so that all code is loaded."""
    link = next(line.strip() for line in process.stdout or () if "/sign-in/" in line)
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    page = browser.open(link, timeout=60).read().decode()
    if 'method="post"' in page:
        page = _press(browser, link, page)
    address = "/".join(link.split("/")[:3])
    for _ in range(5):
        page = browser.open(f"{address}/jobs/", timeout=60).read().decode()
    if "trivial" not in page:
        raise RuntimeError(f"The list of jobs does not show them:\n{page}")


def _press(browser: urllib.request.OpenerDirector, link: str, page: str) -> str:
    token = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    form = urllib.parse.urlencode({"csrfmiddlewaretoken": token}).encode()
    text: str = browser.open(urllib.request.Request(link, form), timeout=60).read().decode()
    return text


def _megabytes(root: int) -> float:
    """What the process and its children hold together; pages they share are counted once."""
    return sum(_proportional_set(pid) for pid in _family(root)) / 1024


def _family(root: int) -> list[int]:
    children = Path(f"/proc/{root}/task/{root}/children").read_text().split()
    return [root, *(pid for child in children for pid in _family(int(child)))]


def _proportional_set(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
