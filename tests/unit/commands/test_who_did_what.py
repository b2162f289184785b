"""What is done in a terminal stands in the audit trail, with who typed it."""

from __future__ import annotations

import pytest

from jobs_app.lifecycle import execute
from jobs_app.models import AuditEntry, BasicJob

from .conftest import manage

pytestmark = pytest.mark.django_db


def told() -> list[tuple[str, str, int | None, str]]:
    found = list(AuditEntry.objects.order_by("id").values_list("who", "via", "job_id", "what"))
    AuditEntry.objects.all().delete()
    return found


def test_tokens(alice):
    manage("tokens", "create", "night run")
    (row,) = manage("tokens", "list").rows
    manage("tokens", "revoke", row[0])
    made, revoked = told()
    assert made[:3] == revoked[:3] == ("alice", "command", None)
    assert made[3].startswith(f"Made the token {row[0]} (night run) of alice")
    assert revoked[3] == f"Revoked the token {row[0]} (night run) of alice."


def test_schedulers():
    manage("schedulers", "add", "ruby", "--host", "", "--no-check")
    manage("schedulers", "edit", "ruby", "--root", "/scratch")
    manage("schedulers", "limit", "ruby", "--slices", "100")
    manage("schedulers", "drain", "ruby", "--why", "new disks")
    manage("schedulers", "resume", "ruby")
    manage("schedulers", "remove", "ruby")
    rows = told()
    assert {row[:3] for row in rows} == {("alice", "command", None)}
    said = [what for *_, what in rows]
    assert said[0] == "Added the scheduler ruby: the schedd on this machine."
    assert said[1] == "Changed the scheduler ruby: remote_root."
    assert said[2].startswith("Limits of scheduler ruby: All together may have 100 slices on ruby.")
    assert said[3] == "Drained scheduler ruby: new disks"
    assert said[4].startswith("Resumed scheduler ruby: ruby is being drained since")
    assert said[5] == "Removed the scheduler ruby."
    assert len(said) == 6


def test_a_job_of_somebody_elses_program_is_done_to_by_who_types(project, alice):
    job = BasicJob.objects.create(name="x", app="examples.ising", user=alice, project=project)
    execute(job)
    assert told() == []
    manage("jobs", "stop", str(job.pk))
    assert [row[:3] for row in told()] == [("alice", "command", job.pk)]


def test_a_user_who_has_no_account_here_is_named_all_the_same(monkeypatch):
    from jobs_app.management import person

    monkeypatch.setattr(person, "login", lambda: "operator")
    manage("schedulers", "add", "ruby", "--host", "", "--no-check")
    assert [row[:2] for row in told()] == [("operator", "command")]
