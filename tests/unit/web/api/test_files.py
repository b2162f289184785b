from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from jobs_app import inputs
from jobs_app.jobdir import manifest
from jobs_app.models import Job

DATA = bytes(range(256)) * 40


def content_of(answer):
    return b"".join(answer)


@pytest.fixture
def job(make_job):
    files = {
        "data.bin": DATA,
        "sub/page.html": b"<script>alert(1)</script>",
        "OUTPUT/0": b"zero\n",
        "OUTPUT/2": b"two\n",
    }
    job = make_job(files=files, _status="COM", number_of_attempts=1)
    job.paths.private.mkdir()
    manifest.write(job.paths, manifest.build(job.directory, ["data.bin", "sub/page.html"]))
    return job


def test_the_results_are_listed_with_their_checksums(api_of, alice, job, make_job):
    client = api_of(alice)
    listed = client.call("GET", f"/jobs/{job.pk}/results").json()["files"]
    assert listed[0] == {"name": "data.bin", "size": len(DATA), "sha256": hashlib.sha256(DATA).hexdigest()}
    assert client.call("GET", f"/jobs/{job.pk}/files?under=sub").json()["files"][0]["name"] == "sub/page.html"
    page = client.call("GET", f"/jobs/{job.pk}/files?limit=1").json()
    assert (
        client.call("GET", f"/jobs/{job.pk}/files?after={page['next']}").json()["files"][0]["name"]
        == "sub/page.html"
    )
    assert client.call("GET", f"/jobs/{make_job(_status='RUN').pk}/results").status_code == 409


@pytest.mark.parametrize(
    ("asked", "status", "expected"),
    [
        ("bytes=0-9", 206, DATA[:10]),
        ("bytes=10000-", 206, DATA[10000:]),
        ("bytes=-5", 206, DATA[-5:]),
        ("bytes=-99999", 206, DATA),
        ("bytes=10239-99999", 206, DATA[-1:]),
        ("bytes=10240-", 416, b""),
        ("bytes=-0", 416, b""),
        ("bytes=9-3", 200, DATA),
        ("bytes=0-1,4-5", 200, DATA),
        ("lines=0-1", 200, DATA),
        ("bytes=-", 200, DATA),
    ],
)
def test_ranges(api_of, alice, job, asked, status, expected):
    answer = api_of(alice).call("GET", f"/jobs/{job.pk}/files/data.bin", Range=asked)
    assert answer.status_code == status
    assert status == 416 or content_of(answer) == expected
    if status == 206:
        first = len(DATA) - len(expected) if asked != "bytes=0-9" else 0
        assert answer.headers["Content-Range"] == f"bytes {first}-{first + len(expected) - 1}/{len(DATA)}"
        assert answer.headers["Content-Length"] == str(len(expected))


def test_a_range_of_another_version_is_the_whole_file(api_of, alice, job):
    headers = {"Range": "bytes=0-9", "If-Range": '"other"'}
    answer = api_of(alice).call("GET", f"/jobs/{job.pk}/files/data.bin", **headers)
    assert (answer.status_code, content_of(answer)) == (200, DATA)


def test_a_file_that_is_known_is_not_sent_again(api_of, alice, job):
    client = api_of(alice)
    first = client.call("GET", f"/jobs/{job.pk}/files/data.bin")
    assert content_of(first) == DATA
    again = client.call("GET", f"/jobs/{job.pk}/files/data.bin", **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, content_of(again)) == (304, b"")


def test_nothing_of_a_job_runs_as_a_page_of_ours(api_of, alice, job):
    answer = api_of(alice).call("GET", f"/jobs/{job.pk}/files/sub/page.html")
    content_of(answer)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "name",
    [
        "../other/x",
        "..%2F..%2Fetc%2Fpasswd",
        "%2Fetc%2Fpasswd",
        ".roost/manifest.json",
        "sub",
        "out",
        "pipe",
        "a%00b",
    ],
)
def test_no_name_leads_out(api_of, alice, job, tmp_path, name):
    import os

    (tmp_path / "secret").write_text("x")
    (job.directory / "out").symlink_to(tmp_path / "secret")
    os.mkfifo(job.directory / "pipe")
    assert api_of(alice).call("GET", f"/jobs/{job.pk}/files/{name}").status_code in (404, 422)


def test_many_files_come_as_one_zip(api_of, alice, job):
    answer = api_of(alice).call("GET", f"/jobs/{job.pk}/archive")
    with zipfile.ZipFile(io.BytesIO(content_of(answer))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "data.bin": DATA,
            "sub/page.html": b"<script>alert(1)</script>",
        }
    answer = api_of(alice).call("GET", f"/jobs/{job.pk}/archive?name=data.bin&name=../x")
    with zipfile.ZipFile(io.BytesIO(content_of(answer))) as archive:
        assert archive.namelist() == ["data.bin"]
    assert api_of(alice).call("GET", f"/jobs/{job.pk}/archive?name=none").status_code == 404


