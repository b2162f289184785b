from __future__ import annotations

import pytest


def fetch(client, job, name):
    """The answer, with all that it streams read."""
    response = client.get(f"/jobs/{job.pk}/files/{name}")
    response.body = b"".join(response.streaming_content) if response.streaming else response.content
    return response


def test_a_picture_is_shown_and_anything_unknown_is_saved(page_of, alice, make_job):
    job = make_job(
        files={"plot.png": b"\x89PNG", "page.html": b"<script>", "result.pickle": b"\x80", "x.svg": b"<svg/>"}
    )
    client = page_of(alice)
    shown = fetch(client, job, "plot.png")
    assert shown.headers["Content-Type"] == "image/png"
    assert shown.headers["Content-Disposition"] == 'inline; filename="plot.png"'
    for name in ("page.html", "result.pickle", "x.svg"):
        saved = fetch(client, job, name)
        assert saved.headers["Content-Type"] == "application/octet-stream"
        assert saved.headers["Content-Disposition"].startswith("attachment")


def test_no_file_can_run_anything_in_the_browser(page_of, alice, make_job):
    response = fetch(page_of(alice), make_job(files={"notes.txt": b"<script>"}), "notes.txt")
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "name",
    [
        "../../secret",
        "%2e%2e/secret",
        "..%2f..%2fsecret",
        "/etc/passwd",
        "link",
        ".roost/spec.json",
        "folder",
        "none",
        "a%00b",
        ".",
    ],
)
def test_no_name_leads_out_of_the_directory(page_of, alice, make_job, tmp_path, name):
    job = make_job(files={"folder/inside": b"in", ".roost/spec.json": b"{}"})
    (job.directory.parent / "secret").write_text("secret")
    (job.directory / "link").symlink_to("/etc/passwd")
    assert fetch(page_of(alice), job, name).status_code == 404


def test_a_file_in_a_folder_is_found(page_of, alice, make_job):
    assert fetch(page_of(alice), make_job(files={"a/b.csv": b"1"}), "a/b.csv").body == b"1"


def test_charlie_gets_nothing(page_of, charlie, make_job):
    assert fetch(page_of(charlie), make_job(files={"a.txt": b"1"}), "a.txt").status_code == 404


def test_a_visitor_gets_nothing(client, make_job):
    assert fetch(client, make_job(files={"a.txt": b"1"}), "a.txt").status_code == 302
