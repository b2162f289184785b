"""JobsTable in an app's own page."""

from __future__ import annotations

import html
import inspect
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone

from config.pages_of_apps import pages
from jobs_app.errors import Invalid
from jobs_app.models import Attempt, Job, SliceBlock, WorkflowNode
from jobs_app.sdk.gizmos import CustomJobAction, JobsTable
from jobs_app.states import SliceState

ROOT = Path(__file__).resolve().parents[3]


def poke(job):
    job.description = "poked"
    job.save()
    return f"{job.name} was poked."


def fail(job):
    raise RuntimeError("SECRET")


def is_even(job):
    return job.pk % 2 == 0


def shown(table: JobsTable, user: User, query: str = "", times: int = 1) -> str:
    request = RequestFactory().get(f"/my/page/?{query}")
    request.user = user
    text = "{% load roost %}" + "{% jobs_table table %}" * times
    return Template(text).render(Context({"table": table, "request": request}))


def column(page: str, label: str) -> list[str]:
    return [html.unescape(cell) for cell in re.findall(rf'data-label="{label}"[^>]*>([^<]*)<', page)]


@pytest.fixture
def jobs(make_job):
    return [
        make_job(f"job {number}", extended_properties={"deep": {"er": number}}, priority=-number)
        for number in range(5)
    ]


def test_the_seeds_table(alice, jobs):
    table = JobsTable(
        jobs=Job.objects.filter(user=alice),
        column_fields=("id", "description", "run_time"),
        hover=True,
        striped=False,
        bordered=False,
        condensed=False,
        results_url="ising:story",
    )
    page = shown(table, alice)
    assert page.count("<tr data-job") == 5
    assert re.findall(r'<th scope="col"[^>]*>([^<]+)', page) == ["Id", "Description", "Time", "State"]
    assert 'class="jobs hover"' in page


def test_headers_and_places_inside_mappings(alice, jobs):
    fields = ("name", ("Depth", "extended_properties.deep.er"), "extended_properties.none.at.all", "user")
    page = shown(JobsTable(jobs, fields), alice)
    assert column(page, "Depth") == ["0", "1", "2", "3", "4"]
    assert column(page, "All") == [""] * 5
    assert column(page, "Owner") == ["alice"] * 5


@pytest.mark.parametrize(
    "field",
    ["nonsense", "execute", "_status", "user.password", "scheduler.password", "objects", "delete", "a.b"],
)
def test_a_column_that_is_none_is_said_when_the_table_is_made(field):
    with pytest.raises(Invalid, match=re.escape(field)):
        JobsTable([], (field,))


def test_no_jobs_still_have_headers(alice):
    page = shown(JobsTable(Job.objects.none(), ("id", "name"), empty="Nothing <yet>"), alice)
    assert "Name</th>" in page
    assert "Nothing &lt;yet&gt;" in page


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "01234"),
        ({"reverse_sort": True}, "43210"),
        ({"sort": lambda job: job.priority}, "43210"),
        ({"sort": lambda job: job.priority, "reverse_sort": True}, "01234"),
        ({"sort": False}, "20134"),
        ({"sort": False, "reverse_sort": True}, "43102"),
    ],
)
@pytest.mark.parametrize("as_query", [True, False])
def test_the_order(alice, jobs, options, expected, as_query):
    Job.objects.filter(pk=jobs[2].pk).update(name="a first one")
    query = Job.objects.order_by("name")
    page = shown(
        JobsTable(query if as_query else list(query), ("extended_properties.deep.er",), **options), alice
    )
    assert "".join(column(page, "Er")) == expected


@pytest.mark.parametrize(
    "options", [{}, {"reverse_sort": True}, {"sort": False}, {"sort": lambda job: job.pk}]
)
def test_pages_of_a_long_table(alice, jobs, options):
    table = JobsTable(Job.objects.order_by("name"), ("name",), page_size=2, **options)
    seen, query = [], ""
    while query is not None:
        page = shown(table, alice, query)
        seen += re.findall(r'class="name"><a[^>]*>([^<]+)', page)
        more = re.search(r'href="/my/page/\?([^"#]+)#jobs-1">More', page)
        query = more[1] if more else None
    assert sorted(seen) == [f"job {number}" for number in range(5)]
    assert seen == sorted(seen, reverse=bool(options.get("reverse_sort")))


