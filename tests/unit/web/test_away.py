"""Files that stayed on their pool: by ranges, in a zip, by page and API."""

from __future__ import annotations

import hashlib
import io
import subprocess
import zipfile

import pytest

from jobs_app.compute import embedded
from jobs_app.jobdir import remote
from jobs_app.jobdir.remote import Away
from jobs_app.models import Attempt, Job
from jobs_app.pools.base import PoolUnreachable
from jobs_app.web import zipping
from tests.unit.lifecycle.test_remote import CONTENT, TOKEN, KeepingPool
from tests.unit.lifecycle.test_remote import keeping as keeping

DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def job(transactional_db, make_job, keeping: KeepingPool) -> Job:
    """`here.txt` is here, `far/a.bin` and `far/b.bin` are on the pool."""
    job = make_job(files={"here.txt": b"near", ".roost/x": b""}, _status="COM", number_of_attempts=1)
    Attempt.objects.create(job=job, number=1, phase="final", token=TOKEN, scheduler=embedded())
    names = ("far/a.bin", "far/b.bin")
    remote.write(job.paths, {name: Away(TOKEN, "0", name, len(CONTENT), DIGEST) for name in names})
    return job


@pytest.fixture(params=["/jobs/{}/files/far/a.bin", "/api/v1/jobs/{}/files/far/a.bin"])
def address(request, job):
    return request.param.format(job.pk)


def body(answer):
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_a_range_travels_alone(page_of, alice, job, keeping, address):
    answer = page_of(alice).get(address, headers={"Range": "bytes=1000-1049"})
    assert (answer.status_code, body(answer)) == (206, CONTENT[1000:1050])
    assert answer.headers["Content-Range"] == f"bytes 1000-1049/{len(CONTENT)}"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert keeping.read == [("far/a.bin", 1000, 50)]
    assert not (job.directory / "far/a.bin").exists()


def test_a_large_range_brings_the_file_rather_than_less_than_was_asked_for(
    page_of, alice, job, keeping, address, monkeypatch
):
    monkeypatch.setattr("jobs_app.web.away.LARGEST_PIECE", 1000)
    answer = page_of(alice).get(address, headers={"Range": "bytes=10-"})
    assert (answer.status_code, body(answer)) == (206, CONTENT[10:])
    assert keeping.read == [("far/a.bin", 0, None)]


def test_its_etag_is_the_same_before_it_came_and_after(page_of, alice, job, keeping, address):
    client = page_of(alice)
    piece = client.get(address, headers={"Range": "bytes=0-9"})
    same = {"If-None-Match": piece.headers["ETag"]}
    assert client.get(address, headers=same).status_code == 304
    assert len(keeping.read) == 1
    whole = client.get(address)
    assert (whole.status_code, body(whole)) == (200, CONTENT)
    assert whole.headers["ETag"] == piece.headers["ETag"]
    assert client.get(address, headers=same).status_code == 304
    more = {"Range": "bytes=10-19", "If-Range": piece.headers["ETag"]}
    assert body(client.get(address, headers=more)) == CONTENT[10:20]


def test_a_range_behind_its_end_asks_no_pool(page_of, alice, keeping, address):
    answer = page_of(alice).get(address, headers={"Range": f"bytes={len(CONTENT)}-"})
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{len(CONTENT)}")
    assert keeping.read == []


def test_a_pool_out_of_reach_is_said(page_of, alice, job, keeping, address, monkeypatch):
    def unreachable(*_: object) -> None:
        raise PoolUnreachable("no route to host")

    monkeypatch.setattr(keeping, "reading_away", unreachable)
    for headers in ({}, {"Range": "bytes=0-9"}):
        answer = page_of(alice).get(address, headers=headers)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "15")
        assert "no route to host" in answer.content.decode()


def zipped(answer):
    return zipfile.ZipFile(io.BytesIO(body(answer)))


def test_a_zip_brings_what_is_not_here_after_what_is(page_of, alice, job):
    page = page_of(alice).get(f"/jobs/{job.pk}/files/").content.decode()
    assert "still on the pool (2 files, " in page
    found = zipped(page_of(alice).post(f"/jobs/{job.pk}/zip/"))
    assert found.namelist() == ["here.txt", "far/a.bin", "far/b.bin"]
    assert found.read("far/b.bin") == CONTENT
    one = zipped(page_of(alice).post(f"/jobs/{job.pk}/zip/", {"name": ["far/a.bin", "far", "here.txt"]}))
    assert sorted(one.namelist()) == ["far/a.bin", "far/b.bin", "here.txt"]


def test_the_apis_zip_too(page_of, alice, job):
    found = zipped(page_of(alice).get(f"/api/v1/jobs/{job.pk}/archive", {"name": "far/a.bin"}))
    assert (found.namelist(), found.read("far/a.bin")) == (["far/a.bin"], CONTENT)


def test_what_cannot_be_had_is_named_and_waited_for_once(page_of, alice, job, keeping, monkeypatch):
    calls = []

    def unreachable(*given: object) -> None:
        calls.append(given)
        raise PoolUnreachable("no route to host")

    monkeypatch.setattr(keeping, "reading_away", unreachable)
    found = zipped(page_of(alice).post(f"/jobs/{job.pk}/zip/"))
    assert sorted(found.namelist()) == [zipping.MISSING, "here.txt"]
    said = found.read(zipping.MISSING).decode().splitlines()
    assert [line.partition(":")[0] for line in said] == ["far/a.bin", "far/b.bin"]
    assert all("no route to host" in line for line in said)
    assert len(calls) == 1


def test_folders_may_be_as_deep_as_they_like(page_of, alice, make_job):
    job = make_job(files={"top.txt": b"1"})
    deep = job.directory
    for _ in range(1200):
        deep = deep / "d"
        deep.mkdir()
    try:
        assert "top.txt" in zipped(page_of(alice).post(f"/jobs/{job.pk}/zip/")).namelist()
        assert page_of(alice).get(f"/api/v1/jobs/{job.pk}/files").status_code == 200
    finally:  # nothing in Python that tidies up after tests goes as deep
        subprocess.run(["rm", "-rf", job.directory / "d"], check=True)
