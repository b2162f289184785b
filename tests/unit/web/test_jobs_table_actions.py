"""Actions from the table: on one job, on chosen ones, on all that match."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from jobs_app.gizmos.definition import seal
from jobs_app.models import Job, JobShare
from jobs_app.web import bulk, job_list


@pytest.fixture
def table(client, alice):
    """Alice's table as a browser would use it."""
    return Table(client, alice)


class Table:
    def __init__(self, client: Client, user: User) -> None:
        self.client = client
        client.force_login(user)
        self.query = ""

    def look(self, query: str = "") -> Table:
        self.query = query
        page = self.client.get(f"/jobs/?{query}").content.decode()
        self.fields = {
            name: re.findall(rf'name="{name}" value="([^"]*)"', page)[-1].replace("&amp;", "&")
            for name in ("table", "next", "filter", "until")
        }
        words = re.findall(r'<option value="(\d+)">([^<]+)</option>', page)
        self.numbers = {word: number for number, word in words}
        return self

    def send(self, *, script: bool = True, **given):
        accept = {"Accept": "application/json"} if script else {}
        return self.client.post("/tables/act/", {**self.fields, **given}, headers=accept)

    def one(self, word: str, job: Job, **given):
        return self.send(act=f"{self.numbers[word]}:{job.pk}", **given)

    def chosen(self, word: str, *jobs: Job, **given):
        return self.send(action=self.numbers[word], job=[job.pk for job in jobs], **given)

    def all(self, word: str, **given):
        return self.send(action=self.numbers[word], scope="all", **given)


@pytest.fixture
def finished(make_job):
    return [make_job(f"job {number}", _status="COM", number_of_attempts=1) for number in range(4)]


def test_a_harmless_action_on_one_job_is_done_at_once(table, make_job):
    job = make_job(type="BASIC")
    told = table.look().one("Run", job).json()
    assert (told["done"], told["not_done"], told["said"]) == (1, 0, "It is on its way.")
    assert Job.objects.get().state.active


def test_what_cannot_be_undone_asks_first(table, finished):
    asked = table.look().one("Delete", finished[0]).json()
    assert asked["ask"] == f"Delete this job and all its files?\n{finished[0].pk} job 0"
    assert asked["danger"] is True
    assert Job.objects.count() == 4
    assert table.one("Delete", finished[0], confirmed="1").json()["done"] == 1
    assert Job.objects.count() == 3


def test_many_are_counted_before_and_after(table, finished, make_job):
    running = make_job("busy", _status="RUN", number_of_attempts=1)
    asked = table.look().chosen("Delete", *finished[:2], running).json()
    assert asked["ask"] == "Delete: 3 chosen jobs? Their files are deleted too."
    told = table.chosen("Delete", *finished[:2], running, confirmed="1").json()
    assert told["said"] == "Delete: done for 2 jobs, not for 1."
    assert told["reasons"] == [f"job {running.pk}: It is Running."]
    assert Job.objects.count() == 3


def test_all_that_match_are_counted_and_only_they_are_meant(table, finished, make_job, monkeypatch):
    monkeypatch.setattr(job_list, "PAGE", 2)
    monkeypatch.setattr(bulk, "TOGETHER", 2)
    other = make_job("another", _status="COM")
    asked = table.look("text=job&status=COM").all("Delete").json()
    assert asked["ask"].startswith("Delete: 4 jobs that match this filter?")
    told = table.all("Delete", confirmed="1", until=asked["until"]).json()
    assert (told["done"], told["not_done"], told["left"]) == (4, 0, "")
    assert list(Job.objects.all()) == [other]


def test_jobs_that_came_after_the_question_are_not_meant(table, finished, make_job):
    asked = table.look().all("Delete").json()
    late = make_job("late", _status="COM")
    assert table.all("Delete", confirmed="1", until=asked["until"]).json()["done"] == 4
    assert list(Job.objects.all()) == [late]


def test_when_time_is_up_the_next_request_goes_on(table, finished, monkeypatch):
    monkeypatch.setattr(bulk, "TOGETHER", 1)
    monkeypatch.setattr(bulk, "SECONDS", -1.0)
    table.look()
    left, done, rounds = "", 0, 0
    while rounds == 0 or left:
        told = table.all("Delete", confirmed="1", left=left).json()
        left, done, rounds = told["left"], done + told["done"], rounds + 1
    assert (done, rounds) == (4, 4)


