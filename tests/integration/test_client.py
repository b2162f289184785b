"""The Python client against a server that listens, with jobs that really run."""

from __future__ import annotations

import http.server
import io
import threading
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone
from pyarrow import parquet

from jobs_app import client as module
from jobs_app import tokens
from jobs_app.client import Client, Conflict, Damaged, Forbidden, Invalid, NotFound, Unauthorised, Unreachable
from jobs_app.jobdir import facts, manifest, usage
from jobs_app.models import Attempt, History, Job, Notice, SliceBlock
from jobs_app.permissions import SCOPES
from tests.unit.conftest import make_job as make_job
from tests.unit.conftest import project as project

pytestmark = pytest.mark.django_db(transaction=True)

APP = "examples.ising"
SMALL = {"size": 8, "temperatures": 4, "sweeps": 20}


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


def test_its_slices_come_page_by_page(client, finished):
    attempt = Attempt.objects.create(job=finished, number=1, token="t")
    states = bytes([2, 3, 2, 3, 2])
    SliceBlock.objects.create(attempt=attempt, step="analysis", first=0, done=3, failed=2, states=states)
    paths = finished.paths.attempt(1)
    paths.root.mkdir(parents=True)
    facts.write(paths.facts, "analysis", 3, facts.Fact(3, 1, 17, 0, 100.0, 160.5))
    usage.update(paths.usage, paths.hosts, {("analysis", 3): {"host": "exec7", "memory": 64}})
    job = client.jobs.get(finished.pk)
    assert [each.state for each in job.each_slice(page=2)] == ["done", "failed", "done", "failed", "done"]
    last = list(job.each_slice("failed", page=1))[-1]
    assert (last.number, last.host, last.exit_code, last.memory) == (3, "exec7", 17, 64)
    assert (last.ended - last.started).total_seconds() == 60.5


def test_datasets_come_by_rows_and_as_tables(client, finished):
    folder = finished.directory / "datasets" / "rain fall"
    folder.mkdir(parents=True)
    (folder / "schema.json").write_text('{"n": "int64"}')
    for number in (0, 1):
        parquet.write_table(
            pyarrow.table({"n": range(number * 3, number * 3 + 3)}), folder / f"{number}.parquet"
        )
    job = client.jobs.get(finished.pk)
    assert [(each.name, each.slices) for each in job.datasets()] == [("rain fall", 2)]
    assert job.columns("rain fall") == {"n": "int64"}
    assert [row["n"] for row in job.rows("rain fall", first=1, page=2)] == [1, 2, 3, 4, 5]
    table = pyarrow.ipc.open_stream(job.table("rain fall", limit=4)).read_all()
    assert table["n"].to_pylist() == [0, 1, 2, 3]
    assert job.table("rain fall", "csv", first=5) == b"n\r\n5\r\n"


def test_what_a_former_attempt_printed_and_left_can_be_had(client, make_job, tmp_path):
    kept = ".roost/attempts/1/kept"
    made = make_job(
        "again", {f"{kept}/left.csv": b"1,2", f"{kept}/OUTPUT/0": b"hello\n"}, number_of_attempts=2
    )
    for number in (1, 2):
        Attempt.objects.create(job=made, number=number, token=f"t{number}")
    job = client.jobs.get(made.pk)
    assert [(file.name, file.size) for file in job.files(attempt=1)] == [("left.csv", 3)]
    assert job.download("left.csv", tmp_path / "left.csv", attempt=1).read_text() == "1,2"
    assert (job.log(0, attempt=1), job.log(0, tail=3, attempt=1)) == ("hello\n", "lo\n")


def test_many_files_come_as_one_zip(client, finished, tmp_path):
    job = client.jobs.get(finished.pk)
    with zipfile.ZipFile(job.archive(tmp_path)) as whole:
        assert sorted(Path(name).name for name in whole.namelist()) == ["a b.txt", "result.json"]
    with zipfile.ZipFile(job.archive(tmp_path / "some.zip", names=["result.json"])) as some:
        (name,) = some.namelist()
        assert some.read(name) == b'{"x": 1}'
    with pytest.raises(NotFound):
        job.archive(tmp_path / "none.zip", under="nowhere")
    assert sorted(path.name for path in tmp_path.glob("*.zip")) == [f"job-{job.id}.zip", "some.zip"]


def test_a_zip_that_breaks_off_is_not_kept(finished, tmp_path):
    class Half(io.BytesIO):
        headers: dict[str, str] = {}

    with pytest.raises(Damaged, match="broke off"):
        module._saved(Half(b"PK\x03\x04 and then nothing"), tmp_path / "a.zip", zipped=True)
    assert list(tmp_path.glob("*.zip")) == []


def test_a_job_is_changed_and_shared(client, make_job, alice):
    alice.groups.add(Group.objects.get_or_create(name="hydrology")[0])
    job = client.jobs.get(make_job().pk)
    assert job.change(name="warm", parameters={"memory": "2 GB"}).name == "warm"
    job.share({"hydrology": "act"})
    assert (job.detail["parameters"]["memory"], job.detail["shares"]) == (
        2048,
        [{"group": "hydrology", "may": "act"}],
    )
    assert job.share({}).detail["shares"] == []
    with pytest.raises(Conflict, match="limits"):
        job.change_limits(memory="4 GB")


def test_what_happened_to_all_jobs_is_asked_for_since_a_cursor(client, finished):
    begin = History.objects.create(job=finished, actor="x").pk
    History.objects.update(at=timezone.now() - timedelta(seconds=5))
    assert client.events() == ([], begin)
    for why in ("one", "two"):
        History.objects.create(job=finished, actor="x", why=why)
    History.objects.update(at=timezone.now() - timedelta(seconds=5))
    found, after = client.events(begin)
    assert [(event.job, event.why) for event in found] == [(finished.pk, "one"), (finished.pk, "two")]
    assert client.events(after) == ([], after)


def test_notices_and_of_what_one_is_told(client, alice):
    for number in range(2):
        how = {"channel": "webhook", "due": timezone.now(), "state": Notice.DEAD}
        Notice.objects.create(key=str(number), user=alice, subject=f"Job {number}: Complete", **how)
    assert [notice.subject for notice in client.notices()] == ["Job 1: Complete", "Job 0: Complete"]
    first = list(client.notices())[-1]
    client.send_again(first.id)
    assert [notice.state for notice in client.notices()] == ["dead", "waiting"]
    kept = client.tell_of(["end"], webhook="https://chat.example/hook")
    assert kept["secret"]
    assert client.told_of() == {"on": ["end"], "email": False, "webhook": "https://chat.example/hook"}


def test_a_token_is_made_used_and_revoked(client, live_server):
    made = client.make_token("ci", ["jobs:read"], days=None)
    assert (made.expires, made.token in repr(made)) == (None, False)
    other = Client(live_server.url, made.token)
    assert other.apps() == [APP]
    known = {token.prefix: token for token in client.tokens()}
    assert (known[made.prefix].scopes, known[made.prefix].token) == (["jobs:read"], "")
    client.revoke_token(made.prefix)
    with pytest.raises(Unauthorised):
        other.apps()


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
