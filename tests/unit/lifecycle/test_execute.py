from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs_app import lifecycle
from jobs_app.courier import Courier
from jobs_app.errors import BadParameter, JobHeld, QuotaExceeded, WrongState
from jobs_app.jobdir import files
from jobs_app.models import Attempt, BasicJob, ExternalJob, History, Job, RetentionRule, SliceBlock

from .fake_pool import FakePool

NewJob = Callable[..., Job]


def test_execute_returns_at_once_and_says_what_the_job_waits_for(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job()
    job.execute()
    assert (job.status, job.status_message) == ("Submitted", "Waits to be sent to embedded.")
    assert job.execute_time is not None
    assert job.frozen
    assert pool.calls == []


def test_execute_makes_the_directory_with_its_state_point(new_job: NewJob, courier: Courier) -> None:
    job = new_job()
    job.execute()
    point = files.read_object(job.directory / "signac_statepoint.json")
    assert point == {"template": "CONDORJOB", "replica": job.pk}


def test_an_unsaved_job_is_saved_by_execute(new_job: NewJob, courier: Courier) -> None:
    saved = new_job()
    job = type(saved)(project=saved.project, app="demo", type="CONDORJOB", name="unsaved")
    job.parameters = {"executable": "/bin/true"}
    job.execute()
    assert Job.objects.get(pk=job.pk).status == "Submitted"


def test_a_job_is_executed_once(new_job: NewJob, courier: Courier) -> None:
    job = new_job()
    job.execute()
    with pytest.raises(WrongState, match=r"Cannot execute job .* it is Submitted.*resubmit"):
        job.execute()
    assert Attempt.objects.filter(job=job).count() == 1


def test_of_two_who_execute_the_same_job_one_does(new_job: NewJob, courier: Courier) -> None:
    job = new_job()
    one, other = Job.objects.get(pk=job.pk), Job.objects.get(pk=job.pk)
    lifecycle.execute(one)
    with pytest.raises(WrongState, match="it is Submitted"):
        lifecycle.execute(other)
    assert Attempt.objects.filter(job=job).count() == 1
    assert History.objects.filter(job=job).count() == 1


def test_a_directory_without_an_attempt_is_adopted(new_job: NewJob, courier: Courier) -> None:
    job = new_job()
    twin = Job.objects.get(pk=job.pk)
    lifecycle.execute(twin)
    Attempt.objects.all().delete()
    Job.objects.filter(pk=job.pk).update(_status="PEN", frozen=False, number_of_attempts=0, address=None)
    job.execute()
    assert job.directory == twin.directory


def test_on_a_full_disk_nothing_is_half_done(
    new_job: NewJob, courier: Courier, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = new_job()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("jobs_app.jobdir.statepoint.encoded", full)
    with pytest.raises(OSError, match="No space left"):
        job.execute()
    assert job.status == "Pending"
    assert not Attempt.objects.exists()
    assert list(job.project.workspace.iterdir()) == []
    monkeypatch.undo()


def test_a_job_without_an_executable_is_refused(new_job: NewJob, courier: Courier) -> None:
    job = new_job()
    job.parameters = {}
    with pytest.raises(BadParameter, match="has no executable"):
        job.execute()
    assert job.status == "Pending"


def test_the_spec_and_the_setup_are_there_before_the_pool_has_the_job(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job()
    job.execute()
    courier.tick()
    attempt = Attempt.objects.get(job=job)
    spec = files.read_object(job.paths.attempt(1).spec)
    assert (spec["attempt"], spec["job"], spec["number"]) == (attempt.token, f"demo-{job.pk}", 1)
    assert spec["present"] == [".roost", "signac_statepoint.json"]
    assert files.read_object(job.paths.setup)["jobid"] == f"demo-{job.pk}"


def test_what_is_sent_is_what_was_asked_for(new_job: NewJob, courier: Courier, pool: FakePool) -> None:
    job = new_job(
        arguments="-n '3 4' $(JOB_ID)", num_jobs=3, memory=256, retries=2, environment={"A": "b"}, priority=4
    )
    job.execute()
    courier.tick()
    (batch,) = pool.batches.values()
    (task,) = batch.tasks
    assert task.executable == "/bin/true"
    assert task.arguments == (("-n", "3 4", str(job.pk)),)
    assert [(step.name, step.slices) for step in task.steps] == [("run", 3)]
    assert (task.resources.memory_mb, task.retries, task.priority) == (256, 2, 4)
    assert task.environment == {"A": "b"}


def test_relative_inputs_are_those_of_the_workspace(
    new_job: NewJob, courier: Courier, pool: FakePool, tmp_path: Path
) -> None:
    job = new_job(remote_input_files=["input.csv", "/etc/hostname"])
    job.workspace = str(tmp_path)
    job.save()
    (tmp_path / "input.csv").touch()
    job.execute()
    courier.tick()
    (batch,) = pool.batches.values()
    assert batch.tasks[0].inputs == (str(tmp_path / "input.csv"), "/etc/hostname")


@pytest.mark.parametrize("name", ["/nowhere/a.csv", "/" + "x" * 300])
def test_an_input_that_is_not_there_is_said_at_once(new_job: NewJob, name: str) -> None:
    job = new_job(remote_input_files=["/etc/hostname", name])
    with pytest.raises(BadParameter, match=f"remote_input_files names '{name[:200]}'"):
        job.execute()
    assert (job.status, job.address) == ("Pending", None)


def test_an_input_that_another_job_may_still_leave_is_not_looked_for(new_job: NewJob) -> None:
    job = new_job(after=[new_job()], remote_input_files=["/nowhere/a.csv"])
    job.execute()
    assert job.status == "Submitted"


def test_what_lies_in_the_job_s_own_folder_is_looked_for_later(new_job: NewJob) -> None:
    job = new_job(remote_input_files=["a.csv", "$(JOB_WORKSPACE)/b.csv", "/nowhere/$$(x)"])
    job.execute()
    assert job.status == "Submitted"


def test_a_million_slices_are_245_rows(new_job: NewJob, courier: Courier) -> None:
    job = new_job(num_jobs=1_000_000)
    job.execute()
    assert SliceBlock.objects.count() == 245
    assert job.slice_counts().waiting == 1_000_000


@pytest.mark.parametrize("model", [BasicJob, ExternalJob])
def test_a_job_without_a_pool_waits_for_reports(new_job: NewJob, courier: Courier, model: type[Job]) -> None:
    job = new_job(model=model)
    job.execute()
    courier.tick()
    assert job.status == "Submitted"


# --- quotas -----------------------------------------------------------------------------------------------


def test_no_more_jobs_at_once_than_the_quota_says(new_job: NewJob, courier: Courier) -> None:
    RetentionRule.objects.create(app="demo", max_active=1)
    new_job("first").execute()
    second = new_job("second")
    with pytest.raises(QuotaExceeded, match=r"in demo may have 1 jobs at work at once.*Wait until"):
        second.execute()
    assert second.status == "Pending"


def test_a_quota_of_a_user_is_not_anothers(new_job: NewJob, courier: Courier) -> None:
    rule = RetentionRule.objects.create(user=new_job("first").user, max_active=0)
    nobodys = new_job("nobody's")
    nobodys.user = None
    nobodys.save()
    nobodys.execute()
    with pytest.raises(QuotaExceeded, match="alice"):
        Job.objects.filter(user=rule.user).first().execute()


def test_no_more_data_than_the_quota_says(new_job: NewJob, courier: Courier) -> None:
    Job.objects.filter(pk=new_job("big").pk).update(size_bytes=3 * 2**20)
    RetentionRule.objects.create(max_size_mb=2)
    with pytest.raises(QuotaExceeded, match="may keep 2 MB and keeps 3 MB"):
        new_job("more").execute()


# --- after ------------------------------------------------------------------------------------------------


def test_a_job_starts_after_another_is_complete(new_job: NewJob, courier: Courier, pool: FakePool) -> None:
    first = new_job("first")
    second = new_job("second", after=[first])
    second.execute()
    assert (second.status, second.status_message) == ("Submitted", "Waits for other jobs.")
    first.execute()
    courier.tick()
    assert pool.sent_jobs() == [first.pk]
    pool.runs(first)
    courier.tick()
    courier.tick()
    assert pool.sent_jobs() == [first.pk, second.pk]


def test_a_job_that_can_never_start_ends_and_names_the_reason(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    first = new_job("first")
    second = new_job("second", after=[first])
    third = new_job("third", after=[second])
    for job in (first, second, third):
        job.execute()
    courier.tick()
    pool.runs(first, [1])
    courier.tick()
    assert second.status == "Aborted"
    assert f"after job {first.pk}, which ended: Error" in second.status_message
    assert third.status == "Aborted"
    assert f"job {second.pk}" in third.status_message


def test_deleting_a_job_ends_those_that_wait_for_it(new_job: NewJob, courier: Courier) -> None:
    first = new_job("first")
    second = new_job("second", after=[first])
    second.execute()
    first.delete()
    assert second.status == "Aborted"
    assert "was deleted" in second.status_message


def test_a_basic_job_may_wait_for_another_too(new_job: NewJob, courier: Courier) -> None:
    first = new_job("first", model=BasicJob)
    second = new_job("second", model=BasicJob, after=[first])
    first.execute()
    second.execute()
    with pytest.raises(WrongState):
        second.update_status("RUN")
    first.update_status("COM")
    lifecycle.wait(first, 60)
    second.update_status("RUN")
    assert second.status == "Running"


# --- wait -------------------------------------------------------------------------------------------------


def test_waiting_for_a_job_that_was_not_executed_is_an_error(new_job: NewJob, courier: Courier) -> None:
    with pytest.raises(WrongState, match="not executed yet"):
        new_job().wait(60)


def test_waiting_ends_with_its_time(new_job: NewJob, courier: Courier) -> None:
    job = new_job(model=BasicJob)
    job.execute()
    assert job.wait(0.01) is False


def test_waiting_for_a_held_job_is_an_error_that_says_the_cure(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job()
    job.execute()
    job.pause()
    with pytest.raises(JobHeld, match=r"is Paused: Paused by program. It goes on when it is resumed"):
        job.wait(60)


def test_waiting_for_what_an_administrator_has_paused_is_an_error_that_says_so(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    courier.link.scheduler.paused = "moving to a new building"
    courier.link.scheduler.save()
    job = new_job()
    job.execute()
    with pytest.raises(JobHeld, match="its scheduler embedded is paused: moving to a new building"):
        job.wait(60)


def test_waiting_for_a_job_whose_predecessor_nobody_executed_is_an_error_that_names_it(
    new_job: NewJob, courier: Courier
) -> None:
    first = new_job("first")
    second = new_job("second", after=[first])
    second.execute()
    with pytest.raises(JobHeld, match=rf"it waits for job {first.pk} \('first'\), which was not executed"):
        second.wait(60)
