"""One conditional request for all rows of a table."""

from __future__ import annotations

import html
import re

import pytest
from django.contrib.auth.models import Group
from django.core import signing

from jobs_app.lifecycle.actors import Actor
from jobs_app.lifecycle.change import move
from jobs_app.models import Job, JobShare
from jobs_app.web import job_list


def held_by(page: str) -> tuple[str, str]:
    """What a page of a table holds: its definition and its stamp."""
    sealed = re.search(r'name="table" value="([^"]+)"', page)
    stamp = re.search(r'data-etag="([^"]+)"', page)
    assert sealed is not None
    assert stamp is not None
    return sealed[1], html.unescape(stamp[1])


@pytest.fixture
def table(client, alice):
    """Alice's page, and how it asks for news."""
    client.force_login(alice)
    sealed, stamp = held_by(client.get("/jobs/").content.decode())

    def ask(stamp=stamp, sealed=sealed):
        return client.get("/tables/rows/", headers={"Roost-Table": sealed, "If-None-Match": stamp})

    return ask


@pytest.fixture
def asked_of(client, alice):
    """How a page of alice's asks for news, whether or not a job stands on it."""
    client.force_login(alice)

    def page(address):
        text = client.get(address).content.decode()
        sealed = re.search(r'(?:data-follow|name="table" value)="([^"]+)"', text)[1]
        stamp = html.unescape(re.search(r'data-etag="([^"]+)"', text)[1])
        return lambda known=stamp: client.get(
            "/tables/rows/", headers={"Roost-Table": sealed, "If-None-Match": known}
        )

    return page


@pytest.fixture
def jobs(make_job):
    return [make_job(f"job {number}", _status="RUN", number_of_attempts=1) for number in range(5)]


def test_without_news_there_is_no_body(jobs, table):
    answer = table()
    assert (answer.status_code, answer.content) == (304, b"")


def test_without_news_it_costs_four_queries(jobs, table, alice, django_assert_num_queries):
    alice.is_staff = True
    alice.save()
    with django_assert_num_queries(4):  # the session, the person, the rows, the newest
        table()


def test_only_rows_that_changed_are_drawn(jobs, table):
    Job.objects.filter(pk=jobs[2].pk).update(_status="COM", slices_done=1)
    answer = table()
    news = answer.json()
    assert list(news["rows"]) == [str(jobs[2].pk)]
    assert "Complete" in news["rows"][str(jobs[2].pk)]
    assert news["gone"] == []
    assert table(answer.headers["ETag"]).status_code == 304


@pytest.mark.parametrize(
    "change",
    [
        {"status_message": "Memory is short."},
        {"slices_running": 1},
        {"progress": 40.0},
        {"name": "another"},
        {"other_status": "Simmering"},
        {"number_of_attempts": 2},
    ],
)
def test_whatever_is_shown_counts_as_news(jobs, table, change):
    Job.objects.filter(pk=jobs[0].pk).update(**change)
    assert list(table().json()["rows"]) == [str(jobs[0].pk)]


def test_a_job_that_is_deleted_is_told_once(jobs, table):
    gone = jobs[1].pk
    Job.objects.filter(pk=gone).delete()
    answer = table()
    assert answer.json() == {"rows": {}, "gone": [gone], "newer": False}
    assert table(answer.headers["ETag"]).status_code == 304


def test_a_newer_job_is_told_once_where_it_would_stand(jobs, table, make_job, charlie):
    make_job("his", user=charlie)
    assert table().status_code == 304
    make_job("mine")
    answer = table()
    assert answer.json() == {"rows": {}, "gone": [], "newer": True}
    assert table(answer.headers["ETag"]).status_code == 304


def test_a_newer_job_of_somebody_else_is_told_to_those_with_whom_it_is_shared(
    jobs, table, make_job, alice, bob
):
    group = Group.objects.create(name="both")
    alice.groups.add(group)
    bob.groups.add(group)
    before = table().headers["ETag"]
    theirs = make_job("his", user=bob)
    assert table(before).status_code == 304
    JobShare.objects.create(job=theirs, group=group)
    assert table(before).json()["newer"]


