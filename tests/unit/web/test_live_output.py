"""The page of a slice's output while it runs on another machine: end, search and file are of what is here."""

from __future__ import annotations

import pytest

from jobs_app.lifecycle import errands, live
from jobs_app.pools.base import PoolUnreachable
from jobs_app.web import output
from tests.unit.web.api.test_live_logs import asked as asked
from tests.unit.web.api.test_live_logs import job as job

TEXT = b"".join(b"line %d\n" % number for number in range(20_000))


@pytest.fixture
def talking(job):
    """It has printed twenty thousand lines by now."""
    live.spot_of(job, job.attempts.get(), "run", 0).put("0", 0, TEXT)
    return job


def test_its_end_is_shown_and_not_its_beginning(page_of, alice, talking, asked):
    view = page_of(alice).get(f"/jobs/{talking.pk}/output/?part=0").context["view"]
    assert view["start"] == len(TEXT) - output.END
    assert view["piece"].lines.endswith("line 19999\n")
    assert view["follows"]


def test_what_is_here_of_it_is_searched_also_across_the_pieces_it_is_read_in(
    page_of, alice, talking, asked, monkeypatch
):
    monkeypatch.setattr(output, "PIECE", 1000)
    page = page_of(alice).get(f"/jobs/{talking.pk}/output/?part=0&find=LINE+1999")
    offsets = [line["offset"] for line in page.context["found"]]
    assert offsets == [TEXT.index(b"line %d\n" % number) for number in (1999, *range(19990, 20000))]
    page = page_of(alice).get(f"/jobs/{talking.pk}/output/?part=0&find=never")
    assert "No line of what is here of part 0 so far holds it." in page.content.decode()


def test_words_are_found_as_they_are_seen_whatever_colours_they_have(page_of, alice, job, asked):
    live.spot_of(job, job.attempts.get(), "run", 0).put("0", 10, b"\n\x1b[31mstep\x1b[0m 7 of 9\n")
    page = page_of(alice).get(f"/jobs/{job.pk}/output/?part=0&find=Step+7")
    assert [line["offset"] for line in page.context["found"]] == [11]
    page = page_of(alice).get(f"/jobs/{job.pk}/output/?part=0&find=31m")
    assert page.context["found"] == []


def test_what_is_here_of_it_can_be_had_as_a_file(page_of, alice, talking, asked):
    saved = page_of(alice).get(f"/jobs/{talking.pk}/output/file/?part=0")
    assert b"".join(saved.streaming_content) == TEXT
    assert asked[0] == ("live", {"step": "run", "slice": 0})


def test_while_the_pool_is_out_of_reach_there_is_what_came_before(page_of, alice, talking, monkeypatch):
    def away(*_, **__):
        raise PoolUnreachable("ruby is out of reach")

    monkeypatch.setattr(errands, "ask", away)
    saved = page_of(alice).get(f"/jobs/{talking.pk}/output/file/?part=0")
    assert b"".join(saved.streaming_content) == TEXT
    page = page_of(alice).get(f"/jobs/{talking.pk}/output/?part=0&find=line+19999")
    assert [line["offset"] for line in page.context["found"]] == [TEXT.index(b"line 19999")]
    assert b"ruby is out of reach" in page.content