def test_without_a_script_a_page_asks_and_the_answer_is_a_message(table, finished):
    page = table.look("status=COM").all("Delete", script=False).content.decode()
    assert "Delete: 4 jobs that match this filter?" in page
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    fields = {name: value.replace("&amp;", "&") for name, value in fields.items()}
    answer = table.client.post("/tables/act/", {**fields, "confirmed": "1"}, follow=True)
    assert answer.redirect_chain == [("/jobs/?status=COM", 302)]
    assert "Delete: done for 4 jobs." in answer.content.decode()


def test_without_a_script_too_many_are_done_press_by_press(table, finished, monkeypatch):
    monkeypatch.setattr(bulk, "TOGETHER", 3)
    monkeypatch.setattr(bulk, "SECONDS", -1.0)
    page = table.look().all("Delete", script=False, confirmed="1").content.decode()
    assert "done for 3 jobs. There are more." in page
    left = re.search(r'name="left" value="([^"]+)"', page)
    assert left is not None
    answer = table.all("Delete", script=False, confirmed="1", left=left[1])
    assert answer.status_code == 302
    assert not Job.objects.exists()


# --- who may ---------------------------------------------------------------------------------------------


def test_a_reader_looks_and_does_not_act(client, bob, make_job):
    job = make_job(_status="RUN", number_of_attempts=1)
    JobShare.objects.create(job=job, group=bob.groups.get(), may=JobShare.READ)
    table = Table(client, bob).look()
    page = client.get("/jobs/").content.decode()
    assert "Logs" in page
    assert 'name="act"' not in page
    told = table.one("Stop", job, confirmed="1").json()
    assert told["done"] == 0
    assert "not act on it" in told["reasons"][0]
    assert Job.objects.get()._status == "RUN"


def test_who_may_act_still_may_not_delete(client, bob, make_job):
    job = make_job(_status="COM", number_of_attempts=1)
    JobShare.objects.create(job=job, group=bob.groups.get(), may=JobShare.ACT)
    told = Table(client, bob).look().one("Delete", job, confirmed="1").json()
    assert (told["done"], told["not_done"]) == (0, 1)
    assert Job.objects.exists()


def test_rights_count_at_the_time_of_the_action(client, bob, make_job):
    job = make_job(_status="RUN", number_of_attempts=1)
    share = JobShare.objects.create(job=job, group=bob.groups.get(), may=JobShare.ACT)
    table = Table(client, bob).look()
    share.delete()
    told = table.one("Stop", job, confirmed="1").json()
    assert told["reasons"] == [f"job {job.pk}: There is no such job."]
    assert Job.objects.get()._status == "RUN"


def test_a_job_that_did_not_stand_in_the_table_is_refused(table, finished, charlie, make_job):
    other = make_job("his", user=charlie, _status="COM")
    table.look()
    assert table.one("Delete", other, confirmed="1").status_code == 403
    assert table.chosen("Delete", finished[0], other, confirmed="1").status_code == 403
    assert Job.objects.count() == 5


def test_all_that_match_are_those_that_one_may_see(table, finished, charlie, make_job):
    his = make_job("his", user=charlie, _status="COM")
    assert table.look().all("Delete", confirmed="1").json()["done"] == 4
    assert list(Job.objects.all()) == [his]


@pytest.mark.parametrize(
    "act", ["", "99:1", "-1:1", "x:1", "1:", "1:1:1", "execute:1", "0x1:1", "1:99999999999999999999"]
)
def test_an_action_that_is_none_is_refused(table, finished, act):
    assert table.look().send(act=act, confirmed="1").status_code == 422
    assert Job.objects.count() == 4


def test_links_are_no_actions(table, finished):
    table.look()
    number = job_list.ACTIONS.index("logs")
    assert table.send(act=f"{number}:{finished[0].pk}").status_code == 422


def test_an_app_page_table_knows_no_all(table, finished, alice):
    definition = job_list._definition(("name",))
    table.look()
    table.fields["table"] = seal(
        type(definition)(definition.columns, definition.actions), [finished[0].pk], alice.pk
    )
    assert table.all("Delete", confirmed="1").status_code == 422
    assert Job.objects.count() == 4


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:///evil",
        "\\\\evil",
    ],
)
def test_an_action_leads_back_to_a_place_of_ours(table, make_job, target):
    job = make_job(_status="SUB", number_of_attempts=1, frozen=True)
    answer = table.look().one("Pause", job, script=False, next=target)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/jobs/")


def test_hostile_reasons_are_escaped_in_messages(table, make_job):
    job = make_job(_status="OTH", other_status="<img src=x onerror=alert(1)>", number_of_attempts=1)
    table.look().one("Run again", job, script=False, confirmed="1")
    page = table.client.get("/jobs/").content.decode()
    assert "It is &lt;img" in page
    assert "<img src=x" not in page
