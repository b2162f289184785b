"""What a node reports by itself: to a real server of Roost, and to ones that are away or slow."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from jobs_app import callbacks
from jobs_app.callbacks import Signed
from jobs_app.models import Hint, Job, Project, Report
from tests.pool.waiting import wait_until
from tests.servers import free_port

from .test_node_wrapper import Sandbox


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        self.heard: list[dict[str, Any]] = []
        self.wrong = 0
        self.offset = 0.0
        self.sleep = 0.0
        super().__init__(("127.0.0.1", port), Taker)
        Thread(target=self.serve_forever, daemon=True).start()

    @property
    def messages(self) -> list[str]:
        return [said.get("message", "") for said in self.heard]


class Taker(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        time.sleep(self.server.sleep)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        names = ("Key", "Id", "Timestamp", "Signature")
        signed = Signed(*(self.headers[f"X-Roost-{name}"] for name in names))
        now = time.time() + self.server.offset
        good = abs(int(signed.stamp) - now) < 60
        good = good and signed.signature == callbacks.sign_report(
            7, signed.version, signed.nonce, signed.stamp, body
        )
        self.server.heard += [json.loads(body)] * good
        self.server.wrong += not good
        self.send_response_only(200 if good else 403)
        self.send_header("Date", formatdate(now, usegmt=True))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


TIMES = "MESSAGES_EVERY, CALL_SECONDS, LAST_WORDS"


def with_times(sandbox: Sandbox, every: float = 15.0, call: float = 60.0, last: float = 60.0) -> None:
    """A busy machine takes its time."""
    node = sandbox.folder / "roost_node.py"
    changed, found = re.subn(rf"(?m)^{TIMES} = .*$", f"{TIMES} = {every}, {call}, {last}", node.read_text())
    assert found == 1
    node.write_text(changed)


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    folder = tmp_path / "sandbox"
    folder.mkdir()
    made = Sandbox(folder)
    with_times(made)
    return made


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server
        server.shutdown()


def give_key(sandbox: Sandbox, url: str, job: int = 7, version: str = "1.0") -> str:
    key = callbacks.report_key(job, version)
    path = sandbox.folder / ".roost_report.json"
    path.touch(0o600)
    path.write_text(json.dumps({"url": url, "job": job, "version": version, "key": key}))
    return key


def test_start_and_end_are_reported_and_the_key_stays_where_it_is(sandbox: Sandbox, server: Server) -> None:
    key = give_key(sandbox, f"http://127.0.0.1:{server.server_port}/update-job-status/7/")
    code, said = sandbox.run("cat input.txt; env", "0", "run")
    assert code == 0
    assert [message.split()[0] for message in server.messages] == ["Runs", "Its"]
    record = (sandbox.folder / "roost_record.json").read_text()
    assert key not in said + record
    assert all(key.encode() not in data for data in sandbox.packed().values())
    assert not {".roost_report.json", ".roost_outbox"} & sandbox.packed().keys()


def test_of_many_slices_one_reports(sandbox: Sandbox, server: Server) -> None:
    give_key(sandbox, f"http://127.0.0.1:{server.server_port}/")
    sandbox.run("true", "7", "run", slices=100)
    assert server.heard == []
    sandbox.run("true", "0", "run", slices=100)
    assert server.messages != []


@pytest.mark.parametrize("there", [False, True])
def test_a_server_that_is_away_or_hangs_neither_delays_nor_fails_the_job(
    sandbox: Sandbox, server: Server, there: bool
) -> None:
    server.sleep = 600.0
    with_times(sandbox, call=600.0, last=1.0)
    give_key(sandbox, f"http://127.0.0.1:{server.server_port if there else free_port()}/")
    code, said = sandbox.run("echo done", "0", "run")
    assert (code, said) == (0, "done\n")  # long before any call is over
    outbox = (sandbox.folder / ".roost_outbox").read_text().splitlines()
    assert len(outbox) == 2  # nothing of it is lost


def test_a_damaged_key_fails_no_job(sandbox: Sandbox) -> None:
    for text in ("", "{}", "[]x", '{"url": 3}'):
        (sandbox.folder / ".roost_report.json").write_text(text)
        assert sandbox.run("true", "0", "run") == (0, "")


def test_a_clock_that_goes_wrong_is_found_out(sandbox: Sandbox, server: Server) -> None:
    server.offset = 7200.0
    give_key(sandbox, f"http://127.0.0.1:{server.server_port}/")
    sandbox.run("true", "0", "run")
    assert len(server.heard) == 2
    assert server.wrong == 1


@pytest.mark.django_db(transaction=True)
def test_a_real_server_takes_them(sandbox: Sandbox, live_server: Any, tmp_path: Path, alice: Any) -> None:
    project = Project.objects.create(name="p", path=str(tmp_path / "p"), app="p")
    job = Job(project=project, app="p", type="SCRIPT", name="j", user=alice, _status="RUN")
    job.number_of_attempts = 1
    job.save()
    url = f"{live_server.url}/update-job-status/{job.pk}/"
    give_key(sandbox, url, job.pk)
    sandbox.run("true", "0", "run")
    wait_until(lambda: Report.objects.filter(job_id=job.pk).count() == 2, 60, "two reports")
    job.refresh_from_db()
    assert job.status_message.startswith("Its work has ended")
    assert Hint.objects.get(pk=job.pk).heard == 2
