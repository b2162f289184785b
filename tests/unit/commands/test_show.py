from __future__ import annotations

import io
import json
import pickle
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from jobs_app.management.jobs import showing
from jobs_app.models import Attempt, History, Scheduler
from jobs_app.terminal.output import Output

from .conftest import manage

OUTPUT = {"OUTPUT/prepare": b"ready\n", "OUTPUT/0": b"nought\n", "OUTPUT/10": b"ten\n", "OUTPUT/2": b"two\n"}


@pytest.mark.parametrize("command", ["show", "logs", "files", "history"])
@pytest.mark.parametrize("name", ["999", "ising-999", "bogus", "-", str(10**30)])
def test_an_unknown_job_is_said_with_its_own_exit_code(db, command, name):
    said = manage("jobs", command, "--", name)
    assert said.code == 3
    assert f"There is no job {name}" in said.err


def test_a_job_is_known_by_number_and_by_id_but_not_by_another_projects(make_job):
    job = make_job()
    assert manage("jobs", "show", str(job.pk)).code == 0
    assert manage("jobs", "show", f"ising-{job.pk}").code == 0
    assert manage("jobs", "show", f"other-{job.pk}").code == 3


def test_show_tells_state_reason_and_place(make_job):
    job = make_job(_status="ERR", status_message="Slice 3 failed", files={"a.txt": b"1"})
    said = dict(row for row in manage("jobs", "show", str(job.pk)).rows if len(row) == 2)
    assert said["message"] == "Slice 3 failed"
    assert said["directory"] == str(job.directory)
    assert said["files"] == "1"


def test_show_tells_a_small_plain_result_to_its_owner_alone(make_job, bob):
    files = {"result.pickle": pickle.dumps({"pi": 3.14})}
    hers, his = make_job(_status="COM", files=files), make_job(_status="COM", files=files, user=bob)
    assert ["result", "{'pi': 3.14}"] in manage("jobs", "show", str(hers.pk)).rows
    assert "3.14" not in manage("jobs", "show", str(his.pk)).out


class Trap:
    def __reduce__(self):
        return print, ("executed",)


@pytest.mark.parametrize(
    "value", [None, Trap(), {"deep": [Trap()]}, Path("x"), "x" * 300, list(range(1000)), b"x"]
)
def test_a_result_that_is_large_or_not_plain_is_not_shown(make_job, value, capfd):
    job = make_job(_status="COM", files={"result.pickle": pickle.dumps(value)})
    assert "result" not in [row[0] for row in manage("jobs", "show", str(job.pk)).rows]
    assert "executed" not in capfd.readouterr().out


@pytest.mark.parametrize("data", [b"", b"junk", b"\x80\x05.", b"cno_such_module\nx\n."])
def test_a_damaged_result_is_not_shown(make_job, data):
    job = make_job(_status="COM", files={"result.pickle": data})
    assert "result" not in [row[0] for row in manage("jobs", "show", str(job.pk)).rows]


def test_times_name_their_zone(make_job):
    job = make_job(_status="COM")
    (created,) = (row[1] for row in manage("jobs", "show", str(job.pk)).rows if row[0] == "created")
    (listed,) = (row[6] for row in manage("jobs", "list").rows)
    zone = job.creation_time.astimezone().tzname()
    assert created.endswith(f":{job.creation_time:%S} {zone}")
    assert listed.endswith(f":{job.creation_time:%M} {zone}")


def test_show_ends_with_the_traceback_of_what_failed(make_job):
    error = json.dumps({"traceback": "ZeroDivisionError: division by zero\n"}).encode()
    job = make_job(_status="ERR", number_of_attempts=1, files={".roost/attempts/1/errors/3.json": error})
    assert manage("jobs", "show", str(job.pk)).out.endswith(
        "slice 3 failed:\nZeroDivisionError: division by zero\n"
    )
    (trouble,) = manage("jobs", "show", str(job.pk), "--json").json["errors"]
    assert trouble["part"] == "3"


def test_logs_come_part_by_part_in_the_order_of_the_work(make_job):
    said = manage("jobs", "logs", str(make_job(_status="COM", files=OUTPUT).pk))
    assert said.out == ("==> prepare <==\nready\n==> 0 <==\nnought\n==> 2 <==\ntwo\n==> 10 <==\nten\n")


def test_the_log_of_one_part_comes_without_a_heading(make_job):
    job = make_job(_status="COM", files=OUTPUT)
    assert manage("jobs", "logs", str(job.pk), "--part", "2").out == "two\n"
    assert manage("jobs", "logs", str(job.pk), "--part", "prepare").out == "ready\n"


