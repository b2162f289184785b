"""What nodes of a real HTCondor report to a real web server: signed, again when it was away, and never the
last word."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from jobs_app.manager import JobManager
from jobs_app.models import Hint, Job, KeyVersion, Report, Scheduler
from jobs_app.pools.condor import kit
from tests.pool.gate import Gate
from tests.pool.pool import EXECUTE, TestPool

from .test_condor_courier import SECONDS, NewJob, new_app, new_job, real
from .test_condor_steering import until
from .test_condor_workflows import NewFlow, flow
from .web_server import Gunicorn, beside_the_test

__all__ = ["flow", "new_app", "new_job", "real"]

pytestmark = [pytest.mark.pool, pytest.mark.django_db(transaction=True)]

WAITING = """
import os, time
from jobs_app.script import status

options = {"go": ""}

def analysis(sliceno, options):
    with status("waits for the gate"):
        while sliceno and not os.path.exists(options.go):
            time.sleep(0.1)

def synthesis():
    return 1
"""

LIAR = """#!/usr/bin/env python3
import hashlib, hmac, json, time, urllib.request
key = json.load(open(".roost_report.json"))
body, stamp = b'{"status": "COM", "message": "All is well."}', str(int(time.time()))
text = f"{key['job']}.{key['version']}.lie.{stamp}.".encode() + body
signature = hmac.new(key["key"].encode(), text, hashlib.sha256).hexdigest()
headers = {"X-Roost-Key": key["version"], "X-Roost-Id": "lie", "X-Roost-Timestamp": stamp}
headers["X-Roost-Signature"] = signature
print(urllib.request.urlopen(urllib.request.Request(key["url"], body, headers), timeout=60).read().decode())
raise SystemExit(3)
"""


@pytest.fixture
def server(condor_pool: TestPool, tmp_path: Path, settings: Any) -> Iterator[Gunicorn]:
    """The pool's hosts reach it."""
    with beside_the_test(tmp_path / "server", settings, condor_pool.network.address(1)) as server:
        yield server


