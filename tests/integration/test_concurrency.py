"""Many at once, on whatever database the tests run: one of them does it, the others hear so."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from jobs_app import lifecycle
from jobs_app.compute import embedded
from jobs_app.courier import Courier
from jobs_app.errors import WrongState
from jobs_app.lifecycle import link
from jobs_app.models import Attempt, AttemptPhase, CondorJob, History, Job, Project, Scheduler
from tests.unit.lifecycle.fake_pool import FakePool

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 8


@pytest.fixture
def pool(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> FakePool:
    settings.ROOST_HOME = tmp_path
    fake = FakePool()
    monkeypatch.setitem(link.OPENERS, "embedded", lambda scheduler: fake)
    return fake


@pytest.fixture
def project(tmp_path: Path, pool: FakePool) -> Project:
    embedded()
    return Project.objects.create(name="demo", path=str(tmp_path / "projects" / "demo"), app="demo")


def new_job(project: Project, name: str = "work") -> Job:
    job = CondorJob(project=project, app="demo", type="CONDORJOB", name=name)
    job.parameters = {"executable": "/bin/true"}
    job.save()
    return job


def at_once(work: Callable[[int], object], count: int = MANY) -> Counter[str]:
    """How often the threads came to which end: "done", or the name of the error."""
    ends: Counter[str] = Counter()
    gate = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            gate.wait()
            work(number)
            ends["done"] += 1
        except Exception as error:  # noqa: BLE001 - counted, and asserted upon by the test
            ends[type(error).__name__] += 1
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return ends


def test_many_execute_one_job_and_one_does(project: Project) -> None:
    job = new_job(project)
    ends = at_once(lambda _: lifecycle.execute(Job.objects.get(pk=job.pk)))
    assert ends == {"done": 1, "WrongState": MANY - 1}
    assert Attempt.objects.filter(job=job).count() == 1
    assert [path.name for path in project.workspace.iterdir()] == [Job.objects.get().address]


def test_many_resubmit_one_job_and_one_does(project: Project) -> None:
    job = new_job(project)
    job.execute()
    job.stop()
    ends = at_once(lambda _: lifecycle.resubmit(Job.objects.get(pk=job.pk)))
    assert ends == {"done": 1, "WrongState": MANY - 1}
    assert Attempt.objects.filter(job=job).count() == 2


def test_many_stop_and_delete_one_job(project: Project) -> None:
    job = new_job(project)
    job.execute()

    def stop_or_delete(number: int) -> None:
        row = Job.objects.get(pk=job.pk)
        lifecycle.stop(row) if number % 2 else lifecycle.delete(row)

    ends = at_once(stop_or_delete)
    assert set(ends) <= {"done", "WrongState", "DoesNotExist"}
    assert not Attempt.objects.exclude(phase=AttemptPhase.FINAL).exists()


def test_many_couriers_want_the_lease_and_one_has_it(project: Project) -> None:
    couriers = [Courier(embedded()) for _ in range(MANY)]
    taken: list[int] = []

    def take(number: int) -> None:
        if couriers[number].take():
            taken.append(number)

    at_once(take)
    assert len(taken) == 1


def test_two_couriers_that_both_believe_in_their_lease_send_nothing_twice(
    project: Project, pool: FakePool
) -> None:
    """As after a long sleep of the machine: conditional updates hold where leases do not."""
    jobs = [new_job(project, f"job {number}") for number in range(30)]
    for job in jobs:
        job.execute()
    couriers = [Courier(embedded()) for _ in range(4)]
    for courier in couriers:
        Scheduler.objects.update(courier="")
        assert courier.take()
    at_once(lambda number: couriers[number].tick(), 4)
    assert sorted(pool.sent_jobs()) == [job.pk for job in jobs]


def test_stopping_while_events_are_recorded_never_locks_up(project: Project, pool: FakePool) -> None:
    jobs = [new_job(project, f"job {number}") for number in range(12)]
    for job in jobs:
        job.execute()
    courier = Courier(embedded())
    assert courier.take()
    courier.tick()

    def work(number: int) -> None:
        if number == 0:
            for job in jobs:
                pool.runs(job)
                courier.tick()
        else:
            for job in jobs[number::3]:
                try_to_stop(job)

    assert at_once(work, 4) == {"done": 4}
    courier._looked = 0.0
    courier.tick()
    assert {job.status for job in jobs} <= {"Complete", "Aborted"}
    endings = History.objects.filter(after__in=("COM", "ABT")).values_list("job", flat=True)
    assert sorted(endings) == [job.pk for job in jobs]


def try_to_stop(job: Job) -> None:
    try:
        lifecycle.stop(job)
    except WrongState:
        return


def test_two_jobs_that_end_at_once_release_the_one_that_waits_for_both(
    project: Project, pool: FakePool
) -> None:
    first, second = new_job(project, "first"), new_job(project, "second")
    third = CondorJob(project=project, app="demo", type="CONDORJOB", name="third")
    third.parameters = {"executable": "/bin/true"}
    third.link(after=[first, second])
    third.save()
    for job in (first, second, third):
        job.execute()
    ends = at_once(lambda number: lifecycle.stop((first, second)[number]), 2)
    assert ends == {"done": 2}
    assert third.status == "Aborted"
