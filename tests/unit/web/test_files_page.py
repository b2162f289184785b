from __future__ import annotations

import io
import zipfile

import pytest

from jobs_app.jobdir import remote
from jobs_app.jobdir.remote import Away


def names(page):
    return [entry.name for entry in page.context["entries"]]


def zipped(response):
    return zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))


def test_folders_are_walked_and_what_is_ours_is_not_shown(page_of, alice, make_job):
    job = make_job(
        files={"a/b/c.txt": b"1", "top.csv": b"", ".roost/spec.json": b"", "OUTPUT/0": b"", "setup.json": b""}
    )
    client = page_of(alice)
    assert names(client.get(f"/jobs/{job.pk}/files/")) == ["a", "top.csv"]
    assert names(client.get(f"/jobs/{job.pk}/files/?under=a/b")) == ["c.txt"]


@pytest.mark.parametrize(
    "under", ["..", "../..", "/etc", ".roost", "out", "a/../..", "none", "a\0b", "OUTPUT", "file.txt"]
)
def test_no_folder_leads_elsewhere(page_of, alice, make_job, tmp_path, under):
    job = make_job(files={"a/b": b"", ".roost/x": b"", "OUTPUT/0": b"", "file.txt": b""})
    (job.directory / "out").symlink_to("/etc")
    assert page_of(alice).get(f"/jobs/{job.pk}/files/", {"under": under}).status_code == 404


def test_hostile_names_are_shown_as_text(page_of, alice, make_job):
    job = make_job(
        files={"<img src=x onerror=alert(1)>.txt": b"", "two\nlines": b"", "bytes\udcff": b"", '"q".csv': b""}
    )
    content = page_of(alice).get(f"/jobs/{job.pk}/files/").content.decode()
    assert "<img src=x" not in content
    assert "&lt;img src=x" in content


def test_a_selection_comes_as_one_zip(page_of, alice, make_job):
    job = make_job(files={"a/b/c.txt": b"1", "a/d.txt": b"2", "e.txt": b"3"})
    (job.directory / "a" / "passwd").symlink_to("/etc/passwd")
    (job.directory / "etc").symlink_to("/etc")
    client = page_of(alice)
    chosen = zipped(client.post(f"/jobs/{job.pk}/zip/", {"name": ["a", "etc", "../x", ".roost"]}))
    assert sorted(chosen.namelist()) == ["a/b/c.txt", "a/d.txt"]
    assert chosen.read("a/d.txt") == b"2"
    assert sorted(zipped(client.post(f"/jobs/{job.pk}/zip/")).namelist()) == ["a/b/c.txt", "a/d.txt", "e.txt"]


def test_nothing_to_zip_is_said(page_of, alice, make_job):
    page = page_of(alice).post(f"/jobs/{make_job(files={'a': b''}).pk}/zip/", {"name": "none"}, follow=True)
    assert [message.level_tag for message in page.context["messages"]] == ["error"]


def test_ranges_of_a_file_are_answered(page_of, alice, make_job):
    client, job = page_of(alice), make_job(files={"a.bin": b"0123456789"})
    address = f"/jobs/{job.pk}/files/a.bin"
    part = client.get(address, headers={"Range": "bytes=2-4"})
    assert (part.status_code, b"".join(part.streaming_content)) == (206, b"234")
    assert client.get(address, headers={"Range": "bytes=20-"}).status_code == 416
    etag = part.headers["ETag"]
    whole = client.get(address, headers={"Range": "bytes=2-4", "If-Range": '"other"'})
    assert (whole.status_code, b"".join(whole.streaming_content)) == (200, b"0123456789")
    assert client.get(address, headers={"If-None-Match": etag}).status_code == 304


def test_a_file_that_stayed_on_its_pool_is_listed_and_told_of(page_of, alice, make_job):
    job = make_job(files={"small.txt": b"", ".roost/x": b""})
    remote.write(job.paths, {"big/huge.h5": Away("a" * 32, "run", "huge.h5", 10**9, "0" * 64)})
    client = page_of(alice)
    assert names(client.get(f"/jobs/{job.pk}/files/")) == ["big", "small.txt"]
    (entry,) = client.get(f"/jobs/{job.pk}/files/?under=big").context["entries"]
    assert (entry.name, entry.remote) == ("huge.h5", True)
    answer = client.get(f"/jobs/{job.pk}/files/big/huge.h5")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "15")


def test_inputs_are_taken_before_the_first_run_only(page_of, alice, make_job, settings):
    client, job = page_of(alice), make_job(type="CONDORJOB", address=None)
    address = f"/jobs/{job.pk}/inputs/"
    page = client.post(address, {"file": [io.BytesIO(b"data")]}, follow=True)
    assert page.status_code == 200

    def said(name, data):
        file = io.BytesIO(data)
        file.name = name
        page = client.post(address, {"file": file}, follow=True)
        return [(message.level_tag, str(message)) for message in page.context["messages"]]

    assert said("mesh.dat", b"1")[0][0] == "success"
    settings.ROOST_LARGEST_UPLOAD = 3
    level, text = said("large.dat", b"12345")[0]
    assert (level, "3 bytes" in text) == ("error", True)
    type(job).objects.filter(pk=job.pk).update(frozen=True)
    assert "executed already" in said("late.dat", b"1")[0][1]
