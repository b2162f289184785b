from __future__ import annotations

import pytest
from django.db.models import ProtectedError

from jobs_app import tokens
from jobs_app.lifecycle import execute
from jobs_app.models import Attempt, AuditEntry, BasicJob, Job

from .conftest import manage


@pytest.fixture
def jobs(project, bob) -> list[Job]:
    """Bob's: one runs, one waits to be executed."""
    rows = [BasicJob(project=project, app="p", type="BASIC", name=f"j{n}", user=bob) for n in range(2)]
    for row in rows:
        row.save()
    execute(rows[0])
    return rows


def states() -> list[str]:
    return list(Job.objects.order_by("pk").values_list("_status", flat=True))


def test_nobody_signs_in_any_more(jobs, bob, client):
    client.force_login(bob)
    _, text = tokens.make("x", bob, ["jobs:read"])
    assert manage("users", "leave", "bob", "--keep").code == 0
    assert tokens.find(text) is None
    assert client.get("/jobs/").status_code == 302
    assert states() == ["SUB", "PEN"]
    assert {row.user_id for row in Job.objects.all()} == {bob.pk}


def test_jobs_are_handed_over_and_go_on(jobs, bob, charlie):
    assert manage("users", "leave", "bob", "--hand-over-to", "charlie").code == 0
    assert {row.user_id for row in Job.objects.all()} == {charlie.pk}
    assert Attempt.objects.get().owner == charlie.pk
    assert states() == ["SUB", "PEN"]
    assert "2 jobs" in AuditEntry.objects.filter(via="command").order_by("-id")[0].what
    bob.delete()
    assert Job.objects.count() == 2


def test_jobs_are_stopped(jobs):
    assert "2 jobs are stopped" in manage("users", "leave", "bob", "--stop").out
    assert states() == ["ABT", "ABT"]


def test_a_user_who_has_jobs_cannot_be_deleted(jobs, bob):
    with pytest.raises(ProtectedError):
        bob.delete()


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--keep", "--stop"],
        ["--hand-over-to", "nobody"],
        ["--hand-over-to", "bob"],
    ],
)
def test_what_is_wrong_is_said_before_anything_is_done(jobs, bob, words):
    assert manage("users", "leave", "bob", *words).code == 2
    bob.refresh_from_db()
    assert bob.is_active


def test_the_audit_trail_is_listed_newest_first(jobs):
    manage("users", "leave", "bob", "--stop")
    rows = manage("audit", "--job", str(jobs[0].pk)).rows
    assert [(row[1], row[2], row[5]) for row in rows] == [("alice", "command", "Stopped by alice.")]
    assert len(manage("audit", "--json").json) == 3
    assert manage("audit", "--user", "nobody").rows == []
