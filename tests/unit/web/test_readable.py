"""What pages say is said for readers: numbers, values, long messages, counts."""

from __future__ import annotations

import pytest
from django.template import Context, Template

from jobs_app import listing
from jobs_app.models import Attempt, History
from jobs_app.web.cells import bar, spaced

TRACEBACK = "It failed. The results are here.\nTraceback:\n  File <b>a.py</b>\n    boom()"


@pytest.mark.parametrize(("number", "text"), [(9999, "9999"), (10_000, "10 000"), (1_234_567, "1 234 567")])
def test_long_numbers_have_spaces_that_do_not_break(number, text):
    assert spaced(number) == text.replace(" ", "\xa0")


def test_a_bars_label_is_for_readers_too(make_job):
    job = make_job(slices_total=1_000_000, slices_done=480_000, number_of_attempts=1)
    assert bar(job).label.replace("\xa0", " ") == "1 000 000 slices: 480 000 done"


def test_options_stand_there_as_they_were_meant(page_of, alice, make_job):
    options = {"day": ["date", "2026-01-31"], "stations": ["date", "Oslo", 1], "map": {"a": 1}}
    job = make_job(method="storm", statepoint={"options": options})
    page = page_of(alice).get(f"/jobs/{job.pk}/")
    shown = {name: str(value) for name, value in page.context["options"]}
    assert shown == {"day": "2026-01-31", "map": '{"a": 1}', "stations": '["date", "Oslo", 1]'}


def test_a_traceback_keeps_its_indents_and_does_not_fill_the_history(page_of, alice, make_job):
    job = make_job(_status="ERR", number_of_attempts=1, status_message=TRACEBACK)
    Attempt.objects.create(job=job, number=1, token="a" * 32, reason=TRACEBACK)
    History.objects.create(job=job, actor="pool", after="ERR", why=TRACEBACK)
    content = page_of(alice).get(f"/jobs/{job.pk}/").content.decode()
    assert "<p>It failed. The results are here.</p>" in content
    assert content.count("  File &lt;b&gt;a.py&lt;/b&gt;\n    boom()</pre>") == 2
    assert "<summary>all of it</summary>" in content


def test_a_list_that_is_whole_tells_its_own_count_however_short_the_time_was(
    page_of, alice, make_job, monkeypatch
):
    for number in range(3):
        make_job(f"job {number}")
    monkeypatch.setattr(listing, "count", lambda *_: listing.Count(0, exact=False))
    assert str(page_of(alice).get("/jobs/").context["count"]) == "3"


def test_times_that_were_kept_as_json_are_written_in_the_readers_zone():
    line = Template(
        '{% load roost tz %}{% timezone "Asia/Tokyo" %}{{ at|moment|date:"Y-m-d H:i" }}{% endtimezone %}'
    )
    assert line.render(Context({"at": "2026-03-14T09:26:53+00:00"})) == "2026-03-14 18:26"
    assert line.render(Context({"at": None})) == ""
