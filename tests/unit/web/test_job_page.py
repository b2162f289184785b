from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import Group

from jobs_app import inspection
from jobs_app.models import Attempt, History, Scheduler, SliceBlock
from jobs_app.terminal import describe


def test_charlie_is_told_that_there_is_no_such_job(page_of, charlie, make_job):
    client = page_of(charlie)
    assert client.get(f"/jobs/{make_job().pk}/").status_code == 404
    assert client.get("/jobs/999999/").status_code == 404
    assert client.get(f"/jobs/{10**30}/").status_code == 404


def test_bob_may_read_a_shared_job_but_finds_no_buttons(page_of, bob, make_job):
    job = make_job(_status="RUN")
    job.groups.add(Group.objects.get(name="hydrology"))
    response = page_of(bob).get(f"/jobs/{job.pk}/")
    assert response.status_code == 200
    assert response.context["actions"] == []


def test_alice_finds_the_buttons_that_fit_the_state(page_of, alice, make_job):
    expected = {
        "PEN": {"execute", "delete"},
        "RUN": {"pause", "stop"},
        "HLD": {"resume", "stop"},
        "COM": {"resubmit", "delete"},
        "VCP": {"rerun", "resubmit", "delete"},
    }
    for status, names in expected.items():
        response = page_of(alice).get(f"/jobs/{make_job(_status=status).pk}/")
        assert {action.name for action in response.context["actions"]} == names, status


def test_it_shows_files_with_pictures_as_pictures(page_of, alice, make_job):
    job = make_job(
        _status="COM", files={"plot.png": b"\x89PNG", "a b&c.csv": b"1,2\n", ".roost/spec.json": b"{}"}
    )
    content = page_of(alice).get(f"/jobs/{job.pk}/").content.decode()
    assert f'<img src="/jobs/{job.pk}/files/plot.png"' in content
    assert f'href="/jobs/{job.pk}/files/a%20b&amp;c.csv"' in content
    assert "spec.json" not in content


def test_output_is_escaped_and_rewritten_lines_show_their_last_version(page_of, alice, make_job):
    job = make_job(files={"OUTPUT/0": b"10%\r100%\n<img src=x onerror=alert(1)>\n"})
    content = page_of(alice).get(f"/jobs/{job.pk}/").content.decode()
    assert "&lt;img src=x" in content
    assert "<img src=x" not in content
    assert "100%" in content
    assert "10%\r" not in content


def test_a_part_of_the_output_is_chosen_by_name_and_no_other_file_is_reached(page_of, alice, make_job):
    job = make_job(
        files={"OUTPUT/prepare": b"getting ready", "OUTPUT/1": b"slice one", "setup.json": b"secret"}
    )
    client = page_of(alice)
    assert b"getting ready" in client.get(f"/jobs/{job.pk}/?part=prepare").content
    assert b"secret" not in client.get(f"/jobs/{job.pk}/?part=../setup.json").content


def test_the_output_that_is_open_is_that_of_the_first_part_to_fail(page_of, alice, make_job):
    output = {f"OUTPUT/{part}": f"said by {part}".encode() for part in ("prepare", 2, 3, "synthesis")}
    errors = {f".roost/attempts/1/errors/{slice_}.json": b"{}" for slice_ in (2, 3)}
    job = make_job(_status="ERR", number_of_attempts=1, files={**output, **errors})
    response = page_of(alice).get(f"/jobs/{job.pk}/")
    assert response.context["output"]["piece"].rest == "said by 2"
    assert b"What went wrong in slice 2" in response.content
    chosen = page_of(alice).get(f"/jobs/{job.pk}/?part=prepare")
    assert chosen.context["output"]["piece"].rest == "said by prepare"


def test_sizes_and_times_are_written_as_in_the_terminal(page_of, alice, make_job):
    job = make_job(_status="COM", files={"a.txt": b"x" * 1500})
    History.objects.create(job=job, actor="alice", before="PEN", after="SUB")
    content = page_of(alice).get(f"/jobs/{job.pk}/").content.decode()
    assert "1.5 kB" in content
    at = History.objects.get(job=job).at
    assert f"{at:%Y-%m-%d %H:%M:%S} UTC</time>" in content


def test_a_failed_part_shows_its_traceback(page_of, alice, make_job):
    error = json.dumps({"traceback": "ZeroDivisionError: division by zero"}).encode()
    job = make_job(_status="ERR", number_of_attempts=1, files={".roost/attempts/1/errors/3.json": error})
    response = page_of(alice).get(f"/jobs/{job.pk}/")
    assert [trouble.part for trouble in response.context["errors"]] == ["3"]
    assert b"ZeroDivisionError" in response.content


