"""Pages of former attempts: what they must not show."""

from __future__ import annotations

import pytest

from jobs_app.models import Attempt

KEPT = ".roost/attempts/1/kept"


@pytest.fixture
def again(make_job):
    files = {f"{KEPT}/a/b.html": b"<script>", f"{KEPT}/OUTPUT/0": b"hello\n", f"{KEPT}/.roost/secret": b"x"}
    job = make_job("again", {**files, ".roost/secret": b"x"}, _status="COM", number_of_attempts=2)
    for number, reason in ((1, "<i>memory</i>"), (2, "")):
        Attempt.objects.create(job=job, number=number, token=f"t{number}", phase="OVER", reason=reason)
    return job


def test_a_file_is_saved_and_does_not_run(page_of, alice, again):
    answer = page_of(alice).get(f"/jobs/{again.pk}/attempts/1/files/a/b.html")
    assert b"".join(answer.streaming_content) == b"<script>"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    same = page_of(alice).get(
        f"/jobs/{again.pk}/attempts/1/files/a/b.html", headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert same.status_code == 304


def test_its_page_shows_no_markup_of_a_job(page_of, alice, again):
    page = page_of(alice).get(f"/jobs/{again.pk}/attempts/1/").content.decode()
    assert "&lt;i&gt;memory" in page
    assert "a/b.html" in page
    assert "secret" not in page


@pytest.mark.parametrize(
    "name",
    ["../../secret", ".roost/secret", "OUTPUT/0", "a", "gone", "out", "inner", "way/passwd"],
)
def test_what_is_none_of_its_files_is_not_there(page_of, alice, again, name):
    kept = again.directory / KEPT
    (kept / "out").symlink_to("/etc/passwd")
    (kept / "way").symlink_to("/etc")
    (kept / "inner").symlink_to(".roost/secret")
    assert page_of(alice).get(f"/jobs/{again.pk}/attempts/1/files/{name}").status_code == 404


@pytest.mark.parametrize("part", ["1", "pack", "..", "%2e%2e%2fa"])
def test_a_part_that_printed_nothing_is_not_there(page_of, alice, again, part):
    assert page_of(alice).get(f"/jobs/{again.pk}/attempts/1/output/{part}").status_code == 404


def test_an_attempt_that_left_nothing_says_so(page_of, alice, make_job):
    job = make_job("gone", _status="COM", number_of_attempts=2, address=None)
    Attempt.objects.create(job=job, number=1, token="t1", phase="OVER")
    assert b"Nothing is left of it" in page_of(alice).get(f"/jobs/{job.pk}/attempts/1/").content
    assert page_of(alice).get(f"/jobs/{job.pk}/attempts/1/files/x").status_code == 404
