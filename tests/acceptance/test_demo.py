from __future__ import annotations

import struct

from .conftest import Machine, interrupt, until

SMALL = ("size=32", "sweeps=400", "temperatures=8", "tolerance=0.1")


def test_the_demo_runs_checks_itself_and_is_reused_the_second_time(machine: Machine) -> None:
    first = machine.manage("demo", *SMALL)
    assert first.returncode == 0, first.stderr
    assert "agrees with Onsager's exact solution" in first.stdout
    assert "make serve" in first.stdout
    second = machine.manage("demo", *SMALL)
    assert second.returncode == 0
    assert "is reused" in second.stdout
    assert len(machine.json("jobs", "list")) == 1


def test_the_demo_leaves_a_picture(machine: Machine) -> None:
    machine.manage("demo", *SMALL)
    (job,) = machine.json("jobs", "list")
    files = {file["name"]: file["size"] for file in machine.json("jobs", "files", str(job["id"]))}
    assert {"magnet.png", "table.csv", "table.json"} <= files.keys()
    shown = machine.json("jobs", "show", str(job["id"]))
    with open(f"{shown['directory']}/magnet.png", "rb") as picture:
        assert picture.read(8) == b"\x89PNG\r\n\x1a\n"
        _, kind, width, height = struct.unpack(">I4sII", picture.read(16))
    assert (kind, width, height) == (b"IHDR", 1200, 890)


def test_the_numbers_do_not_depend_on_how_many_slices_there_are(machine: Machine) -> None:
    tables = []
    for slices in ("1", "3"):
        done = machine.manage("jobs", "run", "ising", *SMALL, "--slices", slices, "--again", "--wait")
        assert done.returncode == 0, done.stderr
        tables.append(machine.manage("jobs", "cat", "1", "table.csv").stdout)
    assert tables[0] == tables[1]
    assert len(tables[0].splitlines()) == 9


def test_a_simulation_that_disagrees_with_the_exact_solution_fails(machine: Machine) -> None:
    done = machine.manage("demo", *SMALL[:-1], "tolerance=1e-9")
    assert done.returncode == 1
    assert "disagrees with the exact solution" in done.stderr


def test_ctrl_c_ends_the_watching_and_not_the_job(machine: Machine) -> None:
    watching = machine.start("manage.py", "demo", "size=64", "sweeps=12000", "tolerance=0.2")
    until(lambda: [job for job in machine.json("jobs", "list") if job["slices"]["running"]])
    _, said = interrupt(watching)
    assert watching.returncode == 130
    assert "goes on" in said
    assert "jobs stop 1" in said
    assert "Traceback" not in said
    done = machine.manage("jobs", "wait", "1")
    assert done.returncode == 0, done.stderr
    assert machine.manage("demo", "size=64", "sweeps=1500", "tolerance=0.2").returncode == 0
