"""A save() writes what belongs to its caller, and cannot undo what the lifecycle has written."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from jobs_app.errors import UnknownJob, WrongState
from jobs_app.models import BasicJob, Job
from jobs_app.models.job import CALLERS, UNTIL_FROZEN

from .conftest import NewJob

pytestmark = pytest.mark.django_db

LIFECYCLES: dict[str, Any] = {
    "_status": "ABT",
    "other_status": "Thinking",
    "status_message": "Stopped by bob.",
    "number_of_attempts": 3,
    "frozen": True,
    "slices_running": 1,
    "slices_done": 2,
    "slices_failed": 3,
    "slices_held": 4,
    "progress": 6.5,
    "size_bytes": 5,
    "execute_time": timezone.now(),
    "start_time": timezone.now(),
    "completion_time": timezone.now(),
}


@pytest.mark.parametrize("column", LIFECYCLES)
def test_an_old_copy_does_not_undo(column: str, new_job: NewJob) -> None:
    old = Job.objects.get(pk=new_job().pk)
    Job.objects.filter(pk=old.pk).update(**{column: LIFECYCLES[column]})
    old.description = "changed"
    old.save()
    row = Job.objects.get(pk=old.pk)
    assert getattr(row, column) == LIFECYCLES[column]
    assert row.description == "changed"


def test_every_column_belongs_to_somebody() -> None:
    fixed = {"id", "project", "app", "type", "creation_time"}
    columns = {field.name for field in Job._meta.concrete_fields if not field.generated}
    assert columns == fixed | set(LIFECYCLES) | set(CALLERS) | set(UNTIL_FROZEN)
    assert not set(LIFECYCLES) & (set(CALLERS) | set(UNTIL_FROZEN))


@pytest.mark.parametrize("column", LIFECYCLES)
def test_naming_a_column_of_the_lifecycle_is_refused(column: str, new_job: NewJob) -> None:
    job = new_job()
    with pytest.raises(WrongState, match="the lifecycle alone changes it"):
        job.save(update_fields=[column])


def test_only_the_named_columns_are_written(new_job: NewJob) -> None:
    job = new_job()
    job.name, job.description = "new name", "new description"
    job.save(update_fields=["name"])
    row = Job.objects.get(pk=job.pk)
    assert (row.name, row.description) == ("new name", "")


def test_parameters_may_change_until_the_first_execute(new_job: NewJob) -> None:
    job = new_job()
    job.set_attribute("requirements", "big")
    job.num_jobs = 7
    job.save()
    row = Job.objects.get(pk=job.pk)
    assert (row.get_attribute("requirements"), row.slices_total) == ("big", 7)


def test_a_copy_from_before_the_execute_cannot_change_the_parameters(new_job: NewJob, bob: User) -> None:
    old = Job.objects.get(pk=new_job().pk)
    Job.objects.filter(pk=old.pk).update(frozen=True, workspace="/there", slices_total=9)
    old.user = bob
    old.set_attribute("executable", "other")
    with pytest.raises(WrongState, match=r"parameters of job .* cannot be changed any more: it was executed"):
        old.save()
    row = Job.objects.get(pk=old.pk)
    assert (row.parameters, row.user) == ({}, old.project.jobs.get().user)
    assert row.user != bob


def test_a_copy_from_before_the_execute_may_still_change_what_is_the_callers(new_job: NewJob) -> None:
    old = Job.objects.get(pk=new_job().pk)
    Job.objects.filter(pk=old.pk).update(frozen=True, workspace="/there", slices_total=9)
    old.extended_properties = {"seen": True}
    old.save()
    row = Job.objects.get(pk=old.pk)
    assert (row.extended_properties, row.workspace, row.slices_total) == ({"seen": True}, "/there", 9)
    assert (old.frozen, old.workspace) == (True, "/there")


def test_a_job_that_was_deleted_meanwhile_does_not_come_back(new_job: NewJob) -> None:
    job = new_job(BasicJob)
    Job.objects.filter(pk=job.pk).delete()
    with pytest.raises(UnknownJob, match="deleted meanwhile"):
        job.save()
    assert not Job.objects.exists()


def test_a_frozen_job_refuses_to_be_changed(new_job: NewJob) -> None:
    job = new_job(parameters={"executable": "a"})
    Job.objects.filter(pk=job.pk).update(frozen=True)
    job = Job.objects.get(pk=job.pk)
    for change in (
        lambda: job.set_attribute("a", 1),
        lambda: setattr(job, "attributes", {"a": 1}),
        lambda: setattr(job, "executable", "b"),
        lambda: setattr(job, "num_jobs", 2),
    ):
        with pytest.raises(WrongState, match="cannot be changed any more"):
            change()
    assert job.get_attribute("executable") == "a"
