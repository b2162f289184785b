from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from jobs_app.courier import Courier
from jobs_app.errors import QuotaExceeded
from jobs_app.lifecycle import quota, retention
from jobs_app.models import Job, JobUse, RetentionRule

NewJob = Callable[..., Job]


@pytest.fixture
def finished(new_job: NewJob, courier: Courier) -> Callable[..., Job]:
    """A job that ended some days ago."""

    def finish(name: str, days: float = 0, megabytes: float = 0) -> Job:
        job = new_job(name)
        job.execute()
        job.stop()
        ended = timezone.now() - timedelta(days=days)
        Job.objects.filter(pk=job.pk).update(completion_time=ended, size_bytes=int(megabytes * 2**20))
        return job

    return finish


def names(doomed: list[retention.Doomed]) -> list[str]:
    return [each.name for each in doomed]


def test_without_rules_everything_stays(finished: Callable[..., Job]) -> None:
    finished("old", days=1000)
    assert retention.plan() == []


def test_the_newest_stay(finished: Callable[..., Job]) -> None:
    for days in (3, 1, 2):
        finished(f"{days} days", days)
    RetentionRule.objects.create(keep=2)
    (doomed,) = retention.plan()
    assert (doomed.name, doomed.why) == ("3 days", "All users together: the newest 2 stay")


def test_the_old_ones_go(finished: Callable[..., Job]) -> None:
    finished("old", days=31)
    finished("young", days=29)
    RetentionRule.objects.create(app="demo", days=30)
    assert names(retention.plan()) == ["old"]


def test_the_oldest_go_until_the_rest_fits(finished: Callable[..., Job]) -> None:
    for days in (1, 2, 3):
        finished(f"{days} days", days, megabytes=40)
    RetentionRule.objects.create(size_mb=100)
    assert names(retention.plan()) == ["3 days"]


def test_a_rule_is_about_its_app_and_user_only(finished: Callable[..., Job], bob: object) -> None:
    finished("alice's", days=9)
    RetentionRule.objects.create(user=bob, days=1)
    RetentionRule.objects.create(app="another", days=1)
    assert retention.plan() == []


def test_a_job_at_work_stays_and_so_does_what_it_reads(finished: Callable[..., Job], new_job: NewJob) -> None:
    read, awaited = finished("read", days=9), finished("awaited", days=9)
    reader = new_job("reader", after=[awaited])
    JobUse.objects.create(job=reader, used=read, role="previous")
    RetentionRule.objects.create(keep=0)
    assert retention.plan() == []


def test_a_plan_touches_nothing_and_apply_does_it(finished: Callable[..., Job]) -> None:
    job = finished("old", days=9)
    RetentionRule.objects.create(days=1)
    plan = retention.plan()
    assert job.directory.is_dir()
    assert retention.apply(plan) == plan
    assert not job.directory.exists()
    assert not Job.objects.exists()


def test_what_cannot_go_stands_in_nobodys_way(
    finished: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = finished("stuck", days=9)
    finished("free", days=8)
    RetentionRule.objects.create(days=1)
    remove = retention.delete

    def sometimes(job: Job) -> None:
        if job.pk == stuck.pk:
            raise OSError("busy")
        remove(job)

    monkeypatch.setattr(retention, "delete", sometimes)
    assert names(retention.apply()) == ["free"]


def test_no_more_jobs_than_the_quota_says(new_job: NewJob, courier: Courier) -> None:
    job = new_job()
    RetentionRule.objects.create(app="demo", max_jobs=1)
    with pytest.raises(QuotaExceeded, match=r"in demo may have 1 jobs and has 1. Delete some"):
        quota.check_create("demo", job.user)
    quota.check_create("another", job.user)
