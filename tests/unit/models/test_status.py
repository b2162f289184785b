from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs_app.errors import UnknownJob
from jobs_app.models import BasicJob, CustomStatus, Job
from jobs_app.models.custom_status import is_final, status_code
from jobs_app.models.standing import OTHER_STATUS
from jobs_app.states import JOB_STATES

from .conftest import NewJob

pytestmark = pytest.mark.django_db


def set_row(job: Job, **columns: object) -> None:
    Job.objects.filter(pk=job.pk).update(**columns)


def test_status_reads_the_row_and_cached_status_does_not(new_job: NewJob) -> None:
    job = new_job()
    assert (job.status, job.cached_status) == ("Pending", "Pending")
    set_row(job, _status="RUN", slices_running=3)
    assert job.cached_status == "Pending"
    assert job.status == "Running"
    assert (job.cached_status, job.slices_running) == ("Running", 3)


@pytest.mark.parametrize("code", [code for code in JOB_STATES if code != "OTH"])
def test_a_status_is_shown_by_its_word(code: str, new_job: NewJob) -> None:
    job = new_job()
    set_row(job, _status=code)
    assert job.status == JOB_STATES[code].word


def test_a_status_of_the_apps_own_is_shown_by_its_text(new_job: NewJob) -> None:
    job = new_job(BasicJob, extended_properties={"a": 1})
    set_row(job, _status="OTH", other_status="Calibrating")
    assert job.status == "Calibrating"
    assert job.extended_properties == {"a": 1, OTHER_STATUS: "Calibrating"}
    assert Job.objects.get(pk=job.pk).extended_properties[OTHER_STATUS] == "Calibrating"


def test_an_old_copy_does_not_change_the_text_of_a_status(new_job: NewJob) -> None:
    old = new_job(BasicJob)
    set_row(old, _status="OTH", other_status="Calibrating")
    old.extended_properties = {OTHER_STATUS: "Sleeping"}
    old.save()
    row = Job.objects.get(pk=old.pk)
    assert (row.cached_status, row.extended_properties[OTHER_STATUS]) == ("Calibrating", "Calibrating")


def test_a_job_that_was_not_saved_is_pending(new_job: NewJob) -> None:
    assert BasicJob(name="new").status == "Pending"


def test_the_status_of_a_deleted_job_is_an_error(new_job: NewJob) -> None:
    job = new_job()
    Job.objects.filter(pk=job.pk).delete()
    with pytest.raises(UnknownJob, match="does not exist any more"):
        _ = job.status


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("COM", "COM"),
        ("complete", "COM"),
        ("Various-Complete", "VCP"),
        (" running ", "RUN"),
        ("Calibrating", "OTH"),
    ],
)
def test_a_status_may_be_said_by_code_or_word(text: str, code: str) -> None:
    assert status_code(text) == code


def test_custom_statuses_are_kept_with_what_they_mean() -> None:
    BasicJob.add_custom_pre_running_status("Queued twice")
    BasicJob.add_custom_running_status("Calibrating")
    BasicJob.add_custom_active_status("Dreaming")
    BasicJob.add_custom_terminal_status("Published")
    BasicJob.add_custom_terminal_status("Published")
    kept = dict(CustomStatus.objects.values_list("text", "category"))
    assert kept == {
        "Queued twice": "pre_running",
        "Calibrating": "running",
        "Dreaming": "active",
        "Published": "terminal",
    }
    assert is_final("Published", "demo")
    assert not is_final("Calibrating", "demo")
    assert not is_final("Never heard of", "demo")
    assert is_final("Complete", "demo")


def test_an_apps_own_meaning_of_a_status_goes_before_everybodys(new_job: NewJob) -> None:
    BasicJob.add_custom_running_status("Published")
    BasicJob.add_custom_terminal_status("Published", app="demo")
    assert is_final("Published", "demo")
    assert not is_final("Published", "other")
    job = new_job(BasicJob)
    set_row(job, _status="OTH", other_status="Published")
    assert Job.objects.get(pk=job.pk).is_final


def test_run_time_goes_from_the_start_to_the_end_or_until_now(new_job: NewJob) -> None:
    job = new_job()
    assert job.run_time == ""
    now = timezone.now()
    job.execute_time = now - timedelta(hours=2)
    assert job.run_time >= timedelta(hours=2)
    job.start_time, job.completion_time = now - timedelta(hours=1), now
    assert job.run_time == timedelta(hours=1)


def test_statuses_count_the_slices(new_job: NewJob) -> None:
    job = new_job(slices_total=10, slices_running=1, slices_done=2, slices_failed=3, slices_held=1)
    assert job.statuses == {"Submitted": 3, "Running": 1, "Complete": 2, "Error": 3, "Held": 1}
