"""The form for new jobs."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from jobs_app.models import Job
from tests.lab import Lab, lab

SCRIPT = """
from jobs_app.script.options import OptionEnum, OptionNumber, OptionString, RequiredOption
import datetime

options = {
    "size": 128,  # spins a side
    "turns": OptionNumber(20, least=1, most=100),  # of the crank
    "share": OptionNumber(0.5, most=1),
    "factor": float,
    "name": "warm",
    "careful": True,
    "maybe": bool,
    "mode": OptionEnum("fast exact").fast,
    "must": RequiredOption(int),
    "sizes": [1, 2],
    "words": {"a": "x"},
    "day": datetime.date(2026, 1, 31),
}
datasets = ("source",)
jobs = ("first", ["others"])


def synthesis():
    return 1
"""

SMALL = 'options = {"size": 128, "words": ["a"]}\n\n\ndef synthesis():\n    return options.size\n'

APP = """
from jobs_app.sdk.base import AppBase
from jobs_app.sdk.jobs import CondorJobTemplate, ScriptJobTemplate


class Lab(AppBase):
    name = "Lab"

    def job_templates(self):
        return (
            ScriptJobTemplate("all kinds", {"method": "kinds", "description": "One of each"}),
            ScriptJobTemplate("small", {"method": "small", "options": {"size": 64}}),
            CondorJobTemplate("program", {"executable": "/bin/echo", "arguments": "hello"}),
        )
