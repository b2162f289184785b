"""The jobs table: what it finds and shows, for whom."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from jobs_app.models import ChosenColumns, Job, SavedFilter, Scheduler, Template
from jobs_app.terminal.output import one_line
from jobs_app.web import job_list

NASTY = (
    "<script>alert(1)<script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7*7 }}{% now %}",
    "&lt;b&gt; &amp;",
    "javascript:alert(1)",
    "\u202egnp.exe",
    "<!-- <tr> -->",
)


def names(response) -> list[str]:
    return [row.job.name for row in response.context["rows"]]


@pytest.fixture
def asked(client, alice):
    client.force_login(alice)

    def ask(query=""):
        response = client.get(f"/jobs/?{query}")
        assert response.status_code == 200
        return response

    return ask


@pytest.fixture
def jobs(make_job, bob):
    now = timezone.now()
    template = Template.objects.create(app="weather", name="model", type="CONDORJOB", digest="x")
    pool = Scheduler.objects.create(name="ruby")
    ended = {"completion_time": now - timedelta(days=3)}
    make_job("a", _status="COM", statepoint={"a": 1, "b": {"c": 2}}, **ended)
    make_job("b", _status="ERR", description="Gone wrong", completion_time=now)
    make_job("c", _status="RUN", app="weather", template=template, scheduler=pool)
    make_job("d", _status="HLD", app="weather")
    make_job("e", _status="RUN", user=bob)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "dcba"),
        ("status=RUN", "c"),
        ("status=active", "dc"),
        ("status=final", "ba"),
        ("status=COM&status=ERR", "ba"),
        ("app=weather", "dc"),
        ("template=model", "c"),
        ("scheduler=ruby", "c"),
        ("user=bob", ""),
        ("user=alice&app=weather&status=HLD", "d"),
        ("text=GONE", "b"),
        ("point=a%3D1", "a"),
        ("point=a%3E0+b.c%3C%3D2", "a"),
        ("point=a!%3D1", ""),
        ("point=%7B%22b.c%22%3A+2%7D", "a"),
        ("sort=name", "abcd"),
        ("sort=-name", "dcba"),
        ("sort=-status", "cdba"),
        ("sort=ended", "ab"),
        ("mine=1&sort=created", "abcd"),
    ],
)
def test_each_filter_and_order(asked, jobs, query, expected):
    assert names(asked(query)) == list(expected)


def test_days_are_those_of_the_readers_zone(asked, client, make_job):
    job = make_job("late")
    Job.objects.filter(pk=job.pk).update(creation_time=datetime(2026, 3, 1, 23, 30, tzinfo=UTC))
    client.cookies["roost_zone"] = "Pacific/Auckland"
    assert names(asked("created_from=2026-03-02&created_to=2026-03-02")) == ["late"]
    assert names(asked("created_to=2026-03-01")) == []
    client.cookies["roost_zone"] = "UTC"
    assert names(asked("created_from=2026-03-01&created_to=2026-03-01")) == ["late"]


def test_times_are_written_in_the_readers_zone(asked, client, make_job):
    job = make_job("late")
    Job.objects.filter(pk=job.pk).update(creation_time=datetime(2026, 7, 1, 23, 30, tzinfo=UTC))
    assert b"2026-07-01 23:30" in asked().content
    client.cookies["roost_zone"] = "Europe/Berlin"
    assert b"2026-07-02 01:30" in asked().content


@pytest.mark.parametrize("zone", ["../../etc/passwd", "Europe", "x" * 5000, "", "No/Where"])
def test_a_zone_that_is_none_is_passed_over(asked, client, make_job, zone):
    make_job()
    client.cookies["roost_zone"] = zone
    assert asked().context["rows"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("created_from=yesterday", "no day"),
        ("ended_to=9999-12-31", "no day"),
        ("point=a", "a=1"),
        ("point=%7Bx", "no JSON"),
        ("point=a__b%3D1", "cannot be searched"),
        ("point=%7B%22a%22%3A%7B%22%24where%22%3A1%7D%7D", "where"),
        ("text=" + "x" * 300, "no text"),
        ("user=%00", "no text"),
    ],
)
def test_what_makes_no_sense_is_said(asked, jobs, query, said):
    assert any(said in line for line in asked(query).context["wrong"])


def test_the_order_is_told_and_turned_by_the_header(asked, jobs):
    page = asked("sort=name&status=active").content.decode()
    header = re.search(r'<th[^>]*aria-sort="ascending"><a href="([^"]+)">Name', page)
    assert header is not None
    assert names(asked(html.unescape(header[1]).partition("?")[2])) == ["d", "c"]


def test_the_next_page_keeps_filter_and_order(asked, make_job, monkeypatch):
    monkeypatch.setattr(job_list, "PAGE", 2)
    for number in range(5):
        make_job(f"n{number}", _status="COM" if number else "ERR")
    seen, query = [], "status=COM&sort=name"
    while query:
        page = asked(query)
        seen += names(page)
        query = page.context["older"].partition("?")[2]
    assert seen == ["n1", "n2", "n3", "n4"]


@pytest.mark.parametrize("text", NASTY)
def test_hostile_texts_are_shown_as_text(asked, make_job, text):
    make_job("harmless", _status="HLD", status_message=text, description=text, other_status=text)
    Job.objects.update(name=text, app=text, method=text)
    page = asked().content.decode()
    for harm in ("<script>alert", "<img src=x", "' onmouseover='", "<!-- <tr>"):
        assert harm not in page
    assert page.count("<tr") == 2  # the head's and the job's
    shown = [html.unescape(cell) for cell in re.findall(r'class="name"><a href="/jobs/\d+/">([^<]*)<', page)]
    assert shown == [one_line(text)]


def test_an_address_that_is_shown_again_is_escaped(asked):
    page = asked("text=%22%3E%3Cscript%3Ealert(1)&user=%22%3E%3Cscript%3E&point=a%3D%22%3E%3Cscript%3E")
    assert b"<script>alert" not in page.content
    assert b'"><script>' not in page.content


def test_a_page_holds_no_script_or_style_of_its_own(asked, make_job):
    make_job("x", _status="RUN", number_of_attempts=1)
    page = asked().content.decode()
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", page)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


def test_the_first_load_is_light(asked, make_job, client):
    for number in range(50):
        make_job(
            f"An experiment with a name of a usual length, number {number}",
            _status="RUN",
            number_of_attempts=1,
            slices_total=24,
            slices_running=3,
            status_message="Waiting for a machine with 2 GB of memory.",
        )
    page = asked().content
    loaded = set(re.findall(rb'(?:src|href)="(/static/[^"]+)"', page))
    assert len(loaded) >= 4
    weight = len(page) + sum(len(b"".join(client.get(path.decode()))) for path in loaded)
    assert weight < 150_000


def test_the_table_tells_a_screen_reader_what_it_is(asked, jobs):
    page = asked("app=weather").content.decode()
    assert re.search(r"<caption[^>]*>Jobs that you may see: app weather</caption>", page)
    assert 'aria-label="Choose job' in page
    assert page.count('scope="row"') == 2
    assert 'aria-live="polite"' in page


def test_a_row_leads_to_output_and_results(asked, make_job):
    job = make_job(_status="COM", number_of_attempts=1)
    page = asked().content.decode()
    assert f'<a href="/jobs/{job.pk}/output/">Logs</a>' in page
    assert f'<a href="/jobs/{job.pk}/files/">Results</a>' in page


def test_no_jobs_at_all_and_none_that_match_are_told_apart(asked, make_job):
    assert b"There are no jobs yet" in asked().content
    make_job()
    assert b"No job matches" in asked("status=HLD").content


# --- what a person arranges ---------------------------------------------------------------------------------


def test_chosen_columns_are_kept_for_the_person(client, alice, bob, make_job):
    make_job()
    client.force_login(alice)
    client.post("/jobs/columns/", {"column": ["template", "name", "nonsense", "password"]})
    assert ChosenColumns.objects.get(user=alice).columns == ["name", "template"]
    headers = [header.column.header for header in client.get("/jobs/").context["headers"]]
    assert headers == ["Name", "Template"]
    client.force_login(bob)
    assert len(client.get("/jobs/").context["headers"]) == len(job_list.USUAL)


def test_no_columns_are_the_usual_ones(client, alice, make_job):
    make_job()
    client.force_login(alice)
    client.post("/jobs/columns/", {"column": ["name"]})
    client.post("/jobs/columns/", {})
    assert len(client.get("/jobs/").context["headers"]) == len(job_list.USUAL)


def test_a_filter_is_saved_used_and_removed(client, alice, jobs):
    client.force_login(alice)
    client.post(
        "/jobs/filters/", {"name": " my  held ", "query": "status=HLD&app=weather&after=x&next=//evil"}
    )
    saved = SavedFilter.objects.get(user=alice)
    assert (saved.name, saved.query) == ("my held", "status=HLD&app=weather")
    page = client.get("/jobs/")
    address = next(address for filter_, address, _ in page.context["saved"] if filter_ == saved)
    assert names(client.get(address)) == ["d"]
    client.post(f"/jobs/filters/{saved.pk}/remove/")
    assert not SavedFilter.objects.exists()


def test_nobody_removes_or_sees_anothers_filter(client, alice, bob, db):
    saved = SavedFilter.objects.create(user=alice, name="hers", query="")
    client.force_login(bob)
    client.post(f"/jobs/filters/{saved.pk}/remove/")
    assert SavedFilter.objects.filter(pk=saved.pk).exists()
    assert b"hers" not in client.get("/jobs/").content


def test_the_same_name_replaces_and_there_is_an_end(client, alice, monkeypatch):
    monkeypatch.setattr(SavedFilter, "MOST", 2)
    client.force_login(alice)
    for name, query in (
        ("one", "mine=1"),
        ("two", "mine=1"),
        ("three", "mine=1"),
        ("one", "status=RUN"),
        ("", ""),
    ):
        client.post("/jobs/filters/", {"name": name, "query": query})
    assert dict(SavedFilter.objects.values_list("name", "query")) == {"one": "status=RUN", "two": "mine=1"}


def test_what_is_arranged_leads_back_into_the_table_and_nowhere_else(client, alice):
    client.force_login(alice)
    answer = client.post("/jobs/columns/", {"column": "name", "query": "status=RUN&next=//evil.example"})
    assert answer.headers["Location"] == "/jobs/?status=RUN"


@pytest.mark.parametrize(
    "path", ["/jobs/columns/", "/jobs/filters/", "/tables/act/", "/jobs/filters/1/remove/"]
)
def test_what_changes_something_is_no_get_and_needs_the_token_of_its_page(alice, path):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.get(path).status_code == 405
    assert client.post(path, {"column": "name"}).status_code == 403


def test_queries_do_not_grow_with_the_jobs(client, alice, make_job, django_assert_max_num_queries):
    for number in range(30):
        make_job(f"job {number}", _status="RUN", number_of_attempts=1)
    client.force_login(alice)
    with django_assert_max_num_queries(18):
        client.get("/jobs/")


def test_the_page_of_a_crash_has_our_look_and_tells_no_inside(client, alice, monkeypatch):
    def crash(*_, **__):
        raise RuntimeError("SECRET")

    monkeypatch.setattr(job_list, "_columns", crash)
    client.force_login(alice)
    client.raise_request_exception = False
    answer = client.get("/jobs/")
    assert answer.status_code == 500
    assert b"roost.css" in answer.content
    assert b"SECRET" not in answer.content
