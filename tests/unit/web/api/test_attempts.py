"""Former attempts: what they printed and left, and nothing else."""

from __future__ import annotations

import shutil

import pytest
from django.utils import timezone

from jobs_app.models import Attempt

KEPT = ".roost/attempts/1/kept"


@pytest.fixture
def again(make_job):
    kept = {
        f"{KEPT}/a/b.html": b"<script>",
        f"{KEPT}/z.bin": bytes(range(100)),
        f"{KEPT}/.roost/secret": b"x",
    }
    printed = {f"{KEPT}/OUTPUT/{part}": f"I am {part}\n".encode() for part in ("prepare", "0", "2", "10")}
    files = {**kept, **printed, ".roost/secret": b"x", "OUTPUT/0": b"now\n"}
    job = make_job("again", files, _status="COM", number_of_attempts=2)
    for number, reason in ((1, "too little memory"), (2, "")):
        Attempt.objects.create(job=job, number=number, token=f"t{number}", phase="final", reason=reason)
    return job


@pytest.fixture
def ask(api_of, alice, again):
    def get(path="", **headers):
        return api_of(alice).call("GET", f"/jobs/{again.pk}/attempts{path}", **headers)

    return get


def test_they_are_listed_as_in_the_jobs_history(ask, api_of, alice, again):
    rows = ask().json()
    assert [(row["number"], row["phase"], row["reason"]) for row in rows] == [
        (1, "final", "too little memory"),
        (2, "final", ""),
    ]
    assert rows == api_of(alice).call("GET", f"/jobs/{again.pk}").json()["history"]


def test_what_one_printed_is_listed_by_parts_and_read_by_ranges(ask):
    first = ask("/1/logs?limit=2").json()
    assert ([each["part"] for each in first["parts"]], first["next"]) == (["prepare", "0"], "0")
    assert ask("/1/logs?after=0").json()["parts"] == [{"part": "2", "size": 7}, {"part": "10", "size": 8}]
    whole = ask("/1/logs/2")
    assert (whole.content, whole.headers["X-Ended"]) == (b"I am 2\n", "1")
    assert whole.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert ask("/1/logs/2", Range="bytes=2-3").content == b"am"
    assert ask("/1/logs/2", Range="bytes=7-").status_code == 416
    assert ask("/1/logs/2?tail=2").content == b"2\n"
    assert ask("/1/logs/2", **{"If-None-Match": whole.headers["ETag"]}).status_code == 304


def test_what_one_left_is_listed_and_saved_and_does_not_run(ask):
    page = ask("/1/files?limit=1").json()
    assert page == {"files": [{"name": "a/b.html", "size": 8, "sha256": None}], "next": "a/b.html"}
    assert [file["name"] for file in ask("/1/files?after=a/b.html").json()["files"]] == ["z.bin"]
    assert [file["name"] for file in ask("/1/files?under=a").json()["files"]] == ["a/b.html"]
    answer = ask("/1/files/a/b.html")
    assert b"".join(answer) == b"<script>"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert ask("/1/files/a/b.html", **{"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert b"".join(ask("/1/files/z.bin", Range="bytes=10-12")) == b"\x0a\x0b\x0c"


@pytest.mark.parametrize(
    "name",
    ["../../secret", ".roost/secret", "OUTPUT/0", "a", "gone", "out", "inner", "way/passwd"],
)
def test_what_is_none_of_its_files_is_not_there(ask, again, name):
    kept = again.directory / KEPT
    (kept / "out").symlink_to("/etc/passwd")
    (kept / "way").symlink_to("/etc")
    (kept / "inner").symlink_to(".roost/secret")
    assert ask(f"/1/files/{name}").status_code == 404
    assert [file["name"] for file in ask("/1/files").json()["files"]][:1] == ["a/b.html"]


@pytest.mark.parametrize("part", ["1", "pack", "..", "zz", "7", "1" * 30])
def test_a_part_that_printed_nothing_is_not_there(ask, again, part):
    for name in ("zz", "7"):
        (again.directory / KEPT / "OUTPUT" / name).symlink_to("/etc/passwd")
    assert ask(f"/1/logs/{part}").status_code == 404
    assert [each["part"] for each in ask("/1/logs").json()["parts"]] == ["prepare", "0", "2", "10"]


def test_a_folder_that_leads_elsewhere_is_not_there(ask, again, tmp_path):
    shutil.rmtree(again.directory / KEPT)
    (tmp_path / "theirs.csv").write_text("SECRET")
    (again.directory / KEPT).symlink_to(tmp_path)
    for path in ("/1/files", "/1/files/theirs.csv", "/1/logs", "/1/logs/0"):
        assert ask(path).status_code == 404, path


def test_what_lies_elsewhere_is_said(ask, again, make_job, api_of, alice):
    last = ask("/2/logs/0")
    assert (last.status_code, f"/jobs/{again.pk}/logs" in last.json()["detail"]) == (404, True)
    assert ask("/3/files").status_code == 404
    waits = make_job("waits", {"left.csv": b"x"}, _status="SUB", number_of_attempts=2)
    for number in (1, 2):
        Attempt.objects.create(job=waits, number=number, token=f"w{number}", phase="waiting")
    path = f"/jobs/{waits.pk}/attempts/1/files"
    answer = api_of(alice).call("GET", path)
    assert (answer.status_code, "still lies" in answer.json()["detail"]) == (409, True)
    Attempt.objects.filter(job=waits, number=2).update(sent=timezone.now())
    assert api_of(alice).call("GET", path).json()["files"] == []


def test_strangers_and_tokens_for_jobs_only_get_none_of_it(api_of, alice, charlie, again):
    at = f"/jobs/{again.pk}/attempts"
    for path in ("", "/1/logs", "/1/logs/0", "/1/files", "/1/files/z.bin"):
        assert api_of(charlie).call("GET", at + path).status_code == 404, path
        only_jobs = api_of(alice, ["jobs:read"]).call("GET", at + path)
        assert only_jobs.status_code == (403 if path else 200), path