def test_a_slice_of_a_query_is_taken_as_it_is(alice, jobs):
    assert shown(JobsTable(Job.objects.order_by("pk")[:3], ("id",)), alice).count("<tr data-job") == 3


def test_only_jobs_that_the_reader_may_see(alice, charlie, jobs, make_job):
    make_job("his", user=charlie)
    for given in (Job.objects.all(), list(Job.objects.all()), Job.objects.all()[:6]):
        page = shown(JobsTable(given, ("name",)), charlie)
        assert re.findall(r'class="name"><a[^>]*>([^<]+)', page) == ["his"]


def test_looks_classes_and_attributes(alice, jobs):
    table = JobsTable(
        jobs,
        ("id",),
        striped=True,
        bordered=True,
        condensed=True,
        classes='mine "x',
        attributes={"data-what": '"><script>', "aria-label": "Mine"},
    )
    page = shown(table, alice)
    assert 'class="jobs striped bordered condensed mine &quot;x"' in page
    assert 'data-what="&quot;&gt;&lt;script&gt;"' in page
    assert 'aria-label="Mine"' in page


def test_attributes_may_be_written_as_in_html(alice, jobs):
    assert 'data-a="b c"' in shown(JobsTable(jobs, ("id",), attributes='data-a="b c" lang=de'), alice)


@pytest.mark.parametrize("name", ["onclick", "style", "a b", "x>", "class", "ON"])
def test_attributes_that_do_harm_are_refused(name):
    with pytest.raises(Invalid, match="attributes"):
        JobsTable([], ("id",), attributes={name: "x"})


@pytest.mark.parametrize(
    ("options", "has", "has_not"),
    [
        ({}, ["State</th>", 'class="do"'], []),
        ({"show_status": False}, ['class="do"'], ["State</th>"]),
        ({"show_actions": False}, ["State</th>"], ['class="do"']),
        ({"status_actions": False}, [], ["State</th>", 'class="do"']),
        ({"run_btn": False}, [">Delete<"], [">Run<"]),
        ({"delete_btn": False}, [">Run<"], [">Delete<"]),
        ({"actions": ["run"]}, [">Run<"], [">Delete<"]),
        ({"refresh_interval": 7000}, ['data-interval="7000"'], []),
        ({"refresh_interval": 1}, ['data-interval="1000"'], []),
        ({"delay_loading_status": True}, ["data-now"], []),
        ({"delay_loading_status": False}, [], ["data-now"]),
        ({"enable_data_table": True, "data_table_options": {"x": 1}}, ["<tr data-job"], []),
    ],
)
def test_what_is_shown_and_offered(alice, jobs, options, has, has_not):
    page = shown(JobsTable(jobs, ("id",), **options), alice)
    assert [text for text in has if text not in page] == []
    assert [text for text in has_not if text in page] == []


def test_results_and_monitor_appear_with_their_addresses(alice, make_job):
    make_job("done", _status="COM", number_of_attempts=1)
    make_job("runs", _status="RUN", number_of_attempts=1)
    bare = shown(JobsTable(Job.objects.all(), ("id",)), alice)
    assert "Results" not in bare
    assert "Monitor" not in bare
    given = ["monitor", "|", "results"]
    table = JobsTable(
        Job.objects.all(), ("id",), results_url="ising:story", monitor_url="/m/{job_id}/", actions=given
    )
    page = shown(table, alice)
    assert len(re.findall(r'href="/apps/ising/\d+/">Results', page)) == 1
    assert len(re.findall(r'href="/m/\d+/">Monitor', page)) == 1
    assert given == ["monitor", "|", "results"]


def test_detailed_status_tells_the_slices(alice, make_job):
    make_job("runs", _status="RUN", number_of_attempts=1, slices_total=8, slices_done=2, slices_failed=1)
    page = shown(JobsTable(Job.objects.all(), ("id",), show_detailed_status=True), alice)
    assert "8 slices: 2 done, 1 failed" in page


