"""Callbacks over HTTP to a real server: what was answered is not lost, whatever is killed; the snippets of
the documentation, as typed."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from jobs_app import callbacks, conf
from jobs_app.lifecycle import hints
from jobs_app.management.commands.callbacks import key_of
from jobs_app.models import Attempt, AttemptPhase, Hint, Job, KeyVersion, Project, Scheduler
from tests.pool.waiting import wait_until
from tests.servers import postgres
from tests.unit.manager.conftest import NewApp, new_app

from .web_server import LONGEST, ROOT, Gunicorn, beside_the_test, environment, got, manage

__all__ = ["new_app"]

DOCS = ROOT / "docs" / "callbacks.md"

MAKE = """
import json
from jobs_app import callbacks
from jobs_app.models import Job, Project
project = Project.objects.create(name="p", path="/nonexistent", app="p")
rows = [Job(project=project, app="p", type="SCRIPT", name=f"{n}", _status="RUN") for n in range(50)]
Job.objects.bulk_create(rows)
print(json.dumps([[row.pk, callbacks.capability(row.pk)] for row in Job.objects.all()]))
"""
HEARD = "from jobs_app.models import Hint; print(sum(Hint.objects.values_list('heard', flat=True)))"


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: Any, tmp_path: Path) -> Iterator[dict[str, str]]:
    if request.param == "sqlite":
        yield environment(tmp_path / "home")
        return
    with postgres() as url:
        yield environment(tmp_path / "home", ROOST_DATABASE_URL=url)


def test_nothing_that_was_answered_is_lost_when_the_server_is_killed_in_a_storm(
    database: dict[str, str],
) -> None:
    manage(database, "migrate", "--verbosity", "0")
    jobs = eval(manage(database, "shell", "-v", "0", "-c", MAKE))
    server, answered, stop = Gunicorn(database), [0] * 8, threading.Event()

    def call(at: int) -> None:
        number = at
        while not stop.is_set():
            pk, key = jobs[number % len(jobs)]
            number += 1
            answer = got(f"{server.url}/update-job-status/{pk}/?key={key}")
            answered[at] += answer == b'{"success": true}'
            if answer is None:
                time.sleep(0.01)

    threads = [threading.Thread(target=call, args=(at,)) for at in range(len(answered))]
    for thread in threads:
        thread.start()
    try:
        for _ in range(2):
            enough = sum(answered) + 200
            wait_until(lambda enough=enough: sum(answered) >= enough, LONGEST, "200 answers")
            server.kill()
            server.start()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        server.kill()
    assert sum(answered) >= 400
    assert int(manage(database, "shell", "-v", "0", "-c", HEARD)) >= sum(answered)


# --- as typed ---------------------------------------------------------------------------------------------


def snippet(language: str, beginning: str) -> str:
    blocks = re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(), re.DOTALL)
    return next(block for block in blocks if block.startswith(beginning))


@pytest.fixture
def job(tmp_path: Path, alice: Any, live_server: Any, settings: Any) -> Job:
    settings.ROOST_PUBLIC_URL = live_server.url
    project = Project.objects.create(name="p", path=str(tmp_path / "p"), app="p")
    job = Job(project=project, app="p", type="EXTERNAL", name="j", user=alice, _status="SUB")
    job.number_of_attempts = 1
    job.save()
    Attempt.objects.create(job=job, number=1, token="e" * 32, phase=AttemptPhase.SENT)
    return Job.objects.get(pk=job.pk)


def written_key(job: Job, path: Path) -> None:
    from tests.unit.commands.conftest import manage as command

    assert command("callbacks", "key", str(job.pk), str(path)).code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert command("callbacks", "key", str(job.pk), str(path)).code == 2  # a file is never written over


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("language", "beginning", "name", "program"),
    [
        ("sh", "# report.sh", "job.key", ["sh", "report.sh"]),
        ("python", "import hashlib", "job.json", [sys.executable, "report.py"]),
    ],
)
def test_the_documented_ways_to_report_work_as_typed(
    job: Job, tmp_path: Path, language: str, beginning: str, name: str, program: list[str]
) -> None:
    written_key(job, tmp_path / name)
    (tmp_path / program[1]).write_text(snippet(language, beginning))
    for status in ("RUN", "COM"):
        body = f'{{"status": "{status}", "message": "it\'s 100 % é \\\\ $HOME `x`"}}'
        done = subprocess.run(
            [*program, name, body], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.stdout.strip() == '{"success": true}', done.stderr
        assert key_of(job)["key"] not in done.stdout + done.stderr
        assert Job.objects.values_list("_status", flat=True).get(pk=job.pk) == status


@pytest.mark.django_db(transaction=True)
def test_a_report_that_is_refused_is_not_tried_for_minutes(job: Job, tmp_path: Path) -> None:
    written_key(job, tmp_path / "job.key")
    KeyVersion.objects.create(pk=job.pk, version=1)
    (tmp_path / "report.sh").write_text(snippet("sh", "# report.sh"))
    command = ["sh", "report.sh", "job.key", '{"status": "RUN"}']
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "missing, wrong, or too old" in done.stdout


@pytest.mark.django_db(transaction=True)
def test_a_replaced_key_is_void_and_a_new_one_is_written(job: Job, tmp_path: Path) -> None:
    from tests.unit.commands.conftest import manage as command

    old = key_of(job)
    assert command("callbacks", "rotate", str(job.pk)).code == 0
    assert key_of(Job.objects.get(pk=job.pk))["key"] != old["key"]
    url = command("callbacks", "url", str(job.pk)).out.strip()
    assert url == callbacks.url(None, job.pk)
    with urllib.request.urlopen(url, timeout=60) as answer:
        assert answer.read() == b'{"success": true}'


# --- schedulers of other kinds ----------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path, settings: Any) -> Iterator[Gunicorn]:
    with beside_the_test(tmp_path / "server", settings) as server:
        yield server


@pytest.fixture
def external(alice: User, new_app: NewApp) -> Job:
    known: dict[str, Any] = {"job_manager": new_app().get_job_manager(), "user": alice}
    exec(snippet("python", "job = job_manager"), known)
    job = known["job"]
    assert isinstance(job, Job)
    return job


def status_of(job: Job) -> str:
    return Job.objects.get(pk=job.pk).cached_status


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("code", "end"), [(0, "Complete"), (3, "Error")])
def test_what_another_scheduler_runs_is_as_it_reports_though_the_server_dies_meanwhile(
    server: Gunicorn, external: Job, tmp_path: Path, code: int, end: str
) -> None:
    written_key(external, tmp_path / "job.key")
    for name in ("report", "run"):
        (tmp_path / f"{name}.sh").write_text(snippet("sh", f"# {name}.sh"))
    work = f"touch began; until test -e go; do sleep 0.1; done; exit {code}"
    command = ["sh", "run.sh", "job.key", "sh", "-c", work]
    assert status_of(external) == "Submitted"
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        wait_until((tmp_path / "began").exists, LONGEST, "the command to begin")
        assert status_of(external) == "Running"
        server.kill()
        (tmp_path / "go").touch()
        server.start()
        said, _ = process.communicate(timeout=LONGEST)
    assert said == 2 * '{"success": true}\n'
    assert process.returncode == code
    assert status_of(external) == end
    assert Attempt.objects.get(job=external).exit_code == code


@pytest.fixture
def sent(job: Job) -> Attempt:
    """A job that a pool has."""
    long_ago = timezone.now() - timedelta(minutes=5)
    Job.objects.filter(pk=job.pk).update(type="CONDORJOB", _status="RUN")
    Attempt.objects.update(scheduler=Scheduler.objects.create(name="far", kind="condor"), sent=long_ago)
    return Attempt.objects.get()


def curl(url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["curl", "-sS", url], capture_output=True, text=True, timeout=60, check=True)


@pytest.mark.django_db(transaction=True)
def test_a_look_that_was_asked_for_with_a_delay_comes_though_the_server_died(
    sent: Attempt, server: Gunicorn
) -> None:
    asked = timezone.now()
    assert curl(callbacks.url(None, sent.job_id) + "&delay=600").stdout == '{"success": true}'
    server.kill()
    due = Hint.objects.get(pk=sent.job_id).due
    assert due is not None
    assert due >= asked + timedelta(seconds=600)
    assert sent.scheduler_id is not None
    assert hints.take_due(sent.scheduler_id, due - timedelta(seconds=1)) == []
    assert hints.take_due(sent.scheduler_id, due) == [sent.token]


@pytest.mark.django_db(transaction=True)
def test_a_plain_curl_of_the_address_is_taken_until_a_while_after_the_end(
    sent: Attempt, server: Gunicorn
) -> None:
    url = callbacks.url(None, sent.job_id)
    over = Job.objects.filter(pk=sent.job_id)
    assert curl(url).stdout == '{"success": true}'
    over.update(_status="COM", completion_time=timezone.now())
    assert curl(url).stdout == '{"success": true}'
    over.update(completion_time=timezone.now() - timedelta(seconds=conf.callback_grace() + 5))
    assert curl(url).stdout == curl(url[:-1]).stdout
    assert "missing, wrong, or too old" in curl(url).stdout
