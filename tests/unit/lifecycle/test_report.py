"""Jobs that no pool of ours runs: their status is what an app or an outside scheduler says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jobs_app import lifecycle
from jobs_app.courier import Courier
from jobs_app.errors import WrongState
from jobs_app.models import Attempt, BasicJob, CustomStatus, ExternalJob, Job
from jobs_app.models.custom_status import StatusCategory

from .fake_pool import FakePool
from .test_finish import process, processed

NewJob = Callable[..., Job]

shown: list[float | None] = []


def look(job: Job) -> None:
    """What is shown of the job while its results are processed."""
    shown.append(Job.objects.get(pk=job.pk).progress)


@pytest.fixture
def external(new_job: NewJob, courier: Courier) -> Job:
    job = new_job(model=ExternalJob)
    job.execute()
    return job


def test_reports_move_an_external_job_to_its_end(external: Job) -> None:
    lifecycle.report(external, "RUN", "step 3 of 9", slices_done=3)
    assert (external.status, external.status_message, external.slices_done) == ("Running", "step 3 of 9", 3)
    lifecycle.report(external, "Complete", "all nine steps")
    assert external.status == "Complete"
    assert external.completion_time is not None
    assert external.history.last().actor == "its scheduler"


def test_a_report_of_an_error_says_why(external: Job) -> None:
    lifecycle.report(external, "ERR", "the model diverged", exit_code=7)
    assert (external.status, external.status_message) == ("Error", "the model diverged")
    assert Attempt.objects.get(job=external).exit_code == 7


def test_nothing_is_reported_after_the_end(external: Job) -> None:
    lifecycle.report(external, "COM")
    with pytest.raises(WrongState, match="it is Complete"):
        lifecycle.report(external, "RUN")
    with pytest.raises(WrongState, match="it is Complete"):
        lifecycle.report(external, "ERR")
    assert external.status == "Complete"


def test_nothing_is_reported_of_a_job_that_was_not_executed(new_job: NewJob, courier: Courier) -> None:
    job = new_job(model=ExternalJob)
    with pytest.raises(WrongState, match="Execute it first"):
        lifecycle.report(job, "RUN")


def test_a_report_about_a_job_with_a_pool_is_a_hint_only(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job()
    job.execute()
    courier.tick()
    lifecycle.report(job, "COM", "done, believe me")
    assert job.status == "Submitted"
    with pytest.raises(WrongState, match="its pool says how it is"):
        job.update_status("COM")


def test_what_cannot_be_kept_is_refused(external: Job) -> None:
    lifecycle.report(external, "COM")
    for late in ({"message": "half way"}, {"progress": 50.0}, {"slices_done": 1}, {}):
        with pytest.raises(WrongState, match="it is Complete"):
            lifecycle.report(external, **late)


def test_nothing_is_kept_after_an_end_of_the_apps_own(external: Job) -> None:
    CustomStatus.add("Calibrated", StatusCategory.TERMINAL, "demo")
    lifecycle.report(external, "Calibrated")
    with pytest.raises(WrongState, match="Execute it first; after its end, resubmit it"):
        lifecycle.report(external, progress=50.0)


def test_progress_ends_with_the_job_whoever_ends_it(new_job: NewJob, courier: Courier) -> None:
    for end in (Job.stop, lambda job: lifecycle.report(job, "COM", progress=99.0)):
        job = new_job(model=ExternalJob)
        job.execute()
        lifecycle.report(job, "RUN", progress=73.5)
        assert Job.objects.get(pk=job.pk).progress == 73.5
        end(job)
        job.refresh_from_db()
        assert (job.is_final, job.progress) == (True, None)


def test_progress_ends_while_results_are_processed(new_job: NewJob, courier: Courier) -> None:
    shown.clear()
    job = new_job(model=ExternalJob)
    job.process_results_function = look
    job.save()
    job.execute()
    lifecycle.report(job, "RUN", progress=73.5)
    lifecycle.report(job, "COM")
    assert shown == [None]


def test_the_results_function_of_a_reported_job_runs_too(new_job: NewJob, courier: Courier) -> None:
    processed.clear()
    job = new_job(model=ExternalJob)
    job.process_results_function = process
    job.save()
    job.execute()
    lifecycle.report(job, "COM")
    assert job.status == "Complete"
    assert processed == [job.pk]


def test_an_app_sets_the_status_of_its_basic_job(new_job: NewJob, courier: Courier) -> None:
    job = new_job(model=BasicJob)
    job.update_status("Running")
    assert job.status == "Running"
    job.update_status("COM")
    assert job.status == "Complete"


def test_a_status_of_the_apps_own_is_kept_and_may_be_final(new_job: NewJob, courier: Courier) -> None:
    CustomStatus.add("Calibrating", StatusCategory.RUNNING, "demo")
    CustomStatus.add("Calibrated", StatusCategory.TERMINAL, "demo")
    job = new_job(model=BasicJob)
    job.execute()
    job.update_status("Calibrating")
    assert (job.status, job.is_final) == ("Calibrating", False)
    job.update_status("Calibrated")
    assert (job.status, job.is_final) == ("Calibrated", True)
    job.resubmit()
    assert job.status == "Submitted"
