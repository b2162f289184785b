"""What was or would be sent of a job, in HTCondor's own language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from jobs_app.compute import create_scheduler
from jobs_app.courier import Courier
from jobs_app.errors import Invalid
from jobs_app.lifecycle.described import described
from jobs_app.models import Attempt, Batch, Job, Scheduler
from jobs_app.pools.base import Sending, Sent

from .fake_pool import FakePool

NewJob = Callable[..., Job]


@pytest.fixture
def real(db: None) -> Scheduler:
    scheduler = create_scheduler("real", host="ap.example", username="roost")
    scheduler.save()
    return scheduler


def on(scheduler: Scheduler, job: Job) -> Job:
    job.scheduler = scheduler
    job.save()
    return job


def test_before_the_first_sending_it_is_what_would_be_sent(new_job: NewJob, real: Scheduler) -> None:
    attributes = {"rank": "Memory", "environment": {"A": "1"}}
    job = on(real, new_job(num_jobs=2, memory=64, arguments=["a b", "c"], attributes=attributes))
    job.parameters["attributes"].pop("environment")
    found = described(job)
    files = dict(found.files)
    assert not found.sent
    assert "request_memory = 64\n" in files["0.sub"]
    assert "rank = Memory\n" in files["0.sub"]
    assert files["0.sub"].endswith("queue attempt, slice, words from 0.rows\n")
    assert files["0.rows"].splitlines() == [f"{'0' * 32}, 0, run", f"{'0' * 32}, 1, run"]
    assert (job.address, job.frozen) == (None, False)


def test_afterwards_it_is_what_was_sent_whatever_the_templates_say_now(
    new_job: NewJob, real: Scheduler, courier: Courier, pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = new_job()
    send = pool.send

    def send_and_say(sending: Sending) -> Sent:
        mine = [sending.tasks[0].attempt]
        texts = (("JOB a 3.a.sub\n", mine, "3.dag"), ("executable = x\n", mine, "3.a.sub"))
        texts += (("another's\n", ["f" * 32], "0.sub"),)
        return replace(send(sending), descriptions=texts)

    monkeypatch.setattr(pool, "send", send_and_say)
    job.execute()
    courier.tick()
    Job.objects.update(scheduler=real)
    found = described(Job.objects.get(pk=job.pk))
    assert found.sent
    token = Attempt.objects.get().token
    sent = (("3.dag", "JOB a 3.a.sub\n"), ("3.a.sub", "executable = x\n"))
    assert found.files == (*sent, ("rows of this job", f"{token}, 0, run\n"))
    Batch.objects.update(descriptions=[["executable = y\n", [token]]])  # as an earlier version kept it
    assert described(Job.objects.get(pk=job.pk)).files[0] == ("0.sub", "executable = y\n")


def test_what_would_be_refused_says_so(new_job: NewJob, real: Scheduler) -> None:
    job = on(real, new_job(attributes={"log": "/tmp/x"}))
    with pytest.raises(Invalid, match="its own event log"):
        described(job)


def test_a_pool_that_takes_no_description_says_so(new_job: NewJob) -> None:
    with pytest.raises(Invalid, match="takes no submit description"):
        described(new_job())
