"""With whom a job is shared, on its page."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from jobs_app import permissions
from jobs_app.models import AuditEntry, JobShare


@pytest.fixture
def hydrology(alice, bob):
    group = Group.objects.get(name="hydrology")
    alice.groups.add(group)
    return group


@pytest.fixture
def job(make_job):
    return make_job()


def shared(job):
    return list(JobShare.objects.filter(job=job).values_list("group__name", "may"))


def page(client, job):
    return client.get(f"/jobs/{job.pk}/").content.decode()


def send(client, job, **given):
    return client.post(f"/jobs/{job.pk}/shares/", given)


def test_its_owner_shares_it_changes_what_for_and_ends_it(page_of, alice, bob, hydrology, job):
    client = page_of(alice)
    assert "Nobody yet." in page(client, job)
    answer = send(client, job, group="hydrology", may="read")
    assert (answer.status_code, answer.url) == (302, f"/jobs/{job.pk}/#job-shares")
    assert permissions.verbs(bob, job) == {"read"}
    assert "Who is in hydrology may see it." in page(client, job)
    send(client, job, group="hydrology", may="act")
    assert permissions.verbs(bob, job) == {"read", "act"}
    assert '<option value="act" selected>' in page(client, job)
    send(client, job, group="hydrology", may="act", end="1")
    assert permissions.verbs(bob, job) == frozenset()


def test_what_was_changed_is_in_the_audit_trail_as_the_api_writes_it(page_of, alice, hydrology, job):
    client = page_of(alice)
    send(client, job, group="hydrology", may="act")
    send(client, job, group="hydrology", end="1")
    send(client, job, group="hydrology", end="1")  # it was over: nothing has changed
    assert list(AuditEntry.objects.order_by("pk").values_list("who", "job_id", "what")) == [
        ("alice", job.pk, "Changed shares. Shared with hydrology (act)."),
        ("alice", job.pk, "Changed shares. Shared with nobody."),
    ]


def test_one_is_offered_the_groups_that_one_is_in_and_staff_all(page_of, alice, admin_user, hydrology, job):
    Group.objects.create(name="<geology>")
    assert "geology" not in page(page_of(alice), job)
    assert "<option>&lt;geology&gt;</option>" in page(page_of(admin_user), job)
    JobShare.objects.create(job=job, group=hydrology)
    assert "<option>hydrology</option>" not in page(page_of(alice), job)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"group": "geology", "may": "read"}, "You are in no group"),
        ({"group": "geo\0logy", "may": "read"}, "You are in no group"),
        ({"group": "hydrology", "may": "edit"}, "nothing that a group may do"),
        ({"group": "hydrology"}, "nothing that a group may do"),
        ({}, "nothing that a group may do"),
    ],
)
def test_what_is_not_offered_is_refused(page_of, alice, hydrology, job, given, said):
    Group.objects.create(name="geology")
    client = page_of(alice)
    assert send(client, job, **given).status_code == 302
    assert said in page(client, job)
    assert shared(job) == []
    assert not AuditEntry.objects.exists()


def test_its_owner_may_end_the_share_with_a_group_that_the_owner_is_not_in(page_of, alice, job):
    JobShare.objects.create(job=job, group=Group.objects.create(name="geology"), may="act")
    client = page_of(alice)
    said = page(client, job)
    assert "<b>geology</b> may see it and act on it" in said
    assert "Change what geology may" not in said
    send(client, job, group="geology", may="read")
    assert shared(job) == [("geology", "act")]
    send(client, job, group="geology", end="1")
    assert shared(job) == []


@pytest.mark.parametrize("may", ["read", "act"])
def test_who_it_is_shared_with_sees_with_whom_and_changes_nothing(page_of, bob, hydrology, job, may):
    JobShare.objects.create(job=job, group=hydrology, may=may)
    client = page_of(bob)
    said = page(client, job)
    assert "<b>hydrology</b> may see it" in said
    assert f"/jobs/{job.pk}/shares/" not in said
    answer = send(client, job, group="hydrology", end="1")
    assert answer.status_code == 403
    assert b"Only the owner of this job and the staff" in answer.content
    assert shared(job) == [("hydrology", may)]


def test_where_there_is_nothing_to_share_with_the_page_says_nothing_of_it(page_of, alice, job):
    assert "Shared with" not in page(page_of(alice), job)


def test_it_takes_a_form_of_our_own(alice, hydrology, job):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert send(client, job, group="hydrology", may="read").status_code == 403
    assert client.get(f"/jobs/{job.pk}/shares/").status_code == 405
    assert shared(job) == []


def test_a_page_that_asks_whether_it_is_current_is_told_of_a_new_share(page_of, alice, hydrology, job):
    client = page_of(alice)
    etag = client.get(f"/jobs/{job.pk}/").headers["ETag"]
    assert client.get(f"/jobs/{job.pk}/", headers={"If-None-Match": etag}).status_code == 304
    JobShare.objects.create(job=job, group=hydrology)
    assert client.get(f"/jobs/{job.pk}/", headers={"If-None-Match": etag}).status_code == 200
