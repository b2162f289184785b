from __future__ import annotations

import json
import logging

import pytest

from jobs_app import logs
from jobs_app.models import AuditEntry


@pytest.fixture
def lines(caplog):
    caplog.handler.setFormatter(logs.JsonLine())
    caplog.set_level(logging.INFO, "roost.requests")

    def found() -> list[dict]:
        every = [json.loads(line) for line in caplog.text.splitlines()]
        return [line for line in every if line["logger"] == "roost.requests"]

    return found


def test_each_request_has_an_id_in_its_line_and_its_answer(client, db, lines):
    answer = client.get("/sign-in/?secret=hush")
    (line,) = lines()
    assert line["request"] == answer.headers["X-Request-Id"]
    assert line["message"].startswith("GET /sign-in/ 200 in ")
    assert "hush" not in json.dumps(line)


def test_a_line_says_which_job_and_who(page_of, make_job, alice, lines):
    job = make_job()
    page_of(alice).get(f"/jobs/{job.pk}/")
    assert (lines()[-1]["job"], lines()[-1]["user"]) == (job.pk, "alice")


def test_an_id_is_believed_only_of_a_proxy_of_ours(client, db, settings):
    sent = {"X-Request-Id": "abcdefgh-1"}
    assert client.get("/sign-in/", headers=sent).headers["X-Request-Id"] != "abcdefgh-1"
    settings.ROOST_PROXIES = 1
    assert client.get("/sign-in/", headers=sent).headers["X-Request-Id"] == "abcdefgh-1"
    wrong = {"X-Request-Id": "a b\tc"}
    assert client.get("/sign-in/", headers=wrong).headers["X-Request-Id"] != "a b\tc"


def test_a_sign_in_link_is_not_in_the_log(client, db, lines):
    client.get("/sign-in/hush:hush/")
    assert "hush" not in json.dumps(lines())


def test_a_line_break_in_a_path_makes_no_line(client, db, lines):
    client.get("/sign%0Aforged")
    assert "\\nforged" in lines()[0]["message"]


def test_what_a_person_does_on_a_page_is_in_the_audit_trail(page_of, make_job, alice):
    job = make_job(_status="PEN", type="BASIC")
    answer = page_of(alice).post(f"/jobs/{job.pk}/stop/")
    entry = AuditEntry.objects.get()
    assert (entry.who, entry.user, entry.via, entry.job_id) == ("alice", alice, "page", job.pk)
    assert (entry.what, entry.job_name, entry.address) == ("Stopped by alice.", job.name, "127.0.0.1")
    assert entry.request == answer.headers["X-Request-Id"]


def test_what_is_refused_is_not(page_of, make_job, charlie):
    page_of(charlie).post(f"/jobs/{make_job(_status='PEN').pk}/stop/")
    assert not AuditEntry.objects.exists()
