"""What becomes of jobs when an administrator closes an account or deletes a user."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from jobs_app import audit
from jobs_app.manager import JobManager
from jobs_app.models import AuditEntry, Job

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def job(manager: JobManager, bob: User) -> Job:
    job = manager.create_job("one", bob, job_type="BASIC")
    job.save()
    return job


def test_a_closed_account_keeps_its_jobs(admin: Client, job: Job, bob: User) -> None:
    given = {"action": "close_accounts", "_selected_action": [bob.pk]}
    answer = admin.post("/admin/auth/user/", given, follow=True)
    assert b"--hand-over-to" in answer.content
    bob.refresh_from_db()
    assert not bob.is_active
    assert Job.objects.get().user == bob
    assert AuditEntry.objects.get(via="admin").what == "Closed the account of bob."


def test_deleting_a_user_deletes_no_job(admin: Client, job: Job, bob: User) -> None:
    answer = admin.post(f"/admin/auth/user/{bob.pk}/delete/", {"post": "yes"}, follow=True)
    assert Job.objects.get().user == bob
    assert b"protected" in answer.content


def test_the_audit_trail_cannot_be_changed(admin: Client) -> None:
    audit.write("bob", None, "x")
    entry = AuditEntry.objects.get()
    assert admin.get("/admin/jobs_app/auditentry/").status_code == 200
    assert admin.post(f"/admin/jobs_app/auditentry/{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin.post(f"/admin/jobs_app/auditentry/{entry.pk}/change/", {"what": "y"}).status_code == 403
    assert AuditEntry.objects.get().what == "x"
