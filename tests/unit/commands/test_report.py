from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from jobs_app import bug_report, callbacks, tokens
from jobs_app.models import Attempt, History, Scheduler

from .conftest import manage

SECRETS = {
    "password": "correct-horse-battery",
    "private_key": "-----BEGIN PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\n-----END PRIVATE KEY-----",
    "private_key_pass": "opens-the-key",
}


@pytest.fixture
def job(make_job, settings):
    settings.ROOST_METRICS_TOKEN = "for-prometheus-only"
    scheduler = Scheduler.objects.create(name="cluster", kind="condor", host="submit.example", **SECRETS)
    job = make_job(_status="ERR", number_of_attempts=1, scheduler=scheduler)
    job.parameters = {"environment": {"WEATHER": "environment-value"}, "options": {"api_key": "in-an-option"}}
    type(job).objects.filter(pk=job.pk).update(parameters=job.parameters)
    Attempt.objects.create(job=job, number=1, token="a" * 32, scheduler=scheduler, reason="out of memory")
    History.objects.create(job=job, actor="alice", why="Executed.", after="SUB")
    return job


def everything(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        return {
            member.name.partition("/")[2]: archive.extractfile(member).read().decode() for member in archive
        }


def test_no_secret_is_in_it_wherever_it_stood(job, alice, settings, tmp_path):
    _, token = tokens.make("x", alice, ["jobs:read"])
    known = [
        *(line for text in SECRETS.values() for line in text.splitlines() if "KEY---" not in line),
        settings.SECRET_KEY,
        "for-prometheus-only",
        callbacks.capability(job.pk),
        callbacks.report_key(job.pk, "1.0"),
        token,
        "environment-value",
        "in-an-option",
        "whsec_ab+/" + "Ab/+" * 9 + "8Q=",
        "typed-by-somebody",
        "in-an-address",
        "of-a-header",
    ]
    lines = [*known[:-3], "PASSWORD=typed-by-somebody", "postgres://u:in-an-address@host/db"]
    lines.append("Authorization: Bearer of-a-header")
    for name in ("OUTPUT/0", ".roost/attempts/1/errors/0.json", ".roost/attempts/1/spec.json"):
        path = job.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines))
    (job.directory / ".roost/attempts/1/report.json").write_text(callbacks.report_key(job.pk, "1.0"))
    History.objects.create(job=job, actor="pool", why=" ".join(lines))
    assert manage("jobs", "report", str(job.pk), "--into", str(tmp_path / "r.tar.gz")).code == 0
    found = everything(tmp_path / "r.tar.gz")
    assert {name: [each for each in known if each in text] for name, text in found.items()} == {
        name: [] for name in found
    }
    assert bug_report.REMOVED in found["OUTPUT/0"]


def test_what_helps_is_in_it(job, tmp_path):
    (job.directory / "OUTPUT").mkdir(parents=True)
    (job.directory / "OUTPUT" / "0").write_text("x" * 100_000 + "the end\n")
    manage("jobs", "report", str(job.pk), "--into", str(tmp_path / "r.tar.gz"))
    found = everything(tmp_path / "r.tar.gz")
    rows = json.loads(found["rows.json"])
    assert rows["job"][0]["_status"] == "ERR"
    assert rows["attempts"][0]["reason"] == "out of memory"
    assert rows["history"][0]["why"] == "Executed."
    assert json.loads(found["scheduler.json"])[0]["host"] == "submit.example"
    assert found["OUTPUT/0"].endswith("the end\n")
    assert len(found["OUTPUT/0"]) == bug_report.TAIL
    assert "python" in found["versions.json"]


def test_a_link_out_of_the_job_is_not_followed(job, tmp_path):
    (tmp_path / "other").write_text("somebody else's")
    (job.directory / "OUTPUT").mkdir(parents=True)
    (job.directory / "OUTPUT" / "0").symlink_to(tmp_path / "other")
    manage("jobs", "report", str(job.pk), "--into", str(tmp_path / "r.tar.gz"))
    assert not any("somebody else's" in text for text in everything(tmp_path / "r.tar.gz").values())


def test_it_is_for_its_owner_alone_and_nothing_is_written_over(job, tmp_path):
    path = tmp_path / "r.tar.gz"
    manage("jobs", "report", str(job.pk), "--into", str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert manage("jobs", "report", str(job.pk), "--into", str(path)).code == 2
    assert manage("jobs", "report", "999999").code == 3