def test_slices_are_counted_step_by_step(page_of, alice, make_job):
    job = make_job(_status="RUN", number_of_attempts=1, slices_total=3, slices_done=2)
    attempt = Attempt.objects.create(job=job, number=1, token="a" * 32)
    SliceBlock.objects.create(attempt=attempt, step="analysis", first=0, states=b"\2\2\0", done=2, waiting=1)
    response = page_of(alice).get(f"/jobs/{job.pk}/")
    (step,) = response.context["steps"]
    assert (step.name, step.counts.done, step.counts.waiting) == ("analysis", 2, 1)


def test_history_says_who_did_what(page_of, alice, make_job):
    job = make_job(_status="SUB")
    History.objects.create(job=job, actor="alice", user=alice, before="PEN", after="SUB", why="asked for")
    content = page_of(alice).get(f"/jobs/{job.pk}/").content.decode()
    assert "Pending → Submitted" in content
    assert "asked for" in content


def test_a_long_history_is_shown_whole_when_asked_for(page_of, alice, make_job):
    job = make_job(_status="RUN")
    rows = [History(job=job, actor="pool", why=f"step {number}.") for number in range(130)]
    History.objects.bulk_create(rows)
    client = page_of(alice)
    short = client.get(f"/jobs/{job.pk}/").content.decode()
    assert "step 129." in short
    assert "step 20." not in short
    assert 'href="?history#job-history"' in short
    whole = client.get(f"/jobs/{job.pk}/?history").content.decode()
    assert "step 0." in whole
    assert "?history" not in whole


def test_a_page_of_an_active_job_refreshes_itself_and_one_of_a_finished_job_does_not(
    page_of, alice, make_job
):
    client = page_of(alice)
    assert b"data-active" in client.get(f"/jobs/{make_job(_status='RUN').pk}/").content
    assert b"data-active" not in client.get(f"/jobs/{make_job(_status='COM').pk}/").content


def test_a_job_whose_directory_was_removed_still_has_a_page(page_of, alice, make_job):
    assert page_of(alice).get(f"/jobs/{make_job(_status='COM', number_of_attempts=1).pk}/").status_code == 200


def test_files_with_names_that_no_address_can_hold_are_named_without_a_link(page_of, alice, make_job):
    job = make_job(_status="ERR", files={"two\nlines.txt": b"", "bytes\udcff.png": b"", "plain.txt": b""})
    content = page_of(alice).get(f"/jobs/{job.pk}/").content.decode()
    assert r"<td>two\nlines.txt</td>" in content
    assert r"<td>bytes\udcff.png</td>" in content
    assert f'href="/jobs/{job.pk}/files/plain.txt"' in content


def test_links_of_a_job_that_lead_out_of_its_directory_are_not_listed(page_of, alice, make_job, tmp_path):
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "key").write_text("")
    job = make_job(_status="ERR", files={"own/inner.txt": b""})
    (job.directory / "outer").symlink_to(tmp_path / "private")
    (job.directory / "own" / "key.txt").symlink_to(tmp_path / "private" / "key")
    (job.directory / "again.txt").symlink_to("own/inner.txt")
    response = page_of(alice).get(f"/jobs/{job.pk}/")
    assert [file.name for file in response.context["files"]] == ["again.txt", "own/inner.txt"]


def test_an_error_that_is_no_utf8_is_shown(page_of, alice, make_job):
    error = json.dumps({"traceback": "no such file: a\udcff"}).encode()
    job = make_job(_status="ERR", number_of_attempts=1, files={".roost/attempts/1/errors/3.json": error})
    assert rb"no such file: a\udcff" in page_of(alice).get(f"/jobs/{job.pk}/").content


@pytest.mark.parametrize("content", [b'{"files": {', b"\xff", b"[1]", b'{"files": {"a": 3}}'])
def test_a_damaged_manifest_does_not_hide_the_job(page_of, alice, make_job, content):
    job = make_job(_status="COM", files={"a.txt": b"", ".roost/manifest.json": content})
    response = page_of(alice).get(f"/jobs/{job.pk}/")
    assert [file.name for file in response.context["files"]] == ["a.txt"]


def test_a_job_that_names_no_scheduler_tells_where_it_was_sent(page_of, alice, make_job):
    job = make_job(_status="RUN", number_of_attempts=1)
    assert inspection.scheduler(job) is None
    pool = Scheduler.objects.create(name="ruby")
    Attempt.objects.create(job=job, number=1, token="t", phase="sent", scheduler=pool)
    assert "<dt>scheduler</dt><dd>ruby</dd>" in page_of(alice).get(f"/jobs/{job.pk}/").content.decode()
    assert describe.full(job)["scheduler"] == "ruby"
