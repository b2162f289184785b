"""The test pool itself: two at once, and nothing left of it, however it ends."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pool import rootfs
from tests.pool.pool import TestPool
from tests.pool.rootfs import CannotRun, obstacle
from tests.pool.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def make_pool() -> Iterator[subprocess.Popen[str]]:
    """`make pool` in a process of its own."""
    if obstacle():
        pytest.skip(obstacle())
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "CONDOR_CONFIG": "/dev/null",
    }  # as htcondor2 leaves it
    command = [sys.executable, "-m", "tests.pool"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        yield process
        if process.poll() is None:
            process.kill()


def said(process: subprocess.Popen[str]) -> dict[str, str]:
    """What it says of how to reach it."""
    assert process.stdout is not None
    found: dict[str, str] = {}
    for line in process.stdout:
        words = line.split(maxsplit=1)
        if len(words) == 2:
            found.setdefault(words[0], words[1].strip())  # "host key" comes after "host"
        if line.startswith("Ctrl-C"):
            return found
    raise AssertionError("it ended before it was up")


def links() -> set[str]:
    shown = subprocess.run(["ip", "-brief", "link"], capture_output=True, text=True, check=True).stdout
    return {line.split("@")[0] for line in shown.splitlines() if line.startswith("roost")}


def link_of(known: dict[str, str]) -> str:
    return f"roost{known['host'].split('.')[2]}"


def mounts() -> str:
    return Path("/proc/mounts").read_text()


def processes_in(folder: str) -> list[str]:
    shown = subprocess.run(["ps", "-wweo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in shown.splitlines() if folder in line]


@pytest.mark.pool
def test_a_second_pool_does_not_disturb_the_first_and_leaves_nothing(
    condor_pool: TestPool, make_pool: subprocess.Popen[str]
) -> None:
    known = said(make_pool)
    folder, link = Path(known["key"]).parent, link_of(known)
    assert link in links()
    assert known["host"] != condor_pool.host
    assert "exec2" in condor_pool.run("condor_status", "-af", "Name")
    shown = subprocess.run(
        ["ssh", "-oBatchMode=yes", *shlex.split(known["ssh"]), "-af", "Name"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert {"slot1@exec1.pool.roost.test", "slot1@exec2.pool.roost.test"} <= set(shown.split())
    make_pool.send_signal(signal.SIGINT)
    assert make_pool.wait(60) == 0
    assert not folder.exists()
    assert processes_in(folder.name) == []
    assert folder.name not in mounts()
    assert link not in links()


@pytest.mark.pool
def test_a_pool_whose_owner_is_killed_ends_with_it(
    condor_pool: TestPool, make_pool: subprocess.Popen[str]
) -> None:
    known = said(make_pool)
    folder = Path(known["key"]).parent
    assert processes_in(folder.name)
    make_pool.kill()
    make_pool.wait(60)
    wait_until(lambda: not processes_in(folder.name), 60, "its processes to end")
    wait_until(lambda: link_of(known) not in links(), 60, "its network to go")
    assert folder.name not in mounts()
    shutil.rmtree(folder)  # the next pool would have swept it away


@pytest.mark.pool
def test_a_host_that_is_cut_off_cannot_be_reached_until_it_is_restored(condor_pool: TestPool) -> None:
    reach = ["bash", "-c", "exec 3<>/dev/tcp/exec1/9618"]
    assert condor_pool.hosts["ap"].run(*reach).returncode == 0
    condor_pool.cut("exec1")
    assert condor_pool.hosts["ap"].run("timeout", "1", *reach).returncode != 0
    condor_pool.restore("exec1")
    wait_until(lambda: condor_pool.hosts["ap"].run("timeout", "1", *reach).returncode == 0, 60, "the host")
    condor_pool.wait_ready()


@pytest.mark.pool
def test_a_frozen_access_point_says_nothing_until_it_is_thawed(condor_pool: TestPool) -> None:
    condor_pool.freeze("ap")
    try:
        with socket.create_connection((condor_pool.host, condor_pool.port), timeout=5) as connection:
            connection.settimeout(0.5)
            with pytest.raises(TimeoutError):
                connection.recv(4)
    finally:
        condor_pool.thaw("ap")
    condor_pool.wait_ready()


# --- the root file system ---------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(rootfs, "_mirror", lambda: "http://mirror.invalid/debian")
    return tmp_path / "roost"


def with_builder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> None:
    builder = tmp_path / "builder"
    builder.write_text(f"#!/bin/sh\n{script}\n")
    builder.chmod(0o755)
    monkeypatch.setattr(rootfs, "BUILD", builder)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")


@needs_root
def test_a_build_that_fails_is_never_used(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_builder(monkeypatch, tmp_path, 'mkdir "$2"; touch "$2/half"; echo no space left; exit 1')
    for _ in range(2):
        with pytest.raises(CannotRun, match="could not be built"):
            rootfs.rootfs()
    assert [path for path in cache.iterdir() if path.is_dir() and path.suffix != ".building"] == []
    assert "no space left" in next(cache.glob("*.log")).read_text()


@needs_root
def test_a_half_built_one_is_thrown_away_and_built_anew_once(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_builder(monkeypatch, tmp_path, f'mkdir "$2"; touch "$2/whole"; echo built >> {tmp_path}/count')
    half = cache / f"pool-{rootfs._version()}.building"
    half.mkdir(parents=True)
    (half / "half").touch()
    place = rootfs.rootfs()
    assert sorted(path.name for path in place.iterdir()) == ["whole"]
    assert rootfs.rootfs() == place
    assert (tmp_path / "count").read_text() == "built\n"


def test_another_recipe_is_another_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    before = rootfs._version()
    monkeypatch.setattr(rootfs, "PACKAGES", (*rootfs.PACKAGES, "nano"))
    assert rootfs._version() != before


def test_what_is_missing_is_said_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "needs root" in obstacle()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(rootfs, "TOOLS", ("sh", "no-such-tool"))
    assert "no-such-tool" in obstacle() or "another system" in obstacle()
