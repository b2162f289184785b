from __future__ import annotations

import hashlib
import hmac
import json
import time

import pytest

from jobs_app import callbacks, lifecycle
from jobs_app.models import Attempt, Scheduler
from jobs_app.web import update_job_status


@pytest.fixture
def nudged(monkeypatch) -> list[int]:
    calls: list[int] = []
    monkeypatch.setattr(update_job_status, "nudge", calls.append)
    return calls


@pytest.fixture
def reported(monkeypatch) -> list[tuple[int, str, str]]:
    calls = []
    monkeypatch.setattr(
        lifecycle,
        "report",
        lambda job, status, message="": calls.append((job.pk, status, message)),
        raising=False,
    )
    return calls


@pytest.fixture
def sent_job(make_job):
    job = make_job(_status="RUN", number_of_attempts=1)
    scheduler, _ = Scheduler.objects.get_or_create(name="embedded", defaults={"kind": "embedded"})
    Attempt.objects.create(job=job, number=1, token="a" * 32, scheduler=scheduler)
    return job


def address(pk: int, key: str | None = None) -> str:
    return f"/update-job-status/{pk}/?key={callbacks.capability(pk) if key is None else key}"


@pytest.mark.parametrize("method", ["get", "post"])
def test_whoever_has_the_address_may_hasten_a_look(client, sent_job, nudged, method):
    response = getattr(client, method)(address(sent_job.pk))
    assert response.json() == {"success": True}
    assert nudged == [Attempt.objects.get().scheduler_id]


def test_a_call_changes_nothing_by_itself(client, sent_job, nudged):
    client.get(address(sent_job.pk) + "&status=COM")
    sent_job.refresh_from_db()
    assert sent_job._status == "RUN"


def test_a_wrong_signature_does_not_tell_whether_the_job_exists(client, sent_job, nudged):
    answers = [
        client.get(address(pk, key))
        for pk in (sent_job.pk, 999_999)
        for key in ("", "x", callbacks.capability(sent_job.pk + 1))
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert len({answer.content for answer in answers}) == 1
    assert nudged == []


def report(client, job, said, *, key_of=None, at=None, body=None):
    stamp = str(int(time.time()) if at is None else at)
    content = json.dumps(said).encode()
    text = f"{job.pk}.{stamp}.".encode() + content
    key = callbacks.report_key(key_of or job.pk).encode()
    signature = hmac.new(key, text, hashlib.sha256).hexdigest()
    headers = {"X-Roost-Timestamp": stamp, "X-Roost-Signature": signature}
    return client.post(
        f"/update-job-status/{job.pk}/", body or content, content_type="application/json", headers=headers
    )


def test_the_signed_report_of_an_external_job_is_recorded(client, make_job, reported):
    job = make_job(type="EXTERNAL")
    response = report(client, job, {"status": "RUN", "message": "half way"})
    assert response.json() == {"success": True}
    assert reported == [(job.pk, "RUN", "half way")]


def test_a_report_signed_with_another_jobs_key_is_refused(client, make_job, reported):
    job = make_job(type="EXTERNAL")
    assert report(client, job, {"status": "COM"}, key_of=job.pk + 1).status_code == 403
    assert reported == []


def test_a_report_that_was_changed_on_its_way_is_refused(client, make_job, reported):
    job = make_job(type="EXTERNAL")
    assert report(client, job, {"status": "ERR"}, body=b'{"status": "COM"}').status_code == 403
    assert reported == []


@pytest.mark.parametrize("age", [-callbacks.BELIEVED_SECONDS - 5, callbacks.BELIEVED_SECONDS + 5])
def test_an_old_report_is_not_believed_again(client, make_job, reported, age):
    job = make_job(type="EXTERNAL")
    assert report(client, job, {"status": "COM"}, at=int(time.time()) - age).status_code == 403
    assert reported == []


def test_a_job_that_has_a_pool_is_never_completed_by_a_report(client, make_job, reported):
    assert report(client, make_job(type="SCRIPT"), {"status": "COM"}).status_code == 409
    assert reported == []


@pytest.mark.parametrize("said", [[], {}, {"status": 5}, {"status": "RUN", "message": []}])
def test_a_report_without_sense_is_refused_with_the_form_it_should_have(client, make_job, reported, said):
    response = report(client, make_job(type="EXTERNAL"), said)
    assert response.status_code == 400
    assert "must be" in response.json()["error"]
    assert reported == []


def test_the_capability_alone_cannot_report(client, make_job, reported, nudged):
    job = make_job(type="EXTERNAL")
    client.post(address(job.pk), json.dumps({"status": "COM"}), content_type="application/json")
    assert reported == []