@pytest.mark.parametrize("query", ["status=HLD", "sort=name", "text=job&sort=ended"])
def test_what_becomes_of_a_job_may_bring_it_onto_a_page_that_is_filtered_or_sorted(
    client, alice, jobs, asked_of, query
):
    ask = asked_of(f"/jobs/?{query}")
    before = ask().headers["ETag"]
    assert ask(before).status_code == 304
    move(jobs[2].pk, ("RUN",), "HLD", by=Actor("pool"), why="Memory is short.")
    answer = ask(before)
    assert answer.json()["newer"]
    assert ask(answer.headers["ETag"]).status_code == 304


def test_a_page_without_a_job_hears_of_the_first_one(asked_of, make_job):
    ask = asked_of("/jobs/")
    before = ask().headers["ETag"]
    assert ask(before).status_code == 304
    make_job("first")
    assert ask(before).json() == {"rows": {}, "gone": [], "newer": True}


def test_deep_inside_newer_jobs_do_not_matter(client, asked_of, jobs, make_job, monkeypatch):
    monkeypatch.setattr(job_list, "PAGE", 2)
    ask = asked_of(client.get("/jobs/").context["older"])
    before = ask().headers["ETag"]
    make_job("newer")
    assert ask(before).status_code == 304


def test_a_job_that_is_no_longer_shared_is_gone(client, bob, alice, jobs):
    share = JobShare.objects.create(job=jobs[0], group=bob.groups.get())
    client.force_login(bob)
    sealed, stamp = held_by(client.get("/jobs/").content.decode())
    headers = {"Roost-Table": sealed, "If-None-Match": stamp}
    assert client.get("/tables/rows/", headers=headers).status_code == 304
    share.delete()
    news = client.get("/tables/rows/", headers=headers).json()
    assert (news["rows"], news["gone"]) == ({}, [jobs[0].pk])


@pytest.mark.parametrize("stamp", ["", '"nonsense"', '"é"', '"AAAA"', "*", "W/"])
def test_a_stamp_that_is_none_brings_all_rows(jobs, table, stamp):
    assert len(table(stamp).json()["rows"]) == 5


def test_a_weak_stamp_is_the_same(jobs, client, alice):
    client.force_login(alice)
    sealed, stamp = held_by(client.get("/jobs/").content.decode())
    headers = {"Roost-Table": sealed, "If-None-Match": f"W/{stamp}"}
    assert client.get("/tables/rows/", headers=headers).status_code == 304


def test_rows_that_come_later_are_escaped_too(jobs, table):
    Job.objects.filter(pk=jobs[0].pk).update(status_message="<img src=x onerror=alert(1)>", name="<b>")
    row = table().json()["rows"][str(jobs[0].pk)]
    assert "<img" not in row
    assert "<b>" not in row


# --- a definition is the server's ----------------------------------------------------------------------


def test_a_definition_of_somebody_else_is_refused(jobs, client, alice, charlie):
    client.force_login(alice)
    sealed, stamp = held_by(client.get("/jobs/").content.decode())
    client.force_login(charlie)
    answer = client.get("/tables/rows/", headers={"Roost-Table": sealed, "If-None-Match": stamp})
    assert answer.status_code == 403
    assert "somebody else" in answer.json()["error"]


def test_a_definition_that_was_tampered_with_is_refused(jobs, table, client, alice):
    sealed, _ = held_by(client.get("/jobs/").content.decode())
    for wrong in ("", sealed[:-1], sealed[1:], "x" + sealed, sealed.swapcase()):
        assert table("", wrong).status_code == 403


def test_a_signature_made_for_something_else_is_refused(jobs, table, alice):
    other = signing.dumps([{}, [jobs[0].pk], alice.pk], salt="another")
    assert table("", other).status_code == 403


def test_a_definition_does_not_live_for_ever(jobs, client, alice, monkeypatch):
    client.force_login(alice)
    sealed, _ = held_by(client.get("/jobs/").content.decode())
    monkeypatch.setattr("jobs_app.gizmos.definition.DAYS", -1)
    assert client.get("/tables/rows/", headers={"Roost-Table": sealed}).status_code == 403
