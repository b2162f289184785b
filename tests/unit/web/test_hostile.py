"""What a browser never sends: methods, sizes and depths that are there to break something."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

import pytest
from django.test import Client

from jobs_app.errors import Invalid
from jobs_app.models import Job
from jobs_app.parameters import DEEPEST, json_mapping
from jobs_app.search import by_statepoint


def deep(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


@pytest.fixture
def browser(page_of, alice):
    client = page_of(alice)
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize("levels", [100, 400, 900, 5000])
def test_searches_as_deep_as_they_like_are_refused(browser, levels):
    point = quote(deep(levels))
    assert browser.get(f"/api/v1/jobs?statepoint={point[:3900]}").status_code == 422
    assert browser.get(f"/jobs/?point={point}").status_code == 200
    assert browser.get(f"/jobs/?point={quote('a' + '.a' * levels + '=1')}").status_code == 200


def test_a_search_may_not_have_conditions_without_end(db):
    with pytest.raises(Invalid, match="too large"):
        by_statepoint(Job.objects.all(), {f"a{n}": n for n in range(101)})
    assert not by_statepoint(Job.objects.all(), {f"a{n}": n for n in range(100)}).exists()


@pytest.mark.parametrize("levels", [DEEPEST + 2, 400, 850, 880, 900, 920])
def test_values_as_deep_as_they_like_become_no_job_and_no_document(browser, alice, make_job, levels):
    with pytest.raises(Invalid, match="deep"):
        json_mapping(json.loads(deep(levels)))
    job = make_job(files={"x": b""})
    head = '{"app": "examples.ising", "template": "ising", "name": "x", "parameters": {"{}": '
    given = f"{head}{deep(levels)}}}}}"
    for name in ("extended_properties", "statepoint"):
        answer = browser.post("/api/v1/jobs", given.replace("{}", name), "application/json")
        assert answer.status_code in (400, 403, 422)
    page = browser.get(f"/jobs/{job.pk}/document/")
    said = {"text": deep(levels), "version": page.context["version"]}
    assert browser.post(f"/jobs/{job.pk}/document/", said).status_code == 422
    assert browser.get(f"/jobs/{job.pk}/asked/").status_code == 200


def test_thousands_of_parameters_are_told_to_be_too_many(browser):
    query = "&".join("id=1" for _ in range(3000))
    answer = browser.get(f"/api/v1/jobs?{query}")
    assert (answer.status_code, answer.json()["status"]) == (400, 400)
    assert browser.get(f"/jobs/?{query}").status_code == 400


@pytest.mark.parametrize(
    "path", ["/api/v1/jobs", "/api/v1/jobs/{}", "/api/v1/jobs/{}/files/a.bin", "/api/v1/none"]
)
def test_head_answers_as_get_without_a_body(browser, make_job, path):
    address = path.format(make_job(files={"a.bin": b"0123456789"}).pk)
    head, get = browser.head(address), browser.get(address)
    assert (head.status_code, head.content) == (get.status_code, b"")
    for name in ("Content-Type", "ETag"):
        assert head.headers.get(name) == get.headers.get(name)
    assert int(head.headers["Content-Length"]) == len(b"".join(get))
    part = browser.head(address, headers={"Range": "bytes=0-3"})
    assert part.content == b""
    get.close()


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "OPTIONS", "PUT", "DELETE", "X" * 50])
@pytest.mark.parametrize("path", ["/jobs/", "/sign-in/", "/api/v1/jobs", "/healthz", "/update-job-status/1/"])
def test_other_methods_do_nothing_and_echo_nothing(db, method, path):
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    answer = client.generic(method, path, headers={"X-Secret": "SECRET"})
    assert answer.status_code < 500
    assert b"SECRET" not in answer.content


@pytest.mark.parametrize("path", ["/none/", "/jobs/999999/", "/sign-in/"])
def test_pages_of_errors_are_ours_and_let_nothing_run(page_of, alice, path):
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    client.force_login(alice)
    answer = client.post(path, {"a": "<script>"})
    assert answer.status_code in (403, 404, 405)
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert b"style=" not in answer.content
    assert b"<script>" not in answer.content


@pytest.mark.parametrize("path", ["/admin/", "/admin/jobs_app/scheduler/add/", "/api/v1/jobs", "/healthz"])
def test_pages_that_are_not_of_our_making_load_nothing_from_elsewhere_either(client, admin_user, path):
    client.force_login(admin_user)
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; ")


def test_a_browser_finds_the_little_picture_on_every_page(client):
    assert client.get("/favicon.ico").headers["Location"] == "/static/roost/roost.svg"


@pytest.mark.parametrize(
    "query",
    [
        {"text": "a" * 201}, {"text": "%" * 200}, {"text": "\\" * 200}, {"text": "(a+)+$" * 30},
        {"sort": "password"}, {"after": "x"}, {"after": "A" * 5000}, {"status": "PEN' OR 1=1 --"},
        {"created_from": "9999-12-31"}, {"created_to": "9999-12-31"}, {"ended_from": "0001-01-01"},
        {"point": "a<NaN"}, {"point": "a=Infinity"}, {"point": '{"a": {"$in": {}}}'},
        {"point": '{"a": {"$in": 1}}'}, {"point": '{"a": {"$nin": [[1]]}}'},
        {"point": '{"a": {"$lt": null}}'}, {"point": '{"a": {"$in": [%s]}}' % ("9" * 100)},
        {"point": '{"a": {"$in": [null, true]}}'}, {"point": '{"a": {"$in": []}}'}, {"point": '{"a": null}'},
        {"point": '{"$where": "1"}'}, {"point": '{"a__b": 1}'}, {"point": '{"a": {"$regex": "(a+)+$"}}'},
        {"point": '{"a": {"$lt": {"b": 1}}}'}, {"point": '{"a": {"$lt": [1]}}'},
        {"point": "a=" + "9" * 190}, {"point": "a<" + "9" * 190}, {"point": "a=1e999"},
        {"point": '{"": 1}'}, {"point": '{"a": {"": 1}}'}, {"point": '{"a": 1e400}'}, {"user": "'; --"},
    ],
)  # fmt: skip
def test_no_filter_breaks_the_table_or_the_api(browser, make_job, query):
    make_job(statepoint={"a": 1, "b": {"c": "x"}})
    assert browser.get(f"/jobs/?{urlencode(query)}").status_code == 200
    named = {"statepoint" if name == "point" else name: value for name, value in query.items()}
    assert browser.get(f"/api/v1/jobs?{urlencode(named)}").status_code in (200, 422)
