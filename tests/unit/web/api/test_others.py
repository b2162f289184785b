"""Documents, events, slices, schedulers, tokens, problems."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from jobs_app import tokens
from jobs_app.jobdir import facts, usage
from jobs_app.models import Attempt, History, Scheduler, SliceBlock
from jobs_app.web.api import jobs as jobs_module
from jobs_app.web.api import problems


class TestDocument:
    def test_it_is_read_written_and_merged(self, api_of, alice, make_job):
        client, path = api_of(alice), f"/jobs/{make_job(files={'x': b''}).pk}/document"
        assert client.call("GET", path).json() == {}
        assert client.call("PUT", path, {"a": {"b": 1}, "c": 2}).json() == {"a": {"b": 1}, "c": 2}
        assert client.call("PATCH", path, {"a": {"d": 3}, "c": None}).json() == {"a": {"b": 1, "d": 3}}

    def test_of_two_who_change_it_the_second_reads_it_again(self, api_of, alice, make_job):
        client, path = api_of(alice), f"/jobs/{make_job(files={'x': b''}).pk}/document"
        etag = client.call("GET", path).headers["ETag"]
        assert client.call("PUT", path, {"a": 1}, **{"If-Match": etag}).status_code == 200
        assert client.call("PUT", path, {"a": 2}, **{"If-Match": etag}).status_code == 412
        again = client.call("GET", path, **{"If-None-Match": client.call("GET", path).headers["ETag"]})
        assert again.status_code == 304

    def test_its_readers_do_not_write_it(self, api_of, bob, make_job, hydrology):
        job = make_job(files={"x": b""})
        job.groups.add(hydrology)
        assert api_of(bob).call("GET", f"/jobs/{job.pk}/document").status_code == 200
        assert api_of(bob).call("PUT", f"/jobs/{job.pk}/document", {}).status_code == 403

    def test_a_job_without_a_directory_has_none_yet(self, api_of, alice, make_job):
        answer = api_of(alice).call("PUT", f"/jobs/{make_job(address=None).pk}/document", {})
        assert answer.status_code == 409


class TestEvents:
    def test_they_go_on_from_a_cursor(self, api_of, alice, make_job):
        job, client = make_job(), api_of(alice)
        rows = [History.objects.create(job=job, actor="alice", why=str(number)) for number in range(3)]
        page = client.call("GET", f"/jobs/{job.pk}/events?limit=2").json()
        assert ([each["why"] for each in page["events"]], page["next"]) == (["0", "1"], rows[1].pk)
        assert [
            each["why"]
            for each in client.call("GET", f"/jobs/{job.pk}/events?after={page['next']}").json()["events"]
        ] == ["2"]

    def test_those_of_all_jobs_are_ones_own_and_settled(self, api_of, alice, bob, make_job):
        mine, theirs = make_job(), make_job(user=bob)
        begin = History.objects.create(job=mine, actor="x").pk
        for job in (mine, theirs, mine):
            History.objects.create(job=job, actor="x", why=job.name)
        History.objects.update(at=timezone.now() - timedelta(seconds=5))
        History.objects.create(job=mine, actor="x", why="just now")
        client = api_of(alice)
        assert client.call("GET", "/events").json()["events"] == []
        page = client.call("GET", f"/events?after={begin}").json()
        assert [each["job"] for each in page["events"]] == [mine.pk, mine.pk]


class TestSlices:
    @pytest.fixture
    def job(self, make_job):
        job = make_job(files={"x": b""}, _status="ERR", number_of_attempts=1)
        attempt = Attempt.objects.create(job=job, number=1, token="t")
        states = bytes([2, 3, 2, 3, 0])
        SliceBlock.objects.create(
            attempt=attempt, step="analysis", first=0, done=2, failed=2, waiting=1, states=states
        )
        paths = job.paths.attempt(1)
        paths.root.mkdir(parents=True)
        facts.write(paths.facts, "analysis", 3, facts.Fact(3, 1, 17, 0, 100.0, 160.5, 2.0, 4096, 5))
        return job

    def test_a_page_of_them(self, api_of, alice, job):
        page = api_of(alice).call("GET", f"/jobs/{job.pk}/slices?first=2&limit=2").json()
        assert [(each["number"], each["state"]) for each in page["slices"]] == [(2, "done"), (3, "failed")]
        assert (page["total"], page["next"], page["slices"][1]["exit_code"]) == (5, 4, 17)
        assert page["slices"][1]["ended"] == "1970-01-01T00:02:40.500Z"

    def test_those_in_a_state(self, api_of, alice, job):
        page = api_of(alice).call("GET", f"/jobs/{job.pk}/slices?state=failed&first=2").json()
        assert [(each["number"], each["exit_code"]) for each in page["slices"]] == [(3, 17)]

    def test_each_tells_where_it_ran_and_what_it_used_of_what_it_asked_for(self, api_of, alice, job):
        paths = job.paths.attempt(1)
        told = {"host": "exec7", "memory": 64, "memory_used": 48, "cpus": 2.0, "cpus_used": float("nan")}
        usage.update(paths.usage, paths.hosts, {("analysis", 3): told})
        for query in ("first=2", "state=failed"):
            page = api_of(alice).call("GET", f"/jobs/{job.pk}/slices?{query}").json()
            (failed,) = (each for each in page["slices"] if each["number"] == 3)
            assert (failed["host"], failed["memory"], failed["memory_used"]) == ("exec7", 64, 48)
            assert (failed["memory_bytes"], failed["cpus"], failed["cpus_used"]) == (4096, 2, None)
            assert page["slices"][0]["host"] is None

    def test_times_that_no_calendar_has_are_not_told(self, api_of, alice, job):
        fact = facts.Fact(3, start=float("inf"), end=1e300, cpu_seconds=float("nan"))
        facts.write(job.paths.attempt(1).facts, "analysis", 3, fact)
        (slice_,) = api_of(alice).call("GET", f"/jobs/{job.pk}/slices?first=3&limit=1").json()["slices"]
        assert (slice_["started"], slice_["ended"], slice_["cpu_seconds"]) == (None, None, None)

    def test_how_many_are_where(self, api_of, alice, job):
        (counts,) = api_of(alice).call("GET", f"/jobs/{job.pk}/slices/counts").json()
        assert (counts["step"], counts["total"], counts["failed"]) == ("analysis", 5, 2)


def test_how_a_scheduler_is_reached_is_for_operators(api_of, alice, admin_user):
    Scheduler.objects.create(name="ruby", host="ap.example", last_error="cannot reach ap.example")
    told = api_of(alice).call("GET", "/schedulers/ruby")
    assert (told.json()["details"], b"ap.example" in told.content) == (None, False)
    assert api_of(admin_user).call("GET", "/schedulers/ruby").json()["details"]["host"] == "ap.example"
    assert api_of(alice).call("GET", "/schedulers/none").status_code == 404


class TestTokens:
    def test_one_is_made_shown_once_and_revoked(self, api_of, alice):
        client = api_of(alice)
        made = client.call("POST", "/tokens", {"name": "ci", "scopes": ["jobs:read"], "days": None})
        assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
        assert tokens.find(made.json()["token"]).user == alice
        assert made.json()["token"] not in client.call("GET", "/tokens").content.decode()
        assert client.call("DELETE", f"/tokens/{made.json()['prefix']}").status_code == 204
        assert tokens.find(made.json()["token"]) is None

    def test_a_token_gives_no_more_than_it_has(self, api_of, alice):
        client = api_of(alice, ["tokens:write"])
        assert client.call("POST", "/tokens", {"name": "x", "scopes": ["jobs:write"]}).status_code == 403

    def test_others_tokens_are_not_there(self, api_of, alice, bob):
        row, _ = tokens.make("bobs", bob, ["jobs:read"])
        assert api_of(alice).call("DELETE", f"/tokens/{row.prefix}").status_code == 404


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("jobs:write", "GET", "/jobs"),
        ("jobs:read", "POST", "/jobs/actions"),
        ("jobs:read", "GET", "/jobs/1/files"),
        ("files:read", "GET", "/jobs/1"),
        ("jobs:read", "GET", "/tokens"),
        ("tokens:read", "POST", "/tokens"),
        ("jobs:read", "GET", "/schedulers"),
    ],
)
def test_a_token_reaches_as_far_as_its_scopes(api_of, admin_user, scope, method, path):
    answer = api_of(admin_user, [scope]).call(method, path, {} if method == "POST" else None)
    assert answer.status_code == 403
    assert answer.json()["detail"].startswith("This token has not the scope ")


class TestProblems:
    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/nothing", 404),
            ("PUT", "/jobs", 405),
            ("GET", "/jobs/0", 422),
            ("GET", "/jobs/99", 404),
            ("GET", "/jobs/", 404),
        ],
    )
    def test_all_look_alike(self, api_of, alice, method, path, status):
        answer = api_of(alice).call(method, path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, problems.TYPE)
        assert answer.json()["status"] == status
        assert answer.json()["detail"]

    def test_who_has_not_signed_in_is_told_how(self, db):
        answer = Client().get("/api/v1/jobs")
        assert (answer.status_code, answer.headers["Content-Type"]) == (401, problems.TYPE)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")

    def test_a_crash_tells_nothing_of_the_inside(self, api_of, alice, monkeypatch, caplog):
        def crash(*_, **__):
            raise RuntimeError("SECRET")

        monkeypatch.setattr(jobs_module.listing, "fetch", crash)
        answer = api_of(alice).call("GET", "/jobs")
        assert (answer.status_code, answer.headers["Content-Type"]) == (500, problems.TYPE)
        assert b"SECRET" not in answer.content
        assert "SECRET" in caplog.text

    @pytest.mark.parametrize("body", ["{", "[" * 100_000, '{"app": NaN}', "\xff"])
    def test_a_body_that_is_no_json(self, api_of, alice, body):
        answer = api_of(alice).generic("POST", "/api/v1/jobs", body, "application/json")
        assert (answer.status_code, answer.headers["Content-Type"]) == (400, problems.TYPE)
