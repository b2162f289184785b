"""The Python client against a server that listens, with jobs that really run."""

from __future__ import annotations

import http.server
import io
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs_app import client as module
from jobs_app import tokens
from jobs_app.client import Client, Conflict, Damaged, Forbidden, Invalid, NotFound, Unauthorised, Unreachable
from jobs_app.jobdir import manifest
from jobs_app.models import Job
from jobs_app.permissions import SCOPES
from tests.unit.conftest import make_job as make_job
from tests.unit.conftest import project as project

pytestmark = pytest.mark.django_db(transaction=True)

APP = "examples.ising"
SMALL = {"size": 8, "temperatures": 2, "sweeps": 20}


@pytest.fixture
def client(alice: User, live_server: Any) -> Client:
    return Client(live_server.url, tokens.make("t", alice, SCOPES)[1])


@pytest.fixture
def finished(make_job: Any) -> Job:
    files = {
        "result.json": b'{"x": 1}',
        "deep/er/a b.txt": b"0123456789" * 1000,
        "OUTPUT/0": b"hello\n",
        "OUTPUT/1": b"there\n",
    }
    return make_job("done", files, _status="COM", number_of_attempts=1)


def test_jobs_are_made_found_and_looked_at(client):
    made = client.jobs.create(APP, "ising", name="cool {id}", options={"size": 8}, slices=2)
    assert (made.name, made.state, made.slices.total) == (f"cool {made.id}", "Pending", 2)
    assert [job.id for job in client.jobs.find(text="cool", status="PEN")] == [made.id]
    assert client.jobs.get(made.id) == made
    assert client.apps() == [APP]
    assert [template.name for template in client.templates(APP)] == ["ising"]
    assert "size" in client.takes(APP, "ising")["properties"]["options"]["properties"]
    assert "embedded" in [scheduler.name for scheduler in client.schedulers()]


def test_results_are_found_and_downloaded(client, make_job, tmp_path):
    job = make_job("done", {"result.json": b'{"x": 1}', ".roost/x": b""}, _status="COM")
    manifest.write(job.paths, manifest.build(job.directory, ["result.json"]))
    job.link_result("result.json", "weather/rain.json", header="Rain")
    (result,) = client.results(find="rain")
    assert (result.name, result.header, result.at.tzinfo is not None) == ("weather/rain.json", "Rain", True)
    client.jobs.get(result.job).download(result.filename, tmp_path / "rain.json")
    assert (tmp_path / "rain.json").read_text() == '{"x": 1}'
    assert list(client.results(app="another.app")) == []


def test_many_are_made_once_although_the_answer_was_lost(client):
    rows = [(f"s{seed}", {"options": {"seed": seed}}) for seed in range(5)]
    first = client.jobs.create_many(APP, "ising", rows, key="sweep-1", slices=1)
    again = client.jobs.create_many(APP, "ising", rows, key="sweep-1", slices=1)
    assert [job.id for job in again] == [job.id for job in first]
    assert Job.objects.count() == 5
    with pytest.raises(Invalid, match="another order"):
        client.jobs.create_many(APP, "ising", rows[:1], key="sweep-1", slices=1)


def test_find_goes_through_all_pages(client, make_job):
    for number in range(7):
        make_job(f"j{number}")
    assert [job.name for job in client.jobs.find(limit=2, sort="name")] == [
        f"j{number}" for number in range(7)
    ]


def test_files_come_whole_and_verified(client, finished, tmp_path):
    names = [file.name for file in client.jobs.get(finished.pk).files()]
    assert names == ["deep/er/a b.txt", "result.json"]
    path = client.jobs.get(finished.pk).download("deep/er/a b.txt", tmp_path)
    assert path.read_bytes() == b"0123456789" * 1000
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == ["a b.txt"]


def test_a_file_that_is_not_as_the_job_left_it_is_not_kept(client, finished, tmp_path):
    finished.paths.private.mkdir()
    manifest.write(finished.paths, manifest.build(finished.directory, ["result.json"]))
    (finished.directory / "result.json").write_bytes(b'{"x": 2}')
    target = tmp_path / "out"
    target.mkdir()
    with pytest.raises(Damaged, match="checksum"):
        client.jobs.get(finished.pk).download("result.json", target)
    assert list(target.iterdir()) == []


def test_logs_documents_and_events(client, finished):
    job = client.jobs.get(finished.pk)
    assert (job.log(1), job.log(1, tail=3)) == ("there\n", "re\n")
    assert job.change_document({"note": "good", "deep": {"x": 1}}) == {"note": "good", "deep": {"x": 1}}
    assert job.change_document({"note": None}) == {"deep": {"x": 1}}
    assert job.document == {"deep": {"x": 1}}
    assert job.events() == []


def test_an_input_is_uploaded_for_a_job_that_was_not_executed(client, make_job, alice):
    made = make_job("new", type="CONDORJOB", address=None, parameters={"executable": "/bin/cat"})
    kept = client.jobs.get(made.pk).upload("in put.txt", b"data" * 1000)
    made.refresh_from_db()
    (path,) = made.parameters["remote_input_files"]
    with open(path, "rb") as file:
        assert file.read() == b"data" * 1000
    assert kept.size == 4000


