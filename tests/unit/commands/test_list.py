from __future__ import annotations

import io

import pytest
from django.core.management import call_command

from jobs_app.models import Attempt, Job, Scheduler

from .conftest import manage


def test_the_newest_jobs_come_first_with_tabs_between_the_columns(make_job):
    make_job("first")
    make_job("second", _status="COM", slices_total=8, slices_done=8)
    rows = manage("jobs", "list").rows
    assert [row[1] for row in rows] == ["second", "first"]
    assert rows[0][2:4] == ["Complete", "8/8"]


def test_a_name_cannot_begin_another_line_or_column(make_job):
    job = make_job()
    Job.objects.filter(pk=job.pk).update(name="a\tb\nc")
    assert [row[1] for row in manage("jobs", "list").rows] == ["a\\tb\\nc"]


@pytest.mark.parametrize("word", ["RUN", "run", "Running", "active"])
def test_a_state_may_be_given_by_code_or_word(make_job, word):
    make_job("busy", _status="RUN")
    make_job("done", _status="COM")
    assert [row[1] for row in manage("jobs", "list", "--status", word).rows] == ["busy"]


def test_states_add_up(make_job):
    for status in ("ERR", "ABT", "COM"):
        make_job(status, _status=status)
    said = manage("jobs", "list", "--status", "ERR", "--status", "ABT")
    assert {row[1] for row in said.rows} == {"ERR", "ABT"}


def test_an_unknown_state_is_named_with_those_there_are(db):
    said = manage("jobs", "list", "--status", "Bogus")
    assert said.code == 2
    assert "'Bogus'" in said.err
    assert "COM Complete" in said.err


def test_whose_jobs_can_be_chosen(make_job, bob):
    make_job("hers")
    make_job("his", user=bob)
    assert [row[1] for row in manage("jobs", "list", "--mine").rows] == ["hers"]
    assert [row[1] for row in manage("jobs", "list", "--user", "bob").rows] == ["his"]


def test_an_unknown_user_is_an_error_and_no_empty_list(db):
    said = manage("jobs", "list", "--user", "nobody")
    assert (said.code, said.out) == (2, "")
    assert said.err == "There is no user 'nobody'."


@pytest.mark.parametrize("words", [("--app", "shop"), ("--method", "isign"), ("--app", "examples.isign")])
def test_a_name_that_neither_code_nor_a_job_has_is_an_error(make_job, words):
    make_job(app="examples.ising", method="ising")
    said = manage("jobs", "list", *words)
    assert (said.code, said.out) == (2, "")
    assert f"{words[1]!r} is not" in said.err


def test_a_name_that_only_code_or_only_a_job_has_is_none(make_job):
    assert manage("jobs", "list", "--app", "examples.ising", "--method", "ising").code == 0
    make_job(app="sold.shop", method="till")
    assert len(manage("jobs", "list", "--app", "sold.shop").rows) == 1
    assert len(manage("jobs", "list", "--method", "till").rows) == 1


@pytest.mark.parametrize("words", [("--limit", "-1"), ("--before", "0"), ("--before", str(10**30))])
def test_a_number_that_cannot_be_is_an_error(db, words):
    said = manage("jobs", "list", *words)
    assert (said.code, said.out) == (2, "")
    assert " ".join(words) in said.err


def test_a_key_that_no_state_point_has_is_said_with_the_one_that_is_meant(make_job):
    make_job(statepoint={"options": {"throws": 1}})
    for condition, hint in (("throws=1", " Did you mean options.throws?"), ("thorws=1", "")):
        said = manage("jobs", "find", condition)
        assert (said.code, said.out) == (0, "")
        assert said.err == f"No state point has {condition[:6]!r}.{hint}\n"
    assert manage("jobs", "find", "options.throws=2").err == ""


def test_an_operator_that_is_none_is_said_in_good_english(db):
    assert "'$foo' is not an operator of a search" in manage("jobs", "find", "a={'$foo': 1}").err


def test_pages_follow_each_other(make_job):
    ids = [make_job(str(number)).pk for number in range(5)]
    first = manage("jobs", "list", "--limit", "2").rows
    second = manage("jobs", "list", "--limit", "2", "--before", first[-1][0]).rows
    assert [int(row[0]) for row in [*first, *second]] == ids[:0:-1]


def test_limit_nought_lists_all(make_job):
    for number in range(30):
        make_job(str(number))
    assert len(manage("jobs", "list").rows) == 25
    assert len(manage("jobs", "list", "--limit", "0").rows) == 30


def test_json_holds_the_same_with_names(make_job):
    job = make_job("cool", _status="RUN", slices_total=4, slices_done=1, slices_running=2)
    (row,) = manage("jobs", "list", "--json").json
    assert (row["id"], row["name"], row["status"], row["state"]) == (job.pk, "cool", "RUN", "Running")
    assert row["slices"] == {"total": 4, "running": 2, "done": 1, "failed": 0, "held": 0}
    assert row["user"] == "alice"


def test_nothing_is_an_empty_list(db):
    assert manage("jobs", "list").out == ""
    assert manage("jobs", "list", "--json").json == []


def test_jobs_are_found_by_their_state_points(make_job):
    make_job("small", statepoint={"options": {"size": 8}})
    make_job("large", statepoint={"options": {"size": 512}})
    assert [row[1] for row in manage("jobs", "find", "options.size=8").rows] == ["small"]
    assert [row[1] for row in manage("jobs", "find", "options.size={'$gt': 8}").rows] == ["large"]
    assert manage("jobs", "find", "options.size").code == 2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_in_a_terminal_there_is_a_table_with_a_heading(make_job):
    make_job("cool", _status="ERR")
    screen = Terminal()
    call_command("jobs", "list", stdout=screen)
    heading, row = screen.getvalue().splitlines()
    assert "state" in heading
    assert "cool" in row
    assert "Error" in row


def test_a_name_with_markup_stays_as_it_is_in_a_terminal(make_job):
    make_job("[red]cool")
    screen = Terminal()
    call_command("jobs", "list", stdout=screen)
    assert "[red]cool" in screen.getvalue()


def test_jobs_are_listed_by_the_scheduler_that_they_were_sent_to(make_job):
    ruby, jade = (Scheduler.objects.create(name=name) for name in ("ruby", "jade"))
    for number, pool in enumerate((ruby, jade, ruby), 1):
        job = make_job(f"job{number}", _status="COM", number_of_attempts=1)
        Attempt.objects.create(job=job, number=1, token=f"t{number}", phase="final", scheduler=pool)
    said = manage("jobs", "list", "--scheduler", "ruby").out
    assert ("job1" in said, "job2" in said, "job3" in said) == (True, False, True)
    assert manage("jobs", "list", "--scheduler", "opal").code == 2
    refused = manage("schedulers", "remove", "ruby")
    assert "jobs list --scheduler ruby" in refused.err