def test_a_running_jobs_time_goes_on(alice, make_job):
    make_job("runs", _status="RUN", start_time=timezone.now() - timedelta(minutes=2))
    assert "data-since" in shown(JobsTable(Job.objects.all(), ("run_time",)), alice)


def test_several_tables_in_a_page_load_our_files_once_and_have_names_of_their_own(alice, jobs):
    page = shown(JobsTable(jobs, ("id",)), alice, times=3)
    assert page.count("table.js") == 1
    assert re.findall(r'<section class="roost jobs-table" id="([^"]+)"', page) == [
        "jobs-1",
        "jobs-2",
        "jobs-3",
    ]
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_without_a_request_the_tag_says_what_it_needs(alice):
    text = Template("{% load roost %}{% jobs_table table %}")
    with pytest.raises(Invalid, match="request"):
        text.render(Context({"table": JobsTable([], ("id",))}))


# --- an app's own actions ---------------------------------------------------------------------------------


def post(client, page: str, word: str, job: Job):
    number = re.search(rf'value="(\d+):{job.pk}"[^>]*>{word}<', page)
    sealed = re.search(r'name="table" value="([^"]+)"', page)
    assert number is not None
    assert sealed is not None
    fields = {"table": sealed[1], "act": f"{number[1]}:{job.pk}"}
    headers = {"Accept": "application/json"}
    return client.post("/tables/act/", fields, headers=headers).json()


def test_a_function_of_the_app_is_called_and_what_it_returns_is_shown(client, alice, jobs):
    page = shown(JobsTable(jobs, ("id",), actions=[CustomJobAction("Poke", poke)]), alice)
    client.force_login(alice)
    assert post(client, page, "Poke", jobs[1])["said"] == "job 1 was poked."
    assert Job.objects.get(pk=jobs[1].pk).description == "poked"


def test_a_method_by_its_name_tuples_and_mappings(client, alice, jobs):
    actions = [("Stop it", "stop"), {"label": "Poke", "callback_or_url": poke}]
    page = shown(JobsTable(jobs, ("id",), actions=actions), alice)
    client.force_login(alice)
    assert post(client, page, "Stop it", jobs[0])["done"] == 1
    assert Job.objects.get(pk=jobs[0].pk)._status == "ABT"
    assert post(client, page, "Poke", jobs[1])["done"] == 1


def test_whether_it_can_be_done_is_asked_when_shown_and_when_done(client, alice, jobs, monkeypatch):
    page = shown(JobsTable(jobs, ("id",), actions=[CustomJobAction("Poke", poke, is_even)]), alice)
    assert page.count("disabled>Poke") == sum(job.pk % 2 for job in jobs)
    client.force_login(alice)
    odd = next(job for job in jobs if job.pk % 2)
    assert post(client, page, "Poke", odd)["done"] == 0
    assert Job.objects.get(pk=odd.pk).description == ""


def test_its_confirmation_is_asked_by_the_server(client, alice, jobs):
    action = CustomJobAction("Poke", poke, confirmation_message="Really <poke>?")
    page = shown(JobsTable(jobs, ("id",), actions=[action]), alice)
    client.force_login(alice)
    assert post(client, page, "Poke", jobs[0])["ask"] == f"Really <poke>?\n{jobs[0].pk} job 0"
    assert Job.objects.get(pk=jobs[0].pk).description == ""


def test_what_goes_wrong_in_an_app_is_said_without_its_inside(client, alice, jobs, caplog):
    page = shown(JobsTable(jobs, ("id",), actions=[CustomJobAction("Fail", fail)]), alice)
    client.force_login(alice)
    told = post(client, page, "Fail", jobs[0])
    assert "server's log" in told["reasons"][0]
    assert "SECRET" not in str(told)
    assert "SECRET" in caplog.text


def test_addresses_overlays_and_windows(alice, jobs):
    actions = [
        CustomJobAction("See", "ising:story"),
        CustomJobAction("Path", "/there/{job_id}/", show_overlay=True),
        CustomJobAction("Window", modal_url="ising:story"),
        CustomJobAction("Lost", "no:where"),
    ]
    page = shown(JobsTable(jobs[:1], ("id",), actions=actions), alice)
    pk = jobs[0].pk
    assert f'<a href="/apps/ising/{pk}/">See</a>' in page
    assert f'<a href="/there/{pk}/" data-overlay>Path</a>' in page
    assert f'<a href="/apps/ising/{pk}/" data-modal>Window</a>' in page


