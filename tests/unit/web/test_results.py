from __future__ import annotations

from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group

from jobs_app.errors import BadName, Invalid, WrongState
from jobs_app.jobdir import manifest
from jobs_app.models import ResultLink

from .api.conftest import api_of

__all__ = ["api_of"]


@pytest.fixture
def finished(make_job):
    def make(name="cool", **fields):
        job = make_job(name, {"plot.png": b"x", "a/b.csv": b"1", ".roost/x": b""}, _status="COM", **fields)
        manifest.write(job.paths, manifest.build(job.directory, ["plot.png", "a/b.csv"]))
        return job

    return make


def test_a_linked_file_is_on_the_page_with_header_and_description(page_of, alice, finished):
    job = finished()
    job.link_result("plot.png", header="<b>Heat</b>", description="of <i>all</i>")
    content = page_of(alice).get("/results/").content.decode()
    assert "&lt;b&gt;Heat" in content
    assert "<i>all" not in content
    assert f'src="/jobs/{job.pk}/files/plot.png"' in content


def test_a_name_that_was_taken_is_replaced(finished):
    finished().link_result("plot.png", "weather/")
    newer = finished("newer")
    newer.link_result("a/b.csv", "weather/plot.png")
    (link,) = ResultLink.objects.all()
    assert (link.job_id, link.filename, link.name) == (newer.pk, "a/b.csv", "weather/plot.png")


def test_what_is_no_result_is_refused(finished, make_job):
    with pytest.raises(Invalid, match="no registered file"):
        finished().link_result("other.txt")
    with pytest.raises(BadName):
        finished().link_result("plot.png", "../out")
    with pytest.raises(WrongState, match="ended well"):
        make_job(_status="RUN", files={"a": b""}).link_result("a")


def test_others_see_results_of_jobs_that_they_may_see(page_of, alice, bob, charlie, finished):
    job = finished()
    job.link_result("plot.png", header="SECRET")
    assert b"SECRET" not in page_of(charlie).get("/results/").content
    assert b"SECRET" not in page_of(bob).get("/results/").content
    job.groups.add(Group.objects.get(name="hydrology"))
    assert b"SECRET" in page_of(bob).get("/results/?find=secret").content
    assert b"SECRET" not in page_of(bob).get("/results/?find=nothing").content


def test_links_go_with_their_job(finished):
    job = finished()
    job.link_result("plot.png")
    job.delete()
    assert not ResultLink.objects.exists()


class TestOverTheApi:
    def test_they_come_newest_first_page_by_page(self, api_of, alice, finished):
        job = finished()
        for name in ("one", "two", "three"):
            job.link_result("plot.png", name, header=name.upper())
        client, cursor, found = api_of(alice), "", []
        while cursor is not None:
            page = client.call("GET", f"/results?limit=2&cursor={quote(cursor)}").json()
            found += [(each["name"], each["header"], each["job"]) for each in page["results"]]
            cursor = page["next"]
        assert found == [(name, name.upper(), job.pk) for name in ("three", "two", "one")]

    def test_they_are_searched_and_lead_to_the_file(self, api_of, page_of, alice, finished):
        finished().link_result("a/b.csv", "rain", description="of May")
        finished("other").link_result("plot.png", "snow")
        client = api_of(alice)
        (row,) = client.call("GET", "/results?find=may").json()["results"]
        assert (row["name"], row["filename"]) == ("rain", "a/b.csv")
        assert b"".join(page_of(alice).get(row["url"]).streaming_content) == b"1"
        assert client.call("GET", "/results?app=no.such").json()["results"] == []

    def test_others_get_those_of_jobs_that_they_may_see(self, api_of, bob, finished):
        job = finished()
        job.link_result("plot.png", "rain")
        assert api_of(bob).call("GET", "/results").json()["results"] == []
        assert api_of(None).call("GET", "/results").json()["results"] != []
        assert api_of(None, app="another.app").call("GET", "/results").json()["results"] == []
        job.groups.add(Group.objects.get(name="hydrology"))
        assert api_of(bob).call("GET", "/results").json()["results"] != []

    @pytest.mark.parametrize("cursor", ["x", "2026-01-01/1", "2026-01-01T00:00:00+00:00/0", "/", "é/1"])
    def test_a_cursor_of_another_list_is_refused(self, api_of, alice, cursor):
        answer = api_of(alice).call("GET", f"/results?cursor={quote(cursor)}")
        assert (answer.status_code, "none of this list" in answer.json()["detail"]) == (422, True)