def test_errors_are_told_by_what_can_be_done_about_them(client, alice, bob, live_server, make_job):
    others = make_job(user=bob)
    with pytest.raises(NotFound):
        client.jobs.get(others.pk)
    with pytest.raises(Conflict, match="Pending"):
        client.jobs.get(make_job().pk).pause()
    with pytest.raises(Invalid, match="memory"):
        client.jobs.create(APP, "ising", memory="much")
    with pytest.raises(Unauthorised):
        Client(live_server.url, "roost_x_y").apps()
    with pytest.raises(Forbidden, match="jobs:write"):
        Client(live_server.url, tokens.make("r", alice, ["jobs:read"])[1]).jobs.create(APP, "ising")


def test_many_are_acted_on_each_by_itself(client, make_job):
    ids = [make_job().pk, 999]
    assert [(each.id, each.status) for each in client.jobs.act("delete", ids)] == [(ids[0], 200), (999, 404)]


def test_nobody_answers(monkeypatch):
    monkeypatch.setattr(module, "TRIES", 2)
    monkeypatch.setattr(module, "_pause", lambda said, number: 0)
    with pytest.raises(Unreachable, match="does not answer"):
        Client("http://127.0.0.1:9", "t").apps()


@pytest.mark.parametrize("url", ["roost.example", "file:///etc/passwd", "ftp://x", ""])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ValueError, match="address"):
        Client(url, "t")


def test_a_token_does_not_follow_a_redirect():
    handler = module._NoRedirects()
    assert handler.redirect_request(None, None, 302, "", {}, "http://evil.example") is None


def test_the_bar_shows_how_far_it_is(client, make_job):
    job = make_job(_status="RUN", slices_total=4, slices_done=1, slices_failed=1)
    assert (
        module.bar(client.jobs.get(job.pk))
        == f"job {job.pk} [#######.......................] 1/4 Running, 1 failed"
    )


class TestWaiting:
    @pytest.fixture
    def asked(self, monkeypatch: Any) -> list[float]:
        """How long it paused each time; nothing really waits."""
        pauses: list[float] = []
        monkeypatch.setattr(module.time, "sleep", pauses.append)
        return pauses

    def test_it_comes_back_with_the_job_that_is_over(self, client, make_job, asked, monkeypatch):
        job = make_job(_status="RUN", slices_total=2)
        states = iter([{"slices_done": 1}, {}, {}, {"slices_done": 2, "_status": "COM"}])

        def pause(seconds: float) -> None:
            asked.append(seconds)
            Job.objects.filter(pk=job.pk).update(**(next(states) or {"slices_total": 2}))

        monkeypatch.setattr(module.time, "sleep", pause)
        over = client.jobs.get(job.pk).wait(timeout=60)
        assert (over.final, over.status, over.slices.done) == (True, "COM", 2)
        assert asked[2] > asked[1]  # nothing new: it asks less often

    def test_the_time_is_up(self, client, make_job, asked):
        job = make_job(_status="RUN")
        with pytest.raises(TimeoutError, match="still Running"):
            client.jobs.get(job.pk).wait(timeout=0)

    def test_a_held_job_waits_for_a_person(self, client, make_job, asked):
        job = make_job(_status="HLD")
        assert client.jobs.get(job.pk).wait(held=True).status == "HLD"

    def test_a_bar_is_drawn_where_somebody_looks(self, client, make_job, asked):
        job = client.jobs.get(make_job(_status="COM", slices_total=1, slices_done=1).pk)
        stream = io.StringIO()
        module._Wait(job, True, stream).until(None, held=False)
        assert stream.getvalue().endswith("1/1 Complete\x1b[K\n")
        silent = io.StringIO()
        module._Wait(job, None, silent).until(None, held=False)
        assert silent.getvalue() == ""


class TestABusyServer:
    @pytest.fixture
    def answers(self) -> list[tuple[int, str]]:
        """What it says, one call after the other: a status, and after how many seconds to come again."""
        return []

    @pytest.fixture
    def busy(self, answers: list[tuple[int, str]], monkeypatch: Any) -> Iterator[tuple[Client, list[float]]]:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, again = answers.pop(0)
                body = b"[]" if status == 200 else b'{"detail": "not now"}'
                self.send_response(status)
                if again:
                    self.send_header("Retry-After", again)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        pauses: list[float] = []
        monkeypatch.setattr(module.time, "sleep", pauses.append)
        with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            yield Client(f"http://127.0.0.1:{server.server_port}", "t"), pauses
            server.shutdown()
            thread.join()

    def test_it_is_asked_again_after_as_long_as_it_says(self, busy, answers):
        client, pauses = busy
        answers += [(429, "7"), (503, ""), (200, "")]
        assert client.apps() == []
        assert [pause for pause in pauses if pause >= 0.5] == [7.0, 1.0]

    def test_at_last_it_is_told(self, busy, answers):
        answers += [(503, "1")] * module.TRIES
        with pytest.raises(module.ApiError, match="503: not now"):
            busy[0].apps()
        assert answers == []