"""


@pytest.fixture
def work(tmp_path: Path, db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    monkeypatch.setattr("tests.lab.APP", APP)
    with lab(tmp_path) as made:
        made.script("kinds", SCRIPT)
        made.script("small", SMALL)
        yield made


@pytest.fixture
def browser(page_of: Callable[..., Client], alice) -> Client:
    return page_of(alice)


def address(work: Lab, template: str) -> str:
    return f"/new/?app={work.package}&template={template}"


def fields_of(page: str) -> dict[str, str]:
    """What a browser without script would send."""
    body = page[page.index('class="new-job"') :]
    found: dict[str, str] = {}
    for tag in re.findall(r"<input [^>]*>", body):
        said = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if said.get("type") == "file" or (said.get("type") == "checkbox" and " checked" not in tag):
            continue
        found[said["name"]] = html.unescape(said.get("value", ""))
    for name, text in re.findall(r'<textarea [^>]*?name="([^"]*)"[^>]*>\n?(.*?)</textarea>', body, re.DOTALL):
        found[name] = html.unescape(text)
    for name, inside in re.findall(r'<select [^>]*?name="([^"]*)"[^>]*>(.*?)</select>', body, re.DOTALL):
        options = re.findall(r'<option value="([^"]*)"( selected)?', inside)
        chosen = [value for value, selected in options if selected] or [options[0][0]]
        found[name] = html.unescape(chosen[0])
    return found


def send(browser: Client, where: str, go: str = "save", **changes: object):
    """Opens the form, changes some of its fields and sends it."""
    fields = fields_of(browser.get(where).content.decode())
    return browser.post(where, {**fields, "form-go": go, **changes})


def test_the_templates_of_all_apps_are_offered(browser, work):
    page = browser.get("/new/").content.decode()
    assert "all kinds" in page
    assert "One of each" in page
    assert "template=all%20kinds" in page


def test_a_form_has_a_field_for_each_option_with_its_default_and_what_its_author_said_of_it(browser, work):
    page = browser.get(address(work, "all kinds")).content.decode()
    fields = fields_of(page)
    assert fields["options.size"] == "128"
    assert fields["options.careful"] == "yes"
    assert fields["options.mode"] == "fast"
    assert fields["options.sizes"] == "1\n2"
    assert fields["options.words"] == "a = x"
    assert fields["options.day"] == "2026-01-31"
    assert fields["options.must"] == ""
    assert "spins a side" in page
    assert 'type="date"' in page


def test_a_template_says_another_default(browser, work):
    assert fields_of(browser.get(address(work, "small")).content.decode())["options.size"] == "64"


def test_what_is_filled_in_becomes_the_job(browser, alice, work):
    changes = {"options.must": "7", "options.sizes": "3\n4.5", "options.factor": "2", "form-name": "first"}
    answer = send(browser, address(work, "all kinds"), **changes, **{"options.words": "b = y\nc = z"})
    job = Job.objects.get()
    assert answer.headers["Location"] == f"/jobs/{job.pk}/"
    assert (job.name, job.user, job.cached_status) == ("first", alice, "Pending")
    assert job.parameters["options"]["must"] == 7
    assert job.parameters["options"]["sizes"] == [3, 4.5]
    assert job.parameters["options"]["words"] == {"b": "y", "c": "z"}
    assert job.parameters["options"]["factor"] == 2.0
    assert job.parameters["options"]["size"] == 128


def test_a_tick_that_is_taken_away_is_a_no(browser, work):
    fields = fields_of(browser.get(address(work, "all kinds")).content.decode())
    del fields["options.careful"]
    browser.post(address(work, "all kinds"), {**fields, "options.must": "1", "form-go": "save"})
    assert Job.objects.get().parameters["options"]["careful"] is False


def test_each_error_stands_at_its_field_and_nothing_that_was_written_is_lost(browser, work):
    changes = {
        "options.size": "many",
        "options.sizes": "1\nx",
        "options.day": "tomorrow",
        "options.mode": "slow",
        "memory": "big",
        "cpus": "0",
        "form-name": "a/b",
        "jobs.first": "nothing",
    }
    answer = send(browser, address(work, "all kinds"), **changes)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert not Job.objects.exists()
    assert page.count('class="wrong-field"') == len(changes) + 1  # options.must is needed
    shown = fields_of(page)
    assert {name: shown[name] for name in changes} == changes
    assert "9 fields to mend" in page


def test_a_number_has_its_limits_in_the_field_in_its_help_and_in_what_is_said_of_a_wrong_one(browser, work):
    page = browser.get(address(work, "all kinds")).content.decode()
    (turns,) = re.findall(r'<input [^>]*name="options.turns"[^>]*>', page)
    assert 'type="number" step="any" min="1" max="100"' in turns
    assert "of the crank (from 1 to 100)" in page
    (share,) = re.findall(r'<input [^>]*name="options.share"[^>]*>', page)
    assert ('max="1"' in share, "min=" in share) == (True, False)
    assert "a number, at most 1" in page
    wrong = send(browser, address(work, "all kinds"), **{"options.turns": "-5", "options.must": "7"})
    assert wrong.status_code == 422
    assert "A number from 1 to 100 is wanted here." in wrong.content.decode()
    assert not Job.objects.exists()
    send(browser, address(work, "all kinds"), **{"options.turns": "5", "options.must": "7"})
    assert Job.objects.get().parameters["options"]["turns"] == 5


def test_what_is_no_number_stays_in_a_field_that_can_show_it(browser, work):
    answer = send(browser, address(work, "all kinds"), **{"options.turns": "many"})
    (turns,) = re.findall(r'<input [^>]*name="options.turns"[^>]*>', answer.content.decode())
    assert ('value="many"' in turns, 'type="number"' in turns) == (True, False)


def test_run_hands_the_job_over(browser, work):
    send(browser, address(work, "small"), go="run")
    assert Job.objects.get().cached_status == "Submitted"


def test_a_double_click_makes_one_job(browser, work):
    fields = fields_of(browser.get(address(work, "small")).content.decode()) | {"form-go": "run"}
    answers = [browser.post(address(work, "small"), fields) for _ in range(2)]
    assert Job.objects.count() == 1
    assert answers[0].headers["Location"] == answers[1].headers["Location"]


def test_the_same_form_with_other_words_makes_another_job(browser, work):
    fields = fields_of(browser.get(address(work, "small")).content.decode()) | {"form-go": "save"}
    for size in ("1", "2"):
        browser.post(address(work, "small"), {**fields, "options.size": size})
    assert [job.parameters["options"]["size"] for job in Job.objects.order_by("pk")] == [1, 2]


def test_what_is_finished_already_is_offered_instead(browser, alice, work):
    send(browser, address(work, "small"))
    job = Job.objects.get()
    answer = send(browser, address(work, "small"))
    page = answer.content.decode()
    assert "This job is there already" in page
    assert f'href="/jobs/{job.pk}/"' in page
    assert Job.objects.count() == 1
    browser.post(address(work, "small"), {**fields_of(page), "form-go": "save"})
    assert Job.objects.count() == 2


def test_an_equal_job_of_somebody_else_is_not_told_of(page_of, alice, charlie, work):
    send(page_of(alice), address(work, "small"))
    answer = send(page_of(charlie), address(work, "small"))
    assert answer.status_code == 302
    assert Job.objects.filter(user=charlie).count() == 1


def test_a_job_of_somebody_else_is_not_there(page_of, alice, charlie, work):
    send(page_of(alice), address(work, "small"))
    changes = {"options.must": "1", "jobs.first": Job.objects.get().jobid}
    answer = send(page_of(charlie), address(work, "all kinds"), **changes)
    assert answer.status_code == 422
    assert "There is no job" in answer.content.decode()


# --- sweeps ---------------------------------------------------------------------------------------------


def test_a_sweep_is_shown_with_its_count_before_it_is_made(browser, work):
    answer = send(browser, address(work, "small"), **{"form-sweep": "size = 8, 10:14:2"})
    page = answer.content.decode()
    assert "4 jobs of small" in page
    assert not Job.objects.exists()
    answer = browser.post(address(work, "small"), {**fields_of(page), "form-go": "save"})
    assert answer.headers["Location"] == "/jobs/"
    assert sorted(job.parameters["options"]["size"] for job in Job.objects.all()) == [8, 10, 12, 14]


def test_a_pasted_table_names_its_columns(browser, work):
    answer = send(browser, address(work, "small"), **{"form-sweep": "size\tslices\n8\t1\n9\t2\n"})
    page = answer.content.decode()
    browser.post(address(work, "small"), {**fields_of(page), "form-go": "run"})
    made = [
        (job.parameters["options"]["size"], job.parameters["slices"]) for job in Job.objects.order_by("pk")
    ]
    assert made == [(8, 1), (9, 2)]
    assert {job.cached_status for job in Job.objects.all()} == {"Submitted"}


@pytest.mark.parametrize(
    ("sweep", "said"),
    [
        ("size = 1:5:0", "does not move"),
        ("size = 1:5:-1", "leads away"),
        ("size = 1:100000", "more than 10000"),
        ("size = 1, x", "Row 2"),
        ("nothing = 1, 2", "is not a field"),
        ("size,size\n1,2", "a name of its own"),
        ("size,slices\n1", "Row 1 has 1 values"),
        ("size = 1, 1", "say the same"),
        ("size = 1e99:9e99:1e-99", "more than"),
    ],
)
def test_a_sweep_that_is_none_is_refused_at_its_field(browser, work, sweep, said):
    answer = send(browser, address(work, "small"), **{"form-sweep": sweep})
    assert answer.status_code == 422
    assert said in html.unescape(answer.content.decode())
    assert fields_of(answer.content.decode())["form-sweep"] == sweep


def test_rows_that_are_there_already_can_be_left_out(browser, work):
    send(browser, address(work, "small"), **{"options.size": "8"})
    Job.objects.update(_status="COM")
    page = send(browser, address(work, "small"), **{"form-sweep": "size = 8, 9"}).content.decode()
    assert "2 jobs of small" in page
    assert Job.objects.get().jobid in page


# --- again with changes -----------------------------------------------------------------------------------


def test_a_job_is_made_again_with_changes_which_are_said(browser, work):
    send(browser, address(work, "small"), **{"options.size": "8", "memory": "2 GB", "form-name": "eight"})
    job = Job.objects.get()
    where = f"/new/from/{job.pk}/"
    fields = fields_of(browser.get(where).content.decode())
    assert (fields["options.size"], fields["memory"], fields["form-name"]) == ("8", "2048", "eight")
    answer = browser.post(where, {**fields, "options.size": "9", "form-go": "save"}, follow=True)
    assert Job.objects.latest("pk").parameters["options"]["size"] == 9
    assert "size: 8 → 9" in answer.content.decode()


@pytest.mark.parametrize(
    ("word", "value"), [("all", True), ("nothing", False), ("failure held", ["failure", "held"])]
)
def test_of_what_one_is_told_is_chosen_and_kept_for_the_next(browser, work, word, value):
    send(browser, address(work, "small"), notify=word)
    job = Job.objects.get()
    assert job.parameters["notify"] == value
    assert fields_of(browser.get(f"/new/from/{job.pk}/").content.decode())["notify"] == word


def test_a_stranger_cannot_make_a_job_again(page_of, alice, charlie, work):
    send(page_of(alice), address(work, "small"))
    assert page_of(charlie).get(f"/new/from/{Job.objects.get().pk}/").status_code == 404


def test_a_job_without_template_has_a_form_for_who_may_run_anything(page_of, make_job, alice, work):
    make = work.jobs.create_job(
        "bare", alice, job_type="CONDORJOB", executable="/bin/echo", arguments=["a", "b c"]
    )
    make.save()
    where = f"/new/from/{make.pk}/"
    assert page_of(alice).get(where).status_code == 409
    alice.is_staff = True
    alice.save()
    browser = page_of(alice)
    fields = fields_of(browser.get(where).content.decode())
    assert (fields["executable"], fields["arguments"]) == ("/bin/echo", "a 'b c'")
    browser.post(where, {**fields, "arguments": "a c", "form-go": "save"})
    assert Job.objects.latest("pk").arguments == "a c"


def test_a_template_may_be_for_some_people_only(page_of, alice, charlie, work, settings):
    group = Group.objects.create(name="modellers")
    alice.groups.add(group)
    send(page_of(alice), address(work, "small"))
    settings.ROOST_TEMPLATE_USERS = {f"{work.package}/small": ["modellers"], work.package: ["charlie"]}
    job = Job.objects.get()
    assert page_of(alice).get(address(work, "small")).status_code == 200
    assert page_of(alice).get(address(work, "program")).status_code == 404
    assert page_of(alice).get(f"/new/from/{job.pk}/").status_code == 200
    browser = page_of(charlie)
    assert browser.get(address(work, "small")).status_code == 404
    page = browser.get("/new/").content.decode()
    assert "template=program" in page
    assert "template=small" not in page
    body = {"app": work.package, "template": "small", "name": "x"}
    assert browser.post("/api/v1/jobs", body, "application/json").status_code == 403


# --- programs ---------------------------------------------------------------------------------------------


def test_files_become_inputs_of_a_program(browser, work):
    from io import BytesIO

    source = BytesIO(b"x,y\n1,2\n")
    source.name = "table.csv"
    send(browser, address(work, "program"), **{"form-files": source})
    (path,) = Job.objects.get().remote_input_files
    assert Path(path).read_bytes() == b"x,y\n1,2\n"


def test_what_only_the_app_may_say_is_no_field_and_is_passed_over(browser, work):
    fields = fields_of(browser.get(address(work, "program")).content.decode())
    assert "executable" not in fields
    send(browser, address(work, "program"), executable="/bin/rm", workspace="/", method="x")
    assert Job.objects.get().executable == "/bin/echo"


def test_rows_of_arguments_are_slices_of_one_job(page_of, alice, work):
    alice.is_staff = True
    alice.save()
    browser = page_of(alice)
    changes = {"arguments": "-t {t} 'a b'", "form-sweep": "t = 0.1:0.3:0.1", "form-one-job": "1"}
    send(browser, address(work, "program"), **changes)
    job = Job.objects.get()
    assert job.arguments == [["-t", "0.1", "a b"], ["-t", "0.2", "a b"], ["-t", "0.3", "a b"]]
    assert job.num_jobs == 3


def test_jobs_are_shared_with_ones_own_groups_only(browser, alice, work):
    mine, theirs = (Group.objects.create(name=name) for name in ("mine", "theirs"))
    alice.groups.add(mine)
    send(browser, address(work, "small"), **{f"form-share-{mine.pk}": "act"})
    assert [(share.group, share.may) for share in Job.objects.get().shares.all()] == [(mine, "act")]
    for group, may in ((theirs, "act"), (mine, "delete")):
        changes = {"options.size": "3", f"form-share-{group.pk}": may}
        assert send(browser, address(work, "small"), **changes).status_code == 422


@pytest.mark.parametrize(
    "nasty", ["\0", "<script>", "{{ 7 }}", "a" * 5000, "[" * 5000, '["set", [[{}]]]', "é\u202e"]
)
def test_whatever_is_written_into_fields_is_answered(browser, work, nasty):
    for template in ("all kinds", "program"):
        fields = fields_of(browser.get(address(work, template)).content.decode())
        changed = {name: nasty for name in fields if not name.startswith("form-")}
        answer = browser.post(address(work, template), {**fields, **changed, "form-go": "save"})
        assert answer.status_code in (302, 422)
        for name in ("form-name", "form-sweep", "form-token"):
            answer = browser.post(address(work, template), {**fields, name: nasty, "form-go": "save"})
            assert answer.status_code in (200, 302, 422)
            assert b"<script>{{" not in answer.content


@pytest.mark.parametrize("query", ["?app=x&template=y", "?app=&template=%00", "?template=small", "?app=%00"])
def test_a_template_that_is_not_there_is_not_found(browser, work, query):
    assert browser.get(f"/new/{query}").status_code == 404
    assert browser.get(f"/new/?app={work.package}&template=%00").status_code == 404
