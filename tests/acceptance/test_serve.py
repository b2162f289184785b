from __future__ import annotations

import http.cookiejar
import json
import re
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator

import pytest

from .conftest import DEADLINE, Machine, until

SMALL = ("size=16", "sweeps=100", "temperatures=4", "tolerance=5.0", "--slices", "2")


class Browser:
    def __init__(self, address: str) -> None:
        self.address = address
        self.jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def get(self, path: str) -> tuple[int, str]:
        return self._open(urllib.request.Request(urllib.parse.urljoin(self.address, path)))

    def post(self, path: str, data: dict[str, str] | None = None) -> tuple[int, str]:
        token = next((cookie.value or "" for cookie in self.jar if cookie.name == "csrftoken"), "")
        form = urllib.parse.urlencode({"csrfmiddlewaretoken": token, **(data or {})}).encode()
        return self._open(urllib.request.Request(urllib.parse.urljoin(self.address, path), form))

    def _open(self, request: urllib.request.Request) -> tuple[int, str]:
        try:
            with self._opener.open(request, timeout=DEADLINE) as answer:
                return answer.status, answer.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode("utf-8", "replace")


class Server:
    def __init__(self, machine: Machine, port: int) -> None:
        self.machine = machine
        self.process = machine.start("manage.py", "serve", "--port", str(port))
        self.said = ""
        assert self.process.stdout is not None
        while "Ctrl-C" not in self.said:
            line = self.process.stdout.readline()
            assert line, self.process.communicate()[1]
            self.said += line
        found = re.search(r"Roost is at (\S+)", self.said)
        assert found
        self.address = found[1]

    @property
    def link(self) -> str:
        found = re.search(r"http\S+/sign-in/\S+", self.said)
        assert found
        return found[0]

    def signed_in(self) -> Browser:
        browser = Browser(self.address)
        browser.get(self.link)
        status, _ = browser.post(self.link)
        assert status == 200
        return browser

    def end(self, how: signal.Signals = signal.SIGTERM) -> subprocess.CompletedProcess[str]:
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=DEADLINE)
        return subprocess.CompletedProcess([], self.process.returncode, out, err)


@pytest.fixture
def server(machine: Machine, port: int) -> Iterator[Server]:
    server = Server(machine, port)
    yield server
    if server.process.poll() is None:
        server.end()


def test_the_link_leads_to_the_jobs_and_works_once(server: Server) -> None:
    browser = server.signed_in()
    status, page = browser.get("/jobs/")
    assert status == 200
    assert "There are no jobs yet" in page
    assert Browser(server.address).get(server.link)[0] == 403


def test_a_job_of_the_terminal_runs_under_serve_and_shows_its_picture_in_the_browser(server: Server) -> None:
    browser = server.signed_in()
    assert server.machine.manage("jobs", "run", "ising", *SMALL).returncode == 0
    until(lambda: "Complete" in browser.get("/jobs/1/")[1])
    page = browser.get("/jobs/1/")[1]
    picture = re.search(r'<img src="(/jobs/1/files/magnet.png)"', page)
    assert picture
    assert browser.get(picture[1])[0] == 200


def test_a_button_stops_a_running_job(server: Server) -> None:
    browser = server.signed_in()
    server.machine.manage("jobs", "run", "ising", "sweeps=200000")
    until(lambda: "Running" in browser.get("/jobs/1/")[1])
    browser.post("/jobs/1/stop/")
    until(lambda: "Aborted" in browser.get("/jobs/1/")[1])


def test_a_visitor_sees_nothing_but_the_sign_in(server: Server) -> None:
    visitor = Browser(server.address)
    assert "Password" in visitor.get("/jobs/")[1]
    assert "Password" in visitor.post("/jobs/1/stop/")[1]
    assert json.loads(visitor.get("/healthz")[1]) == {"ok": True}


def test_a_callback_needs_its_signature(server: Server) -> None:
    server.machine.manage("jobs", "run", "ising", *SMALL)
    url = server.machine.python("-c", CALLBACK_URL).stdout.strip()
    path = urllib.parse.urlsplit(url)
    visitor = Browser(server.address)
    assert json.loads(visitor.get(f"{path.path}?{path.query}")[1]) == {"success": True}
    refused = [
        visitor.get(address) for address in (path.path, "/update-job-status/999/", f"{path.path}?key=x")
    ]
    assert {status for status, _ in refused} == {403}
    assert len({said for _, said in refused}) == 1


CALLBACK_URL = """
from examples.ising.app import Ising
print(Ising.get_job_manager().get_job_status_callback_url(None, 1))
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_by_either_signal(server: Server, how: signal.Signals) -> None:
    done = server.end(how)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "Jobs that run go on" in done.stdout


def test_jobs_go_on_while_it_is_down_and_are_recorded_by_the_next_one(server: Server, port: int) -> None:
    server.machine.manage("jobs", "run", "ising", "size=64", "sweeps=1500", "tolerance=0.5")
    until(lambda: server.machine.json("jobs", "list")[0]["slices"]["done"])
    server.process.kill()
    server.process.communicate()
    again = Server(server.machine, port)
    try:
        until(lambda: server.machine.json("jobs", "list")[0]["state"] == "Complete")
    finally:
        again.end()


def test_a_port_that_is_taken_is_said(server: Server) -> None:
    port = urllib.parse.urlsplit(server.address).port
    second = server.machine.manage("serve", "--port", str(port))
    assert second.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in second.stderr


def test_port_nought_is_a_free_one_and_the_link_leads_there(machine: Machine) -> None:
    server = Server(machine, 0)
    try:
        assert urllib.parse.urlsplit(server.address).port
        assert "There are no jobs yet" in server.signed_in().get("/jobs/")[1]
    finally:
        server.end()


@pytest.mark.parametrize(
    "words",
    [("--port", "80000"), ("--port", "-5"), ("--threads", "0"), ("--threads", "-1"), ("--host", "a b")],
)
def test_a_port_or_number_that_cannot_be_is_refused(machine: Machine, words: tuple[str, str]) -> None:
    done = machine.manage("serve", *words)
    assert done.returncode == 2
    assert " ".join(words) in done.stderr
    assert "Traceback" not in done.stderr
