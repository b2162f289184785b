"""Who may see a job need not see the job that built it: then there is no parent, wherever one looks."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs_app.gizmos.jobs_table import JobsTable
from jobs_app.models import Attempt, Job


@pytest.fixture
def parent(make_job):
    """Alice's own."""
    return make_job("parent")


@pytest.fixture
def child(make_job, parent, bob):
    """Alice's too, and shared with Bob."""
    job = make_job("child", parent=parent)
    job.groups.add(bob.groups.get())
    return job


@pytest.fixture
def told(page_of, child):
    """What somebody gets at an address."""
    return lambda person, path: page_of(person).get(path.format(child.pk))


def listed(answer):
    return [(job["name"], job["parent"]) for job in answer.json()["jobs"]]


def test_the_page_names_it_to_who_may_see_it(told, alice, bob, parent):
    built_by = ("built by", parent.jobid)
    assert built_by in told(alice, "/jobs/{}/").context["facts"]
    answer = told(bob, "/jobs/{}/")
    assert answer.status_code == 200
    assert "built by" not in dict(answer.context["facts"])


def test_the_page_is_another_one_when_the_parent_is_shared_too(told, bob, parent):
    etag = told(bob, "/jobs/{}/").headers["ETag"]
    parent.groups.add(bob.groups.get())
    assert told(bob, "/jobs/{}/").headers["ETag"] != etag


def test_the_api_numbers_it_for_who_may_see_it(told, alice, bob, parent):
    assert told(alice, "/api/v1/jobs/{}").json()["parent"] == parent.pk
    assert told(bob, "/api/v1/jobs/{}").json()["parent"] is None


def test_the_apis_list_numbers_those_that_one_may_see(told, alice, bob, parent, make_job):
    theirs = make_job("theirs", user=bob)
    make_job("grandchild", parent=theirs, user=bob)
    assert listed(told(bob, "/api/v1/jobs?sort=created")) == [
        ("child", None),
        ("theirs", None),
        ("grandchild", theirs.pk),
    ]
    assert listed(told(alice, "/api/v1/jobs?sort=created")) == [("parent", None), ("child", parent.pk)]


def test_an_action_answers_without_it(bob, child, client):
    child.shares.update(may="act")
    Job.objects.filter(pk=child.pk).update(_status="SUB", number_of_attempts=1)
    Attempt.objects.create(job=child, number=1, token="t")
    client.force_login(bob)
    answer = client.post(f"/api/v1/jobs/{child.pk}/actions/stop", {}, "application/json")
    assert (answer.status_code, answer.json()["parent"]) == (200, None)


@pytest.mark.parametrize("more", ["", "&count=true", "&sort=name", "&status=final", "&id=1&id=2"])
def test_a_filter_by_it_finds_what_one_by_no_job_finds(told, alice, bob, parent, more):
    address = f"/api/v1/jobs?parent={{}}{more}"
    theirs = told(bob, address.format(parent.pk))
    absent = told(bob, address.format(999_999))
    assert theirs.json() == absent.json()
    assert theirs.json()["jobs"] == []
    assert theirs.headers.get("ETag") == absent.headers.get("ETag")
    assert told(bob, address.format(parent.pk) + "&user=me").json()["jobs"] == []


def test_a_filter_by_a_parent_that_one_may_see_finds_its_jobs(told, alice, bob, parent):
    address = f"/api/v1/jobs?parent={parent.pk}"
    assert listed(told(alice, address)) == [("child", parent.pk)]
    parent.groups.add(bob.groups.get())
    assert listed(told(bob, address)) == [("child", parent.pk)]


def test_a_column_of_parents_shows_those_that_one_may_see(alice, bob, child, parent):
    jobs = [child]
    shown = [
        JobsTable(jobs, ["parent_id"]).page(person, "t", 0).rows[0].cells[0].text for person in (alice, bob)
    ]
    assert shown == [str(parent.pk), ""]
    assert jobs[0].parent_id == parent.pk


def test_parents_cost_a_list_one_query_however_many_there_are(page_of, bob, make_job):
    make_job("orphan", user=bob)
    client, counts = page_of(bob), []
    for _ in range(3):
        with CaptureQueriesContext(connection) as queries:
            client.get("/api/v1/jobs")
        counts.append(len(queries))
        for number in range(5):
            make_job("child", parent=make_job(f"parent {number}", user=bob), user=bob)
    assert counts[1:] == [counts[0] + 1] * 2
