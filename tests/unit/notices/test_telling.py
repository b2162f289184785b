from __future__ import annotations

import pytest

from jobs_app.lifecycle import execute, report, resubmit
from jobs_app.models import BasicJob, History, Job, JobBatch, JobBatchMember, Notice, NoticeCursor
from jobs_app.notices import preferences
from jobs_app.notices.telling import tell


@pytest.fixture(autouse=True)
def told_from_now_on(db):
    NoticeCursor.objects.create(pk=1)


@pytest.fixture
def alice(alice):
    alice.email = "alice@example.org"
    alice.save()
    return alice


@pytest.fixture
def wants(alice):
    return lambda *on: preferences.keep(alice, on, email=True)


def ended(job: Job, how: str = "COM") -> Job:
    if job._status == "PEN":
        execute(job)
    report(job, how)
    return job


def subjects() -> list[str]:
    tell()
    return list(Notice.objects.order_by("id").values_list("subject", flat=True))


def test_who_wants_nothing_is_told_nothing(new_job, alice):
    ended(new_job(model=BasicJob))
    assert subjects() == []


def test_the_end_is_told_once_however_often_the_history_is_read(new_job, wants):
    wants("end")
    job = ended(new_job("cool", model=BasicJob))
    assert subjects() == subjects() == [f"Job {job.pk} (cool): Complete"]


def test_failures_alone(new_job, wants):
    wants("failure")
    ended(new_job("good", model=BasicJob))
    job = ended(new_job("bad", model=BasicJob), "ERR")
    assert subjects() == [f"Job {job.pk} (bad): Error"]


def test_the_next_attempt_is_told_of_anew(new_job, wants):
    wants("end")
    job = ended(new_job(model=BasicJob), "ERR")
    subjects()
    resubmit(job)
    report(Job.objects.get(pk=job.pk), "COM")
    assert len(subjects()) == 2


def test_what_is_held_is_told(new_job, wants):
    wants("held")
    job = new_job(model=BasicJob)
    execute(job)
    History.objects.create(job=job, attempt=1, actor="pool", before="RUN", after="HLD", why="memory")
    (subject,) = subjects()
    assert subject.endswith("is held")
    assert Notice.objects.get().content["reason"] == "memory"


def test_a_job_says_more_than_its_user(new_job, wants):
    wants("end")
    ended(new_job("quiet", model=BasicJob, notify=False))
    assert subjects() == []
    wants()
    ended(new_job("loud", model=BasicJob, notify=["end"]))
    assert len(subjects()) == 1


def together(*jobs: Job) -> None:
    batch = JobBatch.objects.create()
    JobBatchMember.objects.bulk_create([JobBatchMember(batch=batch, job=job) for job in jobs])


@pytest.mark.parametrize("on", ["end", "failure"])
def test_jobs_of_one_call_are_one_notice_when_all_are_over(new_job, wants, on):
    wants(on)
    jobs = [new_job(f"j{number}", model=BasicJob) for number in range(3)]
    together(*jobs)
    ended(jobs[0])
    ended(jobs[1], "ERR")
    assert subjects() == []
    ended(jobs[2])
    assert subjects() == ["3 jobs (j2, ...) are through: 2 Complete, 1 Error"]
    assert Notice.objects.get().content["not_complete"] == [jobs[1].pk]
    assert len(subjects()) == 1


def test_a_chain_is_told_of_at_its_end(new_job, wants):
    wants("end")
    first = new_job("first", model=BasicJob)
    last = new_job("last", model=BasicJob, after=[first])
    execute(first)
    execute(last)
    ended(Job.objects.get(pk=first.pk))
    assert subjects() == []
    ended(Job.objects.get(pk=last.pk))
    assert subjects() == [f"The chain that ends with job {last.pk} (last): Complete"]


def test_a_chain_that_breaks_is_told_of_once(new_job, wants):
    wants("end")
    first = new_job("first", model=BasicJob)
    last = new_job("last", model=BasicJob, after=[first])
    execute(first)
    execute(last)
    ended(Job.objects.get(pk=first.pk), "ERR")
    assert subjects() == [f"Job {first.pk} (first): Error"]


def test_a_name_makes_no_line_of_its_own(new_job, wants):
    wants("end")
    ended(Job.objects.get(pk=new_job(model=BasicJob).pk))
    Job.objects.update(name="a\r\nBcc: charlie@example.org\u2028\x00b")
    (subject,) = subjects()
    assert not set(subject) & set("\r\n\u2028\x00")
