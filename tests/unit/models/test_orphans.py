"""A row that is deleted without its directory is reported."""

from __future__ import annotations

from typing import Any

import pytest

from jobs_app.models import Job

from .conftest import NewJob

pytestmark = pytest.mark.django_db


def test_a_directory_that_a_querysets_delete_leaves_behind_is_named(
    new_job: NewJob, caplog: pytest.LogCaptureFixture, django_capture_on_commit_callbacks: Any
) -> None:
    job = new_job(address="a" * 32)
    job.directory.mkdir(parents=True)
    with django_capture_on_commit_callbacks(execute=True):
        Job.objects.filter(pk=job.pk).delete()
    assert f"its directory stays: {job.directory}" in caplog.text


def test_a_job_that_is_deleted_with_its_directory_is_not_reported(
    new_job: NewJob, caplog: pytest.LogCaptureFixture, django_capture_on_commit_callbacks: Any
) -> None:
    job = new_job(address="a" * 32)
    job.directory.mkdir(parents=True)
    with django_capture_on_commit_callbacks(execute=True):
        job.delete()
    assert caplog.text == ""
    assert not job.directory.exists()
    assert not Job.objects.exists()
