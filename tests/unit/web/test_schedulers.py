from __future__ import annotations

import pytest
from django.utils import timezone

from jobs_app.compute import embedded
from jobs_app.lifecycle import checkups
from jobs_app.models import AuditEntry, Scheduler
from jobs_app.pools.findings import FAIL, OK, Finding


@pytest.fixture
def cluster(db) -> Scheduler:
    embedded()
    return Scheduler.objects.create(
        name="cluster <1>", kind="condor", host="submit.example", password="hush", last_error="<b>broken</b>"
    )


@pytest.fixture
def operator(alice):
    alice.is_staff = True
    alice.save()
    return alice


def act(client, row: Scheduler, action: str, **given: str):
    return client.post(f"/schedulers/{row.name}/{action}/", given, follow=True)


def test_everybody_sees_whether_jobs_are_sent_and_no_more(page_of, cluster, charlie):
    Scheduler.objects.filter(pk=cluster.pk).update(paused="new disks", paused_since=timezone.now())
    said = page_of(charlie).get("/schedulers/").content.decode()
    assert "new disks" in said
    assert not any(word in said for word in ("broken", "logins", "hush", "Resume"))


def test_the_staff_sees_all_but_secrets(page_of, cluster, operator):
    said = page_of(operator).get("/schedulers/").content.decode()
    assert "&lt;b&gt;broken" in said
    assert "hush" not in said


def test_draining_and_resuming_are_in_the_audit_trail(page_of, cluster, operator):
    client = page_of(operator)
    said = act(client, cluster, "drain", why="new disks").content.decode()
    assert "new disks (alice)" in said
    act(client, cluster, "resume")
    cluster.refresh_from_db()
    assert not cluster.draining
    told = AuditEntry.objects.order_by("id").values_list("what", "via")
    assert [(what.split()[0], via) for what, via in told] == [("Drained", "page"), ("Resumed", "page")]


def test_a_check_tells_what_it_found(page_of, cluster, operator, monkeypatch):
    found = [Finding(OK, "connection", "answers"), Finding(FAIL, "folder", "<full>", "Make room.")]
    monkeypatch.setattr(checkups, "check", lambda *_, **__: found)
    said = act(page_of(operator), cluster, "check").content.decode()
    assert "connection: answers" in said
    assert "folder: &lt;full&gt; Make room." in said


@pytest.mark.parametrize("action", ["drain", "resume", "check"])
def test_only_the_staff_acts_and_only_by_post(page_of, cluster, charlie, operator, action):
    assert act(page_of(charlie), cluster, action).status_code == 403
    assert page_of(operator).get(f"/schedulers/{cluster.name}/{action}/").status_code == 405
    assert page_of(operator).post(f"/schedulers/nowhere/{action}/").status_code == 404
    assert page_of(operator).post(f"/schedulers/{cluster.name}/explode/").status_code == 404
