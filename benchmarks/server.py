"""`manage.py serve` of a measured home, and a browser that is signed in."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator

from benchmarks.home import ROOT, Home

Browser = urllib.request.OpenerDirector


@contextlib.contextmanager
def serve(ours: Home) -> Iterator[subprocess.Popen[str]]:
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


def signed_in(process: subprocess.Popen[str]) -> tuple[Browser, str]:
    """By the link that serve prints; and the server's address."""
    link = next(line.strip() for line in process.stdout or () if "/sign-in/" in line)
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    page = browser.open(link, timeout=60).read().decode()
    if 'method="post"' in page:
        _press(browser, link, page)
    return browser, "/".join(link.split("/")[:3])


def _press(browser: Browser, link: str, page: str) -> None:
    token = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    form = urllib.parse.urlencode({"csrfmiddlewaretoken": token}).encode()
    browser.open(urllib.request.Request(link, form), timeout=60).read()