def test_a_part_that_has_printed_nothing_is_empty_and_one_that_is_not_there_an_error(make_job):
    job = make_job(_status="COM", slices_total=12, files=OUTPUT)
    quiet = manage("jobs", "logs", str(job.pk), "--part", "7")
    assert (quiet.code, quiet.out) == (0, "")
    for part in ("99", "foo", "-1", "synthesis", "1e1", "\u0661"):
        said = manage("jobs", "logs", str(job.pk), f"--part={part}")
        assert (said.code, said.out) == (2, "")
        assert said.err == f"Job {job.pk} has no part {part!r}. It has: 0-11, prepare."


def test_no_part_leads_out_of_the_output(make_job):
    job = make_job(files={**OUTPUT, "secret": b"secret"})
    said = manage("jobs", "logs", str(job.pk), "--part", "../secret")
    assert (said.code, said.out) == (2, "")


def test_following_a_job_that_is_over_ends_at_once(make_job):
    assert manage("jobs", "logs", str(make_job(_status="COM", files=OUTPUT).pk), "--follow").code == 0


def test_who_follows_a_job_that_waits_is_told_why_once_for_each_reason(make_job, monkeypatch):
    monkeypatch.setattr(showing, "SILENCE", 0.0)
    job = make_job(_status="SUB", slices_total=2)
    said = io.StringIO()
    follower = showing.Follower(job, None, Output(io.StringIO(), said))
    for message in ("", "Waits: 4 of 4 slices are on ruby.", "Waits: 4 of 4 slices are on ruby."):
        job.status_message = message
        follower.say_why_it_waits()
    job.status_message, job.slices_running = "not now", 1
    follower.say_why_it_waits()
    assert said.getvalue().splitlines() == [
        f"Job {job.pk} is Submitted. What it prints is shown when it runs.",
        f"Job {job.pk} is Submitted. Waits: 4 of 4 slices are on ruby.",
    ]


def test_how_old_a_reason_is_makes_it_no_new_one(make_job, monkeypatch):
    monkeypatch.setattr(showing, "SILENCE", 0.0)
    job = make_job(_status="SUB", slices_total=2)
    ruby = Scheduler.objects.create(name="ruby", failures=3)
    Attempt.objects.create(job=job, number=1, token="a" * 32, scheduler=ruby, phase="sent")
    said = io.StringIO()
    follower = showing.Follower(job, None, Output(io.StringIO(), said))
    for seconds in (10, 70, 4000):
        Scheduler.objects.update(last_contact=timezone.now() - timedelta(seconds=seconds))
        follower.say_why_it_waits()
    assert said.getvalue() == f"Job {job.pk} is Submitted. ruby does not answer.\n"


def test_files_are_those_of_the_manifest_if_there_is_one(make_job):
    manifest = {"version": 1, "files": {"plot.png": {"size": 4, "sha256": "0"}}}
    job = make_job(
        _status="COM",
        files={"plot.png": b"\x89PNG", "junk": b"", ".roost/manifest.json": json.dumps(manifest).encode()},
    )
    assert manage("jobs", "files", str(job.pk)).rows == [["plot.png", "4", "here"]]


def test_files_of_a_job_that_failed_are_what_it_left(make_job):
    job = make_job(
        _status="ERR", files={"half.csv": b"1,", "sub/deep": b"", "setup.json": b"{}", ".roost/x": b""}
    )
    assert manage("jobs", "files", str(job.pk), "--paths").rows == [
        [str(job.directory / "half.csv"), "2", "here"],
        [str(job.directory / "sub/deep"), "0", "here"],
    ]


def test_cat_writes_a_file_as_it_is(make_job):
    job = make_job(files={"table.csv": b"a,b\n1,2\n"})
    assert manage("jobs", "cat", str(job.pk), "table.csv").out == "a,b\n1,2\n"


@pytest.mark.parametrize("name", ["none", "../x", "/etc/passwd", "OUTPUT"])
def test_cat_refuses_what_is_no_file_of_the_job(make_job, name):
    job = make_job(files=OUTPUT)
    said = manage("jobs", "cat", str(job.pk), name)
    assert (said.code, said.out) == (2, "")


def test_history_says_who_did_what_and_why(make_job, alice):
    job = make_job(_status="SUB")
    History.objects.create(
        job=job, actor="alice", user=alice, before="PEN", after="SUB", why="asked for", attempt=1
    )
    (row,) = manage("jobs", "history", str(job.pk)).rows
    assert row[1:] == ["1", "alice", "Pending", "Submitted", "asked for"]


def test_what_a_script_said_cannot_steer_the_terminal(make_job):
    error = json.dumps({"traceback": "\x1b]0;title\x07\x1b[2J first\nsecond\udcff"}).encode()
    job = make_job(_status="ERR", number_of_attempts=1, files={".roost/attempts/1/errors/3.json": error})
    said = manage("jobs", "show", str(job.pk))
    assert said.out.endswith("3 failed:\n\\x1b]0;title\\x07\\x1b[2J first\nsecond\\udcff\n")
    (trouble,) = manage("jobs", "show", str(job.pk), "--json").json["errors"]
    assert "first\nsecond" in trouble["text"]
