"""What runs on a node, in a folder like the one that HTCondor makes there."""

from __future__ import annotations

import ast
import json
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from jobs_app.pools.condor import kit
from tests.pool.waiting import wait_until

SCRIPT = Path(kit.__file__).parent / "node" / "roost_node.py"
START = Path(kit.__file__).parents[3] / "condor_templates" / "node_start.sh"


class Sandbox:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copy(SCRIPT, folder / "roost_node.py")
        (folder / "input.txt").write_text("given\n")
        (folder / ".job.ad").write_text("ad")

    def prepare(self, program: str, **known: Any) -> None:
        path = self.folder / "program"
        path.write_text(f"#!/bin/sh\n{program}\n")
        path.chmod(0o755)
        task = {
            "job": 7, "attempt": "a" * 32, "executable": "program", "sent": True, "arguments": [],
            "environment": {}, "slices": 3, "cpus": 1, "spec": "",
        }  # fmt: skip
        (self.folder / ".roost_task.json").write_text(json.dumps({**task, **known}))

    def start(self, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-I", "-S", "roost_node.py", *(words or ("1", "run"))]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.folder, stdout=pipe, stderr=subprocess.STDOUT, text=True)

    def run(self, program: str, *words: str, **known: Any) -> tuple[int, str]:
        self.prepare(program, **known)
        with self.start(*words) as process:
            said, _ = process.communicate(timeout=60)
        return process.returncode, said

    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "roost_record.json").read_text())
        return found

    def packed(self) -> dict[str, bytes]:
        with tarfile.open(self.folder / "roost_result.tar") as archive:
            return {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return Sandbox(tmp_path)


def test_new_and_changed_files_are_packed_and_no_others(sandbox: Sandbox) -> None:
    code, _ = sandbox.run("mkdir -p a/b; echo 1 > a/b/new; echo more >> input.txt; echo x > .hidden")
    assert code == 0
    assert sandbox.packed() == {"a/b/new": b"1\n", "input.txt": b"given\nmore\n", ".hidden": b"x\n"}
    assert sandbox.record()["files"]["a/b/new"]["size"] == 2


def test_inputs_that_were_only_read_stay_on_the_node(sandbox: Sandbox) -> None:
    sandbox.run("cat input.txt > /dev/null")
    assert sandbox.packed() == {}


def test_arguments_and_surroundings_are_as_they_were_asked_for(sandbox: Sandbox) -> None:
    program = 'echo "$ROOST_SLICE/$ROOST_SLICES $GREETING <$1> <$2> <$3>"'
    _, said = sandbox.run(program, "2", "run", "a%20b", "%", "%24HOME", environment={"GREETING": "hi"})
    assert said == "2/3 hi <a b> <> <$HOME>\n"


def test_arguments_that_all_slices_share_come_with_the_task(sandbox: Sandbox) -> None:
    assert sandbox.run('echo "$@"', arguments=["x y", "z"])[1] == "x y z\n"


def test_it_ends_with_the_programs_exit_code(sandbox: Sandbox) -> None:
    assert sandbox.run("echo partial > out; exit 3")[0] == 3
    assert (sandbox.record()["exit_code"], sandbox.record()["signal"]) == (3, 0)
    assert sandbox.packed() == {"out": b"partial\n"}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_it_ends_by_the_programs_signal(sandbox: Sandbox, number: int) -> None:
    assert sandbox.run(f"kill -{int(number)} $$")[0] == -number
    assert sandbox.record()["signal"] == number


def test_a_program_that_is_not_there_is_said_so(sandbox: Sandbox) -> None:
    code, said = sandbox.run("", executable="no-such-program", sent=False)
    assert (code, said) == (127, "no-such-program cannot be run: No such file or directory.\n")


def test_a_signal_to_the_wrapper_reaches_the_program(sandbox: Sandbox) -> None:
    sandbox.prepare("trap 'echo stopped > why; exit 9' TERM; touch ready; while :; do sleep 0.05; done")
    with sandbox.start() as process:
        wait_until((sandbox.folder / "ready").exists, 60, "the program to start")
        process.terminate()
        assert process.wait(60) == 9
    assert sandbox.packed()["why"] == b"stopped\n"


def test_what_htcondor_waits_for_is_there_even_if_the_wrapper_is_killed(sandbox: Sandbox) -> None:
    sandbox.prepare("touch ready; sleep 20")
    with sandbox.start() as process:
        wait_until((sandbox.folder / "ready").exists, 60, "the program to start")
        process.kill()
        process.wait(60)
    assert sandbox.record() == {}
    assert (sandbox.folder / "roost_result.tar").read_bytes() == b""


def test_usage_and_times_are_kept(sandbox: Sandbox) -> None:
    before = time.time()
    sandbox.run("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done")
    record = sandbox.record()
    assert record["memory_bytes"] > 100_000
    assert record["cpu_seconds"] > 0
    assert before <= record["start"] <= record["end"] <= time.time()


def test_links_are_sent_as_what_they_lead_to_and_loops_are_left_out(sandbox: Sandbox) -> None:
    sandbox.run("echo data > real; ln -s real link; ln -s nowhere dangling; mkfifo pipe; ln -s . loop")
    assert sandbox.packed() == {"real": b"data\n", "link": b"data\n"}


def test_it_is_written_for_python_3_9() -> None:
    ast.parse(SCRIPT.read_text(), feature_version=(3, 9))


def old_python() -> str:
    pyenv = map(str, sorted((Path.home() / ".pyenv/versions").glob("3.9*/bin/python3.9")))
    for each in (*pyenv, shutil.which("python3.9")):
        if each and subprocess.run([each, "-c", ""], capture_output=True, check=False).returncode == 0:
            return each
    return ""


@pytest.mark.skipif(not old_python(), reason="there is no Python 3.9 on this machine")
def test_it_runs_by_python_3_9(sandbox: Sandbox) -> None:
    sandbox.prepare("echo new > file")
    command = [old_python(), "-I", "-S", "roost_node.py", "0", "run"]
    assert subprocess.run(command, cwd=sandbox.folder, timeout=60, check=False).returncode == 0
    assert sandbox.packed() == {"file": b"new\n"}


# --- the start script -----------------------------------------------------------------------------------


def with_path(folder: Path, **programs: str) -> dict[str, str]:
    """Only these programs are to be found."""
    for name, target in programs.items():
        (folder / name).symlink_to(target)
    return {"PATH": str(folder)}


def start(sandbox: Sandbox, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(START), "0", "run"],
        cwd=sandbox.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_python_is_found_without_any_environment(sandbox: Sandbox) -> None:
    sandbox.prepare("/bin/echo done")
    assert start(sandbox, {}).stdout == "done\n"


def test_the_python_that_is_named_is_taken(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.prepare("/bin/echo done")
    assert start(sandbox, {"ROOST_PYTHON": sys.executable, "PATH": "/nowhere"}).returncode == 0


def test_without_a_python_the_reason_and_empty_results_are_left(
    sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> None:
    fake = tmp_path_factory.mktemp("path")
    text = START.read_text().replace("/usr/bin/python3", "/nowhere")
    script = fake / "start.sh"
    script.write_text(text)
    environment = with_path(fake, hostname=shutil.which("hostname") or "/bin/hostname")
    command = ["/bin/sh", str(script), "0", "run"]
    done = subprocess.run(
        command, cwd=sandbox.folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 127
    assert "No Python from 3.9 on was found on" in done.stderr
    assert (sandbox.folder / "roost_result.tar").exists()
    assert sandbox.record() == {"problem": "no Python from 3.9 on"}
