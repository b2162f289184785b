"""Pages of former attempts: what they must not show."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from django.utils import timezone

from jobs_app.models import Attempt

KEPT = ".roost/attempts/1/kept"


@pytest.fixture
def again(make_job):
    files = {f"{KEPT}/a/b.html": b"<script>", f"{KEPT}/OUTPUT/0": b"hello\n", f"{KEPT}/.roost/secret": b"x"}
    files[f"{KEPT}/OUTPUT/pack"] = b"more"
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


@pytest.mark.parametrize("part", ["1", "pack", "..", "00", "zz", "7", "1" * 30])
def test_a_part_that_printed_nothing_is_not_there(page_of, alice, again, part):
    output = again.directory / KEPT / "OUTPUT"
    (output / "zz").symlink_to("/etc/passwd")
    (output / "7").symlink_to("/etc/passwd")
    at = f"/jobs/{again.pk}/attempts/1/"
    assert page_of(alice).get(f"{at}output/{part}").status_code == 404
    assert b"root:" not in page_of(alice).get(at, {"part": "7"}).content


def test_folders_that_lead_elsewhere_are_not_there(page_of, alice, again, tmp_path):
    at, kept = f"/jobs/{again.pk}/attempts/1/", again.directory / KEPT
    other = tmp_path / "other"
    (other / "OUTPUT").mkdir(parents=True)
    (other / "OUTPUT/0").write_text("SECRET")
    (other / "theirs.csv").write_text("SECRET")
    shutil.rmtree(kept / "OUTPUT")
    (kept / "OUTPUT").symlink_to(other / "OUTPUT")
    assert b"SECRET" not in page_of(alice).get(at).content
    assert page_of(alice).get(f"{at}output/0").status_code == 404
    shutil.rmtree(kept)
    kept.symlink_to(other)
    assert b"theirs.csv" not in page_of(alice).get(at).content
    assert page_of(alice).get(f"{at}files/theirs.csv").status_code == 404


def test_odd_names_and_errors_break_no_page(page_of, alice, again):
    """A job may write what it likes; also the job's own page has to live with it."""
    attempt = again.directory / ".roost/attempts"
    for kept in (attempt / "1/kept", again.directory):
        (kept / "OUTPUT").mkdir(exist_ok=True)
        (kept / "new\nline").write_bytes(b"x")
        Path(os.fsdecode(bytes(kept) + b"/\xff")).write_bytes(b"x")
        (kept / "loop").symlink_to("loop")
        for name in ("new\nline", "00999", "5" * 12):
            (kept / "OUTPUT" / name).write_bytes(b"x")
        (kept / "OUTPUT" / "3").mkdir()
        (kept / "OUTPUT" / "4").symlink_to("gone")
        (kept / "OUTPUT" / "5").symlink_to("5")
        (kept / "OUTPUT" / "index").write_bytes(b"x" * 100)
    for number in (1, 2):
        errors = attempt / str(number) / "errors"
        errors.mkdir(parents=True)
        (errors / "0.json").write_text('"\\ud800"')
        (errors / "1.json").write_text("[" * 100_000)
    for page in ("", "attempts/1/", "attempts/1/?part=0", "output/", "files/"):
        assert page_of(alice).get(f"/jobs/{again.pk}/{page}").status_code == 200, page
    assert page_of(alice).get(f"/jobs/{again.pk}/attempts/1/files/loop").status_code == 404


def test_the_end_of_a_long_output_is_shown_and_all_of_it_downloaded(page_of, alice, again):
    text = b"".join(b"line %d\n" % number for number in range(20_000))
    (again.directory / KEPT / "OUTPUT/0").write_bytes(text)
    at = f"/jobs/{again.pk}/attempts/1/"
    page = page_of(alice).get(at).content.decode()
    assert "line 19999\n" in page
    assert "line 2\n" not in page
    whole = page_of(alice).get(f"{at}output/0")
    assert b"".join(whole.streaming_content) == text
    assert whole.headers["Content-Disposition"] == f'attachment; filename="job-{again.pk}-attempt-1-0.txt"'


def test_the_parts_of_very_many_are_named_and_not_listed(page_of, alice, again):
    Attempt.objects.filter(job=again, number=1).update(slices=1_000_000)
    page = page_of(alice).get(f"/jobs/{again.pk}/attempts/1/", {"part": "0"}).content.decode()
    assert "hello" in page
    assert '<input name="part" value="0"' in page


def test_until_the_next_attempt_is_sent_it_lies_where_it_was(page_of, alice, make_job):
    job = make_job("again", {"left.csv": b"x"}, _status="SUB", number_of_attempts=2)
    for number in (1, 2):
        Attempt.objects.create(job=job, number=number, token=f"t{number}", phase="waiting")
    page = page_of(alice).get(f"/jobs/{job.pk}/attempts/1/").content.decode()
    assert "It still lies where it was" in page
    assert "Nothing is left" not in page
    Attempt.objects.filter(job=job, number=2).update(sent=timezone.now())
    assert b"Nothing is left" in page_of(alice).get(f"/jobs/{job.pk}/attempts/1/").content


def test_an_attempt_that_left_nothing_says_so(page_of, alice, make_job):
    job = make_job("gone", _status="COM", number_of_attempts=2, address=None)
    Attempt.objects.create(job=job, number=1, token="t1", phase="OVER")
    assert b"Nothing is left of it" in page_of(alice).get(f"/jobs/{job.pk}/attempts/1/").content
    assert page_of(alice).get(f"/jobs/{job.pk}/attempts/1/files/x").status_code == 404