class TestLogs:
    def test_parts_and_their_text(self, api_of, alice, job):
        client = api_of(alice)
        listed = client.call("GET", f"/jobs/{job.pk}/logs").json()["parts"]
        assert listed == [{"part": "0", "size": 5}, {"part": "2", "size": 4}]
        answer = client.call("GET", f"/jobs/{job.pk}/logs/2")
        assert (answer.content, answer.headers["Content-Type"]) == (b"two\n", "text/plain; charset=utf-8")
        assert client.call("GET", f"/jobs/{job.pk}/logs?limit=1").json()["next"] == "0"
        assert client.call("GET", f"/jobs/{job.pk}/logs?after=0").json()["parts"] == listed[1:]

    def test_a_log_is_followed_by_ranges(self, api_of, alice, job):
        client, path = api_of(alice), f"/jobs/{job.pk}/logs/0"
        assert client.call("GET", path, Range="bytes=5-").status_code == 416
        with (job.directory / "OUTPUT" / "0").open("ab") as file:
            file.write(b"more\n")
        assert client.call("GET", path, Range="bytes=5-").content == b"more\n"
        assert client.call("GET", f"{path}?tail=3").content == b"re\n"

    def test_it_says_when_nothing_more_will_come(self, api_of, alice, job):
        client, path = api_of(alice), f"/jobs/{job.pk}/logs/0"
        Job.objects.filter(pk=job.pk).update(_status="RUN")
        assert client.call("GET", path).headers["X-Ended"] == "0"
        Job.objects.filter(pk=job.pk).update(_status="COM")
        for headers in ({}, {"Range": "bytes=5-"}):
            assert client.call("GET", path, **headers).headers["X-Ended"] == "1"

    @pytest.mark.parametrize("part", ["index", "pack", "..%2Fdata.bin", "x"])
    def test_what_is_no_part_is_not_there(self, api_of, alice, job, part):
        assert api_of(alice).call("GET", f"/jobs/{job.pk}/logs/{part}").status_code == 404


class TestInputs:
    @pytest.fixture
    def new(self, make_job):
        return make_job(type="CONDORJOB", address=None, parameters={"executable": "/bin/cat"})

    def send(self, client, job, name, data=b"x"):
        return client.generic("PUT", f"/api/v1/jobs/{job.pk}/inputs/{name}", data, "application/octet-stream")

    def test_an_input_lies_beside_the_job_when_it_runs(self, api_of, alice, new):
        client = api_of(alice)
        assert self.send(client, new, "in.txt", b"one").status_code == 201
        assert self.send(client, new, "in.txt", b"two").status_code == 201
        new.refresh_from_db()
        (path,) = new.parameters["remote_input_files"]
        with open(path, "rb") as file:
            assert file.read() == b"two"

    @pytest.mark.parametrize("name", ["a/b", "..%2Fx", ".hidden", "a,b", "a%0Ab"])
    def test_a_name_with_folders_or_tricks_is_refused(self, api_of, alice, new, name):
        assert self.send(api_of(alice), new, name).status_code in (404, 422)

    def test_what_is_too_large_is_refused_before_it_is_read(self, api_of, alice, new, settings):
        settings.ROOST_LARGEST_UPLOAD = 10
        answer = self.send(api_of(alice), new, "in.txt", b"x" * 11)
        assert (answer.status_code, answer.json()["detail"]) == (
            413,
            "The body has 11 bytes; 10 are allowed here.",
        )

    def test_inputs_go_with_their_job(self, api_of, alice, new):
        self.send(api_of(alice), new, "data.txt")
        new.refresh_from_db()
        (path,) = new.parameters["remote_input_files"]
        assert Path(path).exists()
        new.delete()
        assert not Path(path).parent.exists()

    def test_inputs_of_jobs_that_are_gone_are_swept(self, api_of, alice, new, make_job):
        kept = make_job(type="CONDORJOB", address=None, parameters={"executable": "/bin/cat"})
        for job in (new, kept):
            self.send(api_of(alice), job, "data.txt")
        Job.objects.filter(pk=new.pk)._raw_delete("default")
        inputs.sweep()
        assert (inputs.folder_of(new).exists(), inputs.folder_of(kept).exists()) == (False, True)

    def test_all_inputs_of_a_user_are_limited(self, api_of, alice, new, settings):
        settings.ROOST_USER_UPLOADS = 10
        client = api_of(alice)
        assert self.send(client, new, "a", b"x" * 8).status_code == 201
        assert self.send(client, new, "a", b"y" * 9).status_code == 201
        for data in (b"z" * 2, b""):
            answer = self.send(client, new, "b", data) if data else self.send(client, new, "c", b"1234")
            assert (answer.status_code, "10 bytes together" in answer.json()["detail"]) == (403, True)
        assert sorted(path.name for path in inputs.folder_of(new).iterdir()) == ["a"]

    def test_an_executed_job_keeps_its_inputs(self, api_of, alice, new, make_job):
        type(new).objects.filter(pk=new.pk).update(frozen=True)
        assert self.send(api_of(alice), new, "in.txt").status_code == 409
        assert self.send(api_of(alice), make_job(), "in.txt").status_code == 409


def test_a_body_that_is_too_large_is_refused_with_its_limit(api_of, alice, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    answer = api_of(alice).call("POST", "/jobs", {"app": "x" * 200})
    assert (answer.status_code, answer.json()["limit"]) == (413, 100)
