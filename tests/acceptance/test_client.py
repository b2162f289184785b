"""A program on another machine: the client against a server that runs jobs on its embedded pool."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs_app.client import Client

from .conftest import Machine

SMALL = {"size": 16, "sweeps": 100, "temperatures": 4, "tolerance": 5.0}
PATIENCE = 120.0
SCOPES = ("jobs:read", "jobs:write", "files:read", "files:write", "schedulers:read")


@pytest.fixture
def client(machine: Machine) -> Iterator[Client]:
    server = machine.start("manage.py", "serve", "--port", "0")
    assert server.stdout is not None
    address = next(found[1] for line in server.stdout if (found := re.search(r"Roost is at (\S+)", line)))
    scopes = [word for scope in SCOPES for word in ("--scope", scope)]
    made = machine.manage("tokens", "create", "a program", *scopes)
    token = re.search(r"roost_\S+", made.stdout)
    assert token, made.stderr
    yield Client(address.rstrip("/"), token[0])
    server.terminate()
    server.communicate(timeout=PATIENCE)


def test_a_job_is_made_waited_for_and_brought_home(
    client: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = client.jobs.create("examples.ising", "ising", options=SMALL, slices=2, execute=True)
    job = job.wait(PATIENCE, progress=True)
    assert (job.status, job.slices.done, job.final) == ("COM", 2, True)
    shown = capsys.readouterr().err.split("\r")
    assert "0/2" in shown[1]
    assert shown[-1].endswith("2/2 Complete\x1b[K\n")

    listed = {file.name: file for file in job.files()}
    assert listed
    for name, file in listed.items():
        path = job.download(name, tmp_path)
        assert path.stat().st_size == file.size
        assert file.sha256
    with zipfile.ZipFile(job.archive(tmp_path / "all.zip")) as whole:
        assert len(whole.namelist()) == len(listed)
    assert [event.after for event in job.events()][-1] == "COM"
    assert [(each.state, each.exit_code) for each in job.each_slice()] == [("done", 0), ("done", 0)]


def test_what_a_slice_prints_comes_while_it_runs(client: Client) -> None:
    job = client.jobs.create("examples.ising", "ising", options={**SMALL, "sweeps": 2000}, execute=True)
    text = "".join(job.follow(0, pause=0.1))
    job = job.wait(PATIENCE)
    assert text == job.log(0)
    assert job.status == "COM"
