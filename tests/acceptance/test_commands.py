from __future__ import annotations

from pathlib import Path

from .conftest import ROOT, Machine, until

SMALL = ("size=16", "sweeps=100", "temperatures=4", "tolerance=5.0", "--slices", "2")


def test_exit_codes_and_messages_without_a_traceback(machine: Machine) -> None:
    expected = {
        ("jobs", "show", "17"): 3,
        ("jobs", "wait", "17"): 3,
        ("jobs", "stop", "ising-17"): 3,
        ("jobs", "frobnicate"): 2,
        ("jobs",): 2,
        ("jobs", "run", "nosuch"): 2,
        ("jobs", "run", "ising", "bogus=1"): 2,
        ("jobs", "list", "--status", "bogus"): 2,
        ("methods", "nosuch"): 2,
        ("startjobapp", "json"): 2,
        ("jobs", "list"): 0,
        ("jobs", "clean", "--dry-run"): 0,
        ("methods",): 0,
        ("templates",): 0,
    }
    for words, code in expected.items():
        done = machine.manage(*words)
        assert done.returncode == code, (words, done.stderr)
        assert "Traceback" not in done.stderr
        assert bool(done.stderr) == bool(code), words


def test_a_wrong_option_of_a_subcommand_shows_the_usage_of_that_subcommand(machine: Machine) -> None:
    for words in (("jobs", "list", "--bogus"), ("jobs", "show", "1", "2")):
        done = machine.manage(*words)
        assert done.returncode == 2
        assert done.stderr.startswith(f"usage: manage.py jobs {words[1]} ")
        assert f"unrecognized arguments: {words[-1]}" in done.stderr
    assert "required: METHOD_OR_TEMPLATE\n" in machine.manage("jobs", "run").stderr


def test_a_job_is_paused_resumed_stopped_and_resubmitted_with_nobody_serving(machine: Machine) -> None:
    machine.manage("jobs", "run", "ising", "sweeps=200000")
    said = [machine.manage("jobs", verb, "1") for verb in ("pause", "resume", "stop")]
    assert [done.returncode for done in said] == [0, 0, 0]
    assert said[0].stdout == "Job 1 (ising) is Paused.\n"
    assert said[2].stdout == "Job 1 (ising) is Aborted.\n"
    assert machine.manage("jobs", "wait", "1").returncode == 1
    assert machine.manage("jobs", "stop", "1").returncode == 5
    assert machine.manage("jobs", "resubmit", "1").returncode == 0
    assert machine.manage("jobs", "stop", "1").returncode == 0
    assert machine.manage("jobs", "delete", "1").returncode == 0
    assert machine.json("jobs", "list") == []


def test_with_nobody_following_a_list_and_a_job_are_as_they_are_now(machine: Machine) -> None:
    for number, words in enumerate((("jobs", "list"), ("jobs", "show", "2")), 1):
        machine.manage("jobs", "run", "ising", *SMALL, f"seed={number}")
        until(lambda words=words: "Complete" in machine.manage(*words).stdout)


def test_a_held_back_job_is_not_waited_for(machine: Machine) -> None:
    machine.manage("jobs", "run", "ising", "sweeps=200000")
    machine.manage("jobs", "pause", "1")
    waited = machine.manage("jobs", "wait", "1")
    assert waited.returncode == 4
    assert "jobs resume 1" in waited.stderr
    machine.manage("jobs", "stop", "1")


def test_the_log_of_a_running_job_can_be_followed(machine: Machine) -> None:
    machine.manage("jobs", "run", "ising", "size=64", "sweeps=1500", "temperatures=6", "tolerance=0.5")
    following = machine.start("manage.py", "jobs", "logs", "1", "--follow")
    assert machine.manage("jobs", "wait", "1").returncode == 0
    out, _ = following.communicate(timeout=60)
    assert following.returncode == 0
    assert out.count("T = ") == 6


def test_a_reader_that_has_enough_ends_the_list_in_peace(machine: Machine) -> None:
    machine.manage("jobs", "run", "ising", *SMALL, "--wait")
    done = machine.python("-c", PIPE.format(root=ROOT))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


PIPE = """
import os, subprocess, sys
reader, writer = os.pipe()
os.close(reader)
words = [sys.executable, "manage.py", "jobs", "list"]
sys.exit(subprocess.run(words, cwd="{root}", stdout=writer).returncode)
"""


def test_a_database_that_is_not_set_up_is_said_with_the_cure(machine: Machine, tmp_path: Path) -> None:
    machine.path = tmp_path / "empty"
    done = machine.manage("jobs", "list")
    assert done.returncode == 1
    assert "manage.py migrate" in done.stderr
