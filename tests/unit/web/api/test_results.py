"""/results: what jobs put among the results."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from jobs_app.models import ResultLink

BEYOND = ("0001-01-01T00:00:00+14:00/1", "9999-12-31T23:59:59-14:00/1", f"2026-01-01T00:00:00+00:00/{2**63}")


def test_results_come_newest_first_page_by_page(api_of, alice, finished):
    job = finished()
    for name in ("one", "two", "three"):
        job.link_result("plot.png", name, header=name.upper())
    ResultLink.objects.update(at=timezone.now())  # of one moment: their numbers decide
    client, cursor, found = api_of(alice), "", []
    while cursor is not None:
        page = client.call("GET", f"/results?limit=2&cursor={quote(cursor)}").json()
        found += [(each["name"], each["header"], each["job"]) for each in page["results"]]
        cursor = page["next"]
    assert found == [(name, name.upper(), job.pk) for name in ("three", "two", "one")]


def test_results_are_searched_and_lead_to_the_file(api_of, page_of, alice, finished):
    finished().link_result("a/b.csv", "rain", description="of May")
    finished("other").link_result("plot.png", "snow")
    client = api_of(alice)
    (row,) = client.call("GET", "/results?find=may").json()["results"]
    assert (row["name"], row["filename"]) == ("rain", "a/b.csv")
    assert b"".join(page_of(alice).get(row["url"]).streaming_content) == b"1"
    assert client.call("GET", "/results?app=no.such").json()["results"] == []


def test_others_get_results_of_jobs_that_they_may_see(api_of, bob, finished):
    job = finished()
    job.link_result("plot.png", "rain")
    assert api_of(bob).call("GET", "/results").json()["results"] == []
    assert api_of(None).call("GET", "/results").json()["results"] != []
    assert api_of(None, app="another.app").call("GET", "/results").json()["results"] == []
    job.groups.add(Group.objects.get(name="hydrology"))
    assert api_of(bob).call("GET", "/results").json()["results"] != []


@pytest.mark.parametrize("cursor", ["x", "2026-01-01/1", "2026-01-01T00:00:00+00:00/0", "/", "é/1", *BEYOND])
def test_a_cursor_of_another_list_is_refused(api_of, alice, cursor):
    answer = api_of(alice).call("GET", f"/results?cursor={quote(cursor)}")
    assert (answer.status_code, "none of this list" in answer.json()["detail"]) == (422, True)
