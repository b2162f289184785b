"""Logs of slices that run on another machine: what is here by now, and the courier is told to bring more."""

from __future__ import annotations

import pytest
from django.utils import timezone

from jobs_app.lifecycle import blocks, errands, live
from jobs_app.lifecycle.work import Work
from jobs_app.models import Attempt, AttemptPhase, Scheduler
from jobs_app.pools.base import PoolUnreachable, Step


@pytest.fixture
def asked(monkeypatch):
    questions = []
    monkeypatch.setattr(errands, "ask", lambda _, kind, question, *__: questions.append((kind, question)))
    return questions


@pytest.fixture
def job(make_job):
    """With one slice, which has printed ten bytes on a pool so far."""
    pool = Scheduler.objects.create(name="ruby", kind=Scheduler.CONDOR)
    job = make_job(type="CONDORJOB", scheduler=pool, _status="RUN", number_of_attempts=1)
    job.directory.mkdir(parents=True)
    work = Work(steps=(Step("run", 1),))
    attempt = Attempt.objects.create(
        job=job,
        number=1,
        token="t" * 32,
        phase=AttemptPhase.SENT,
        scheduler=pool,
        started=timezone.now(),
        work=work.to_json(),
    )
    blocks.create(attempt, work.steps)
    live.spot_of(job, attempt, "run", 0).write_down(running=True)
    live.spot_of(job, attempt, "run", 0).put("0", 0, b"0123456789")
    return job


def test_what_came_is_shown_by_ranges_and_more_is_asked_for(api_of, alice, job, asked):
    client, path = api_of(alice), f"/jobs/{job.pk}/logs/0"
    answer = client.call("GET", path, Range="bytes=4-")
    assert (answer.status_code, answer.content, answer.headers["X-Ended"]) == (206, b"456789", "0")
    assert asked[0] == ("live", {"step": "run", "slice": 0})
    answer = client.call("GET", path, Range="bytes=10-")
    assert (answer.status_code, answer.headers["X-Ended"]) == (416, "0")


def test_to_list_the_parts_asks_no_pool(api_of, alice, job, asked):
    listed = api_of(alice).call("GET", f"/jobs/{job.pk}/logs").json()["parts"]
    assert (listed, asked) == ([{"part": "0", "size": 10}], [])


def test_a_pool_out_of_reach_is_told(api_of, alice, job, monkeypatch):
    def away(*_, **__):
        raise PoolUnreachable("ruby is out of reach")

    monkeypatch.setattr(errands, "ask", away)
    answer = api_of(alice).call("GET", f"/jobs/{job.pk}/logs/0")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "out of reach" in answer.json()["detail"]
