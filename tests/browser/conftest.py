"""A real server and a real Chromium. What the browser complains about fails the test that was at it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    sync_playwright,
)

from jobs_app.pools.embedded.client import EmbeddedPool

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path("~/.cache/roost").expanduser()
AXE = "axe-core@4.14.1"
AXE_SHA512 = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
PATIENCE = 60_000  # milliseconds, on a busy machine
MANY = 1_000_000  # jobs in the crowd's table
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 860}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


# --- the server -----------------------------------------------------------------------------------------


@dataclass
class Server:
    address: str
    home: Path
    sessions: dict[str, str]
    jobs: dict[str, int]  # what stands on show, by its name in showcase.py


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("browser"), "tests.browser.furnish", str(MANY)) as made:
        yield made


@contextmanager
def serving(home: Path, *furnish: str) -> Iterator[Server]:
    """A server over a new home, with what the module puts there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ROOST_", "DJANGO_"))}
    environment = {
        **kept,
        "ROOST_HOME": str(home),
        "ROOST_APPS": "tests.browser.lab,examples.ising",
        "TZ": "UTC",
    }

    where: Any = {"cwd": ROOT, "env": environment}

    def run(*words: str) -> str:
        done = subprocess.run([sys.executable, *words], **where, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("manage.py", "migrate", "--verbosity", "0")
    known = json.loads(run("-m", *furnish))
    log = (home / "serve.log").open("w")
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", "0", "--no-browser-link"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    try:
        yield Server(_address(process), home, **known)
    finally:
        process.terminate()
        process.communicate(timeout=30)
        log.close()
        EmbeddedPool(home / "pool").stop()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://[\w.:]+", line):
            return found[0]
    raise AssertionError("serve said no address")


# --- the browser ----------------------------------------------------------------------------------------


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        pytest.skip("needs Chromium: tests/install_servers installs it on Debian")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb"]
        )
        yield browser
        browser.close()


@dataclass
class Watch:
    """What no page of ours may do. `expected`: status codes that the test means to see."""

    host: str
    said: list[str] = field(default_factory=list)
    expected: set[int] = field(default_factory=set)

    def over(self, context: BrowserContext) -> None:
        context.on("console", self.heard)
        context.on("weberror", lambda error: self.said.append(f"error on a page: {error.error}"))
        context.on("request", self.asked)
        context.on("response", self.answered)

    def heard(self, message: ConsoleMessage) -> None:
        status = re.search(r"status of (\d+)", message.text)
        if message.type in ("error", "warning") and not (status and int(status[1]) in self.expected):
            self.said.append(f"console: {message.text}")

    def asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.netloc != self.host:
            self.said.append(f"another host was asked: {request.url}")

    def answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self.said.append(f"{response.status} for {response.url}")


@pytest.fixture
def watch(server: Server) -> Iterator[Watch]:
    watch = Watch(urlsplit(server.address).netloc)
    yield watch
    assert watch.said == []


Open = Callable[..., Page]


@pytest.fixture
def open_page(chromium: Browser, server: Server, watch: Watch) -> Iterator[Open]:
    """A page of a browser of its own: whose, and how the browser is."""
    contexts: list[BrowserContext] = []

    def make(user: str | None = "alice", **how: Any) -> Page:
        given = {
            "base_url": server.address,
            "viewport": DESK,
            "reduced_motion": "reduce",
            "timezone_id": "UTC",
        }
        context = chromium.new_context(**{**given, **how})
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        watch.over(context)
        if user:
            cookie = {"name": "sessionid", "value": server.sessions[user], "url": server.address}
            context.add_cookies([cookie])
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page: Open) -> Page:
    return open_page()


# --- accessibility --------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def axe_source() -> str:
    """The engine, from the npm registry, kept in a cache and checked by its hash."""
    archive = CACHE / f"{AXE.replace('@', '-')}.tgz"
    if not archive.exists():
        _pack(archive)
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    assert digest == AXE_SHA512, f"{archive} is not what {AXE} was. Remove it, and look why."
    with tarfile.open(archive) as tar:
        member = tar.extractfile("package/axe.min.js")
        assert member is not None
        return member.read().decode()


def _pack(archive: Path) -> None:
    if not shutil.which("npm"):
        pytest.skip(f"needs npm, to get {AXE}")
    archive.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["npm", "pack", AXE, "--silent", "--pack-destination", str(archive.parent)],
        capture_output=True,
        text=True,
        check=False,
        cwd=archive.parent,
    )
    if done.returncode != 0:
        pytest.skip(f"needs the npm registry, to get {AXE}: {done.stderr[-300:]}")


Judge = Callable[..., list[str]]


@pytest.fixture
def serious(axe_source: str) -> Judge:
    """What the engine finds on a page that is serious or worse; each with the first places where it is."""

    def judge(page: Page, *rules: str) -> list[str]:
        page.evaluate(axe_source)
        asked: dict[str, Any] = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
        found = page.evaluate("asked => axe.run(document, asked)", asked)
        return [
            f"{each['id']} ({each['impact']}): {each['help']}: "
            + "; ".join(
                f"{node['html'][:160]} [{node['failureSummary'][:200]}]" for node in each["nodes"][:3]
            )
            for each in found["violations"]
            if each["impact"] in ("serious", "critical")
        ]

    return judge