@pytest.fixture(autouse=True)
def talkative(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes report each second, and give a busy machine time to answer their last words."""
    version, members = kit.contents()
    times = rb"MESSAGES_EVERY, CALL_SECONDS, LAST_WORDS"
    changed = tuple(
        (name, re.sub(rb"(?m)^" + times + rb" = .*$", times + rb" = 1.0, 20.0, 20.0", data), mode)
        for name, data, mode in members
    )
    assert changed != members
    monkeypatch.setattr(kit, "contents", lambda: (version[::-1], changed))


@pytest.fixture
def manager(new_app: Callable[..., Any]) -> JobManager:
    manager: JobManager = new_app(scripts={"a_waiting.py": WAITING}).get_job_manager()
    return manager


END = "Its work has ended; results are on their way."
NewWaiting = Callable[[], tuple[Job, Gate]]


@pytest.fixture
def new_waiting(manager: JobManager, real: Scheduler, alice: User, condor_pool: TestPool) -> NewWaiting:
    def new() -> tuple[Job, Gate]:
        gate = Gate(condor_pool)
        known: Any = {"slices": 4, "cpus": 2, "options": {"go": gate.path}, "scheduler": real}
        job = manager.create_job("waits", alice, job_type="SCRIPT", method="waiting", **known)
        job.save()
        job.execute()
        return job, gate

    return new


def reported(job: Job) -> list[str]:
    """What of it was taken, in order."""
    rows = Report.objects.filter(job_id=job.pk).order_by("id").values_list("said", flat=True)
    return [said.get("message") or f"{said['progress']:g} %" for said in rows]


def message(job: Job) -> str:
    return str(Job.objects.values_list("status_message", flat=True).get(pk=job.pk))


def is_complete(job: Job) -> bool:
    return bool(job.wait(timeout=SECONDS)) and job.cached_status == "Complete"


def test_start_progress_and_end_come_from_the_node_before_htcondor_tells_of_the_end(
    server: Gunicorn, new_waiting: NewWaiting, client: Client, alice: User
) -> None:
    job, gate = new_waiting()
    until(job, lambda: bool(re.fullmatch(r"slice \d: waits for the gate \(\d+ %\)", message(job))))
    client.force_login(alice)
    for page in (f"/jobs/{job.pk}/", "/jobs/"):
        assert re.search(r"slice \d: waits for the gate", client.get(page).content.decode())
    assert not Job.objects.get(pk=job.pk).is_final
    assert reported(job)[0].startswith("Runs on exec")
    until(job, lambda: Hint.objects.get(pk=job.pk).looked is not None)
    gate.open()
    assert is_complete(job)
    assert reported(job)[-1] == END
    assert len(reported(job)) >= 3


def test_what_was_said_while_the_server_was_away_comes_when_it_is_back_with_another_secret(
    server: Gunicorn, new_waiting: NewWaiting, condor_pool: TestPool
) -> None:
    server.kill()
    job, gate = new_waiting()
    until(job, lambda: outbox_of(job, condor_pool) > 1)
    assert reported(job) == []
    server.environment |= {
        "ROOST_FORMER_SECRET_KEYS": server.environment["ROOST_SECRET_KEY"],
        "ROOST_SECRET_KEY": secrets.token_hex(32),
    }
    server.start()
    until(job, lambda: len(reported(job)) > 1)
    assert reported(job)[0].startswith("Runs on exec")
    gate.open()
    assert is_complete(job)
    ids = Report.objects.filter(job_id=job.pk).order_by("id").values_list("nonce", flat=True)
    assert [nonce.rpartition("-")[2] for nonce in ids] == [str(number + 1) for number in range(len(ids))]


OUTBOXES = """
for task in $(grep -l TOKEN /var/lib/condor/execute/dir_*/.roost_task.json); do
    cat "${task%/*}/.roost_outbox" 2>/dev/null || :
done
"""


def outbox_of(job: Job, pool: TestPool) -> int:
    """How much waits on the node to be sent again."""
    look = OUTBOXES.replace("TOKEN", job.attempts.get().token)
    return sum(pool.run("sh", "-c", look, name=name, user="root").count("\n") for name in EXECUTE)


def test_reports_that_are_refused_and_such_as_never_arrive_leave_all_to_htcondors_log(
    server: Gunicorn, new_waiting: NewWaiting
) -> None:
    refused, gate = new_waiting()
    until(refused, lambda: reported(refused) != [])
    KeyVersion.objects.create(pk=refused.pk, version=1)
    gate.open()
    assert is_complete(refused)
    assert END not in reported(refused)
    server.kill()
    lost, gate = new_waiting()
    gate.open()
    assert is_complete(lost)
    assert reported(lost) == []
    assert [job.slices_done for job in (refused, lost)] == [4, 4]


def test_what_a_job_says_of_itself_does_not_complete_it(server: Gunicorn, new_job: NewJob) -> None:
    job = new_job("true")
    Path(job.parameters["executable"]).write_text(LIAR)
    job.execute()
    assert job.wait(timeout=SECONDS)
    assert (job.directory / "OUTPUT" / "0").read_text() == '{"success": true}\n'
    assert "All is well." in reported(job)
    assert (job.cached_status, job.attempts.get().exit_code) == ("Error", 3)


def test_the_nodes_of_a_workflow_report_with_their_names(server: Gunicorn, flow: NewFlow) -> None:
    job = flow(
        {
            "begin": {"executable": "true"},
            "end": {"executable": "true", "parents": ["begin"], "num_jobs": 6},
        }
    )
    job.execute()
    assert is_complete(job)
    told = reported(job)
    assert [line.partition(" on ")[0] for line in told] == [
        "begin: Runs",
        "begin: Its work has ended; results are",
        "end: Runs",
        "end: Its work has ended; results are",
    ]
