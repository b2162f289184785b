"""Jobs that are made in one call belong together: their user is told once."""

from __future__ import annotations

import pytest

from jobs_app.manager import JobManager
from jobs_app.models import JobBatchMember

pytestmark = pytest.mark.django_db


def test_jobs_of_one_call_are_one_batch(manager: JobManager, alice) -> None:
    jobs = manager.create_jobs(["a", "b", "c"], alice, job_type="BASIC")
    others = manager.create_jobs(["d", "e"], alice, job_type="BASIC")
    found = dict(JobBatchMember.objects.values_list("job", "batch"))
    assert {found[job.pk] for job in jobs} != {found[job.pk] for job in others}
    assert len(found) == 5
    assert len(set(found.values())) == 2


def test_one_job_is_none_and_nobodys_need_none(manager: JobManager, alice) -> None:
    manager.create_jobs(["a"], alice, job_type="BASIC")
    manager.create_jobs(["b", "c"], None, job_type="BASIC")
    assert not JobBatchMember.objects.exists()