def test_an_action_for_one_type_of_job_is_not_shown_for_others(client, alice, make_job):
    make_job("script")
    make_job("basic", type="BASIC")
    action = CustomJobAction("Poke", poke, job_type="BASIC")
    page = shown(JobsTable(Job.objects.all(), ("id",), actions=[action]), alice)
    assert page.count(">Poke<") == 1


@pytest.mark.parametrize(
    "given",
    [
        ("", poke),
        ("X",),
        ("X", lambda job: None),
        ("X", "__class__"),
        ("X", "_private"),
        ("X", "https://evil.example/"),
        ("X", "//evil.example/"),
        ("X", "/\\evil"),
        ("X", poke, lambda job: True),
    ],
)
def test_an_action_that_could_not_work_is_refused_when_it_is_made(given):
    with pytest.raises(Invalid):
        CustomJobAction(*given)


def test_an_action_that_nobody_knows_is_refused():
    with pytest.raises(Invalid, match="explode"):
        JobsTable([], ("id",), actions=["explode"])


# --- the example, and the page about it -------------------------------------------------------------------


def test_the_examples_page_shows_its_readers_magnets(client, alice, make_job, charlie):
    for number in range(5):
        make_job(f"magnet {number}", app="examples.ising")
    make_job("other", app="weather")
    client.force_login(alice)
    page = client.get("/apps/ising/").content.decode()
    assert page.count("<tr data-job") == 5
    assert "other" not in page
    bookmarked = Job.objects.first()
    assert post(client, page, "Bookmark", bookmarked)["said"] == f"Job {bookmarked.pk} has a bookmark now."
    assert column(client.get("/apps/ising/").content.decode(), "Bookmark").count("yes") == 1
    client.force_login(charlie)
    assert client.get(f"/apps/ising/{bookmarked.pk}/").status_code == 404


@pytest.mark.parametrize("thing", [JobsTable, CustomJobAction])
def test_every_option_is_documented_with_its_default(thing):
    written = dict(
        re.findall(r"^\| `(\w+)` \|([^|]*)\|", (ROOT / "docs" / "jobs-table.md").read_text(), re.MULTILINE)
    )
    for name, parameter in inspect.signature(thing).parameters.items():
        assert name in written, f"docs/jobs-table.md does not tell of {name}"
        if isinstance(parameter.default, bool | int | str) and parameter.default != "":
            assert str(parameter.default) in written[name], f"{name}: {written[name]}"


def test_detailed_status_names_a_workflows_nodes_each_with_its_state(alice, make_job):
    job = make_job("flow", type="CONDORWORKFLOW", _status="RUN", number_of_attempts=1, slices_total=3)
    attempt = Attempt.objects.create(job=job, number=1, token="t")
    states = bytes([SliceState.DONE, SliceState.RUNNING, SliceState.WAITING])
    SliceBlock.objects.create(attempt=attempt, step=job.main_step, first=0, states=states)
    for position, name in enumerate(("fetch", "<b>", "join")):
        WorkflowNode.objects.create(attempt=attempt, position=position, name=name, first=position)
    page = shown(JobsTable(Job.objects.all(), ("id",), show_detailed_status=True), alice)
    nodes = re.findall(r'<li class="(\w+)">([^ ]+) <span class="unseen">\w+</span></li>', page)
    assert nodes == [("done", "fetch"), ("running", "&lt;b&gt;"), ("waiting", "join")]


# --- where the pages of apps are --------------------------------------------------------------------------


def test_an_app_whose_pages_do_not_load_takes_no_other_page_away(tmp_path, monkeypatch, caplog):
    for name, text in (("wellapp", "urlpatterns = []"), ("brokenapp", "1/0"), ("bareapp", None)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
        if text:
            (tmp_path / name / "urls.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    found = pages(["django.contrib.admin", "jobs_app", "wellapp", "brokenapp", "bareapp"])
    assert [(str(each.pattern), each.namespace) for each in found] == [("apps/wellapp/", "wellapp")]
    assert "brokenapp" in caplog.text
