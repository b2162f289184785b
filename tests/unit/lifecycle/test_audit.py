from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs_app import audit, killpoints, origin
from jobs_app.lifecycle import delete, execute, stop
from jobs_app.models import AuditEntry, BasicJob, Job
from jobs_app.origin import Origin


@pytest.fixture
def job(new_job) -> Job:
    return new_job(model=BasicJob)


def test_the_trail_outlives_the_job_and_the_user(job, alice):
    execute(job, alice)
    stop(job, alice)
    delete(job, alice)
    job_id = job.pk
    alice.delete()
    told = AuditEntry.objects.order_by("id").values_list("who", "what", "job_id", "user")
    assert [(who, what, pk) for who, what, pk, _ in told] == [
        ("alice", "Executed.", job_id),
        ("alice", "Stopped by alice.", job_id),
        ("alice", "Deleted.", job_id),
    ]
    assert {user for *_, user in told} == {None}


def test_what_was_not_done_is_not_told(job, alice, monkeypatch):
    def fail(place: str) -> None:
        if place == "delete.set-aside":
            raise RuntimeError(place)

    execute(job, alice)
    stop(job, alice)
    before = AuditEntry.objects.count()
    monkeypatch.setattr(killpoints, "reach", fail)
    with pytest.raises(RuntimeError):
        delete(job, alice)
    assert AuditEntry.objects.count() == before


def test_a_program_of_its_own_is_nobody_a_command_is_told_of(job):
    execute(job)
    assert not AuditEntry.objects.exists()
    with origin.of(Origin(origin.COMMAND)):
        stop(job)
    assert AuditEntry.objects.get().via == "command"


def test_old_entries_go_when_the_setting_says_so(db, settings):
    audit.write("alice", None, "x")
    AuditEntry.objects.update(at=timezone.now() - timedelta(days=40))
    assert audit.drop_old() == 0
    settings.ROOST_AUDIT_DAYS = 30
    assert audit.drop_old() == 1
