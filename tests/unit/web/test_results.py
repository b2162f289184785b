from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from jobs_app.errors import BadName, Invalid, WrongState
from jobs_app.models import ResultLink


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
