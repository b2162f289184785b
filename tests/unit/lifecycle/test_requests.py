"""A running part asks for a subjob, and gets its answer, whoever dies meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from jobs_app import courier as couriers
from jobs_app.courier import Courier
from jobs_app.errors import UnknownMethod
from jobs_app.lifecycle.requests import serve
from jobs_app.models import Attempt, Job, SubjobRequest
from jobs_app.pools.base import EventKind, Refused

from .fake_pool import FakePool

NewJob = Callable[..., Job]

WANTED = {"id": "r1", "kind": "build", "method": "mean", "options": {"n": 3}}


class Builder:
    """Builds executables' jobs, and remembers what was asked."""

    def __init__(self, new_job: NewJob) -> None:
        self.new_job = new_job
        self.asked: list[Mapping[str, Any]] = []
        self.built: list[Job] = []

    def __call__(self, parent: Job, wanted: Mapping[str, Any]) -> Job:
        self.asked.append(wanted)
        if wanted["method"] == "unknown":
            raise UnknownMethod("There is no method 'unknown'.")
        job = self.new_job("subjob")
        Job.objects.filter(pk=job.pk).update(parent=parent)
        job.execute()
        self.built.append(job)
        return job


@pytest.fixture
def builder(new_job: NewJob, monkeypatch: pytest.MonkeyPatch) -> Builder:
    builder = Builder(new_job)
    monkeypatch.setattr(couriers, "_build", builder)
    return builder


@pytest.fixture
def parent(new_job: NewJob, courier: Courier, pool: FakePool) -> Job:
    job = new_job("parent")
    job.execute()
    courier.tick()
    pool.happens(job, EventKind.STARTED)
    return job


def asks(parent: Job, courier: Courier, pool: FakePool, **wanted: Any) -> None:
    pool.happens(parent, EventKind.REQUEST, data={**WANTED, **wanted})
    courier.tick()


def test_a_subjob_is_built_and_the_answer_comes_when_it_is_complete(
    parent: Job, courier: Courier, pool: FakePool, builder: Builder
) -> None:
    asks(parent, courier, pool)
    assert builder.asked[0]["options"] == {"n": 3}
    assert pool.answers == []
    courier.tick()
    (subjob,) = builder.built
    pool.runs(subjob)
    courier.tick()
    courier.tick()
    token = Attempt.objects.get(job=parent).token
    answer = {"job": subjob.jobid, "path": str(subjob.directory), "ok": True, "was_built": True}
    assert pool.answers == [(token, "r1", answer)]


def test_what_was_asked_is_built_once_however_often_it_is_heard(
    parent: Job, courier: Courier, pool: FakePool, builder: Builder
) -> None:
    asks(parent, courier, pool)
    asks(parent, courier, pool)
    assert len(builder.asked) == 1
    assert SubjobRequest.objects.count() == 1


def test_a_subjob_that_cannot_be_built_is_an_error_for_the_part(
    parent: Job, courier: Courier, pool: FakePool, builder: Builder
) -> None:
    asks(parent, courier, pool, method="unknown")
    assert [answer for _, _, answer in pool.answers] == [{"error": "There is no method 'unknown'."}]


def test_a_subjob_that_fails_is_an_error_for_the_part(
    parent: Job, courier: Courier, pool: FakePool, builder: Builder
) -> None:
    asks(parent, courier, pool)
    courier.tick()
    (subjob,) = builder.built
    pool.runs(subjob, [3])
    courier.tick()
    courier.tick()
    ((_, _, answer),) = pool.answers
    assert f"The subjob {subjob.jobid} ended: Error" in answer["error"]
    assert "exit code 3" in answer["error"]


def test_an_answer_that_did_not_arrive_is_given_again_by_the_next_courier(
    parent: Job, courier: Courier, pool: FakePool, builder: Builder
) -> None:
    asks(parent, courier, pool)
    courier.tick()
    pool.runs(builder.built[0])
    pool.breaks_before = {"answer"}
    courier.tick()
    courier.tick()
    assert pool.answers == []
    pool.breaks_before = set()
    courier.close()
    from .test_send import time_passes

    time_passes(courier)
    other = Courier(courier.link.scheduler)
    assert other.take()
    other.tick()
    assert len(pool.answers) == 1
    assert len(builder.built) == 1
    other.close()


def test_a_chain_of_jobs_that_would_wait_for_its_first_one_is_named(
    parent: Job, courier: Courier, pool: FakePool, builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks(parent, courier, pool)
    courier.tick()
    (child,) = builder.built
    asks(child, courier, pool)
    courier.tick()
    grandchild = builder.built[1]
    monkeypatch.setattr(couriers, "_build", lambda *_: parent)
    asks(grandchild, courier, pool)
    ((token, _, answer),) = pool.answers
    assert token == Attempt.objects.get(job=grandchild).token
    assert answer["error"].endswith(
        f"neither would ever end. subjob ({grandchild.jobid}) builds parent ({parent.jobid}) "
        f"builds subjob ({child.jobid}) builds subjob ({grandchild.jobid})."
    )


def test_subjobs_lie_five_deep_at_most(
    new_job: NewJob, courier: Courier, pool: FakePool, builder: Builder
) -> None:
    parent = None
    for depth in range(5):
        job = new_job(f"depth {depth}")
        Job.objects.filter(pk=job.pk).update(parent=parent)
        parent = job
    deepest = Job.objects.get(pk=job.pk)
    deepest.execute()
    courier.tick()
    asks(deepest, courier, pool)
    ((_, _, answer),) = pool.answers
    assert "5 deep" in answer["error"]
    assert builder.asked == []


def test_what_cannot_be_sent_to_the_part_that_waits_is_said_to_it_and_no_fault_of_the_link(
    parent: Job, courier: Courier, pool: FakePool, builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(attempt: str, request: str, answer: Mapping[str, Any]) -> None:
        if "path" in answer:
            raise Refused("The name of the input 'a\\nb' contains a line break. Rename the file.")
        pool.answers.append((attempt, request, answer))

    monkeypatch.setattr(pool, "answer", answer)
    asks(parent, courier, pool)
    courier.tick()
    pool.runs(builder.built[0])
    courier.tick()
    assert serve(courier.link, builder) or pool.answers
    serve(courier.link, builder)
    ((_, _, said),) = pool.answers
    assert "contains a line break" in said["error"]
    assert courier.link.scheduler.failures == 0
