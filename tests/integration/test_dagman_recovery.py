"""What stands beside DAGMan, with commands of HTCondor that say what a test lets them say.

The same is done to a real pool by tests/faults/soak.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

NODE = Path(__file__).parents[2] / "jobs_app/pools/condor/node"
PLAN = "0123456789abcdef0123456789abcdef.0"
ATTEMPT = "a" * 32
HEADINGS = (
    "RoostPlan ClusterId ProcId RoostGroup RoostAttempt RoostSlice RoostStep DAGNodeName "
    "JobStatus ExitBySignal ExitCode ExitSignal"
)


def submitted(cluster: int, proc: int, group: int, node: str, slice_: int, plan: str = PLAN) -> str:
    return (
        f"000 ({cluster:03d}.{proc:03d}.000) 2026-11-21 02:50:19 Job submitted from host: <198.18.0.10>\n"
        f"    DAG Node: {node}\n    roost {plan} {group} {ATTEMPT} {slice_}\n...\n"
    )


def ended(cluster: int, proc: int, code: int = 0) -> str:
    return (
        f"005 ({cluster:03d}.{proc:03d}.000) 2026-11-21 02:50:24 Job terminated.\n"
        f"\t(1) Normal termination (return value {code})\n...\n"
    )


class Folder:
    """A sending's folder on the access point, and the commands that are found there."""

    def __init__(self, root: Path) -> None:
        self.batch = root / "batches" / PLAN
        self.out = root / "attempts" / ATTEMPT / "out"
        self.commands = root / "commands"
        self.segment = root / "segment"
        for each in (self.batch, self.out, self.commands):
            each.mkdir(parents=True)
        self.log = self.batch / "1.dag.nodes.log"
        self.segment.write_text("")
        (self.batch / "1.dag").write_text(
            "CONFIG 1.config\nJOB prepare_0 1.prepare.sub\nJOB analysis_0 1.analysis.sub\n"
            f'VARS prepare_0 attempt="{ATTEMPT}" group="2" rows="1.prepare_0.rows"\n'
            f'VARS analysis_0 attempt="{ATTEMPT}" group="3" rows="1.analysis_0.rows"\n'
        )
        for name in ("prepare", "analysis"):
            (self.batch / f"1.{name}.sub").write_text(f'log = {self.segment}\nMY.RoostPlan = "{PLAN}"\n')
        (self.batch / "1.prepare_0.rows").write_text("0\n")
        (self.batch / "1.analysis_0.rows").write_text("0\n1\n")
        (self.batch / "1.path").write_text(f"{self.commands}:{os.environ['PATH']}\n")
        self.queue([])
        self.history([])

    def command(self, name: str, text: str) -> None:
        path = self.commands / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)

    def queue(self, rows: list[str]) -> None:
        self.command("condor_q", self._answer(rows))

    def history(self, rows: list[str]) -> None:
        self.command("condor_history", self._answer(rows))

    def _answer(self, rows: list[str]) -> str:
        """As much of each row as was asked for."""
        lines = "\n".join([HEADINGS, *rows])
        short = "\n".join(" ".join(line.split()[:2]) for line in [HEADINGS, *rows])
        many, few = (f"cat <<X\n{text}\nX\n" for text in (lines, short))
        return f'case "$*" in *RoostGroup\\ RoostAttempt*) {many};; *) {few};; esac\n'

    def mend(self, mode: str) -> str:
        self._run("sh", str(NODE / "roost_mend.sh"), "1", mode)
        return self.log.read_text()

    def submit(self, node: str, group: int, try_: int = 0) -> subprocess.CompletedProcess[str]:
        step = node.split("_")[0]
        words = [f"JOB={node}", f"RETRY={try_}", f"attempt={ATTEMPT}", f"group={group}", f"1.{step}.sub"]
        return self._run("sh", str(NODE / "roost_submit.sh"), *words, check=False)

    def _run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        path = f"{self.commands}:{os.environ['PATH']}"
        return subprocess.run(
            words,
            cwd=self.batch,
            env={"PATH": path},
            capture_output=True,
            text=True,
            check=check,
            timeout=120,
        )

    def count(self, name: str) -> int:
        told = self.batch / name
        return len(told.read_text().splitlines()) if told.exists() else 0


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def row(cluster: int, proc: int, group: int, node: str, *more: str) -> str:
    return f"{PLAN} {cluster} {proc} {group} {ATTEMPT} {proc} {node.split('_')[0]} {node} {' '.join(more)}"


# --- its log --------------------------------------------------------------------------------------------


def test_a_log_that_has_everything_is_left_as_it_is(folder: Folder) -> None:
    whole = submitted(5, 0, 2, "prepare_0", 0) + ended(5, 0)
    folder.log.write_text(whole)
    folder.segment.write_text(whole)
    assert folder.mend("ended") == whole


def test_events_that_only_our_segment_has_are_added(folder: Folder) -> None:
    begun = submitted(5, 0, 2, "prepare_0", 0)
    folder.log.write_text(begun)
    folder.segment.write_text(begun + ended(5, 0) + submitted(6, 0, 3, "analysis_0", 0))
    folder.queue([row(6, 0, 3, "analysis_0", "1")])
    assert folder.mend("ended") == begun + submitted(6, 0, 3, "analysis_0", 0) + ended(5, 0)


def test_procs_of_other_sendings_are_not_ours(folder: Folder) -> None:
    folder.segment.write_text(
        submitted(5, 0, 2, "prepare_0", 0, plan="f" * 32 + ".0")
        + submitted(6, 0, 9, "prepare_1", 0)
        + ended(5, 0)
    )
    assert folder.mend("ended") == ""


def test_half_an_event_goes_before_dagman_reads_it(folder: Folder) -> None:
    begun = submitted(5, 0, 2, "prepare_0", 0)
    folder.log.write_text(begun + "005 (005.000.000) 2026-11-21 02:5" + begun)
    folder.queue([row(5, 0, 2, "prepare_0", "2")])
    assert folder.mend("ended") == begun


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (("4", "false", "3", "undefined"), "(1) Normal termination (return value 3)"),
        (("4", "true", "undefined", "9"), "(0) Abnormal termination (signal 9)"),
        (("3", "undefined", "undefined", "undefined"), "It was removed."),
    ],
)
def test_what_no_log_has_is_as_the_history_says(folder: Folder, told: tuple[str, ...], says: str) -> None:
    folder.log.write_text(submitted(5, 0, 2, "prepare_0", 0))
    folder.history([row(5, 0, 2, "prepare_0", *told)])
    assert says in folder.mend("ended")


def test_a_submit_that_no_log_has_is_as_the_queue_says(folder: Folder) -> None:
    folder.log.write_text("")
    folder.queue([row(7, proc, 3, "analysis_0", "1") for proc in (0, 1)])
    text = folder.mend("ended")
    assert [line.split()[1] for line in text.splitlines() if line.startswith("000")] == [
        "(007.000.000)",
        "(007.001.000)",
    ]
    assert f"    roost {PLAN} 3 {ATTEMPT} 1\n" in text


def test_where_the_history_is_gone_the_record_that_a_node_left_proves_its_end(folder: Folder) -> None:
    folder.log.write_text(submitted(6, 0, 3, "analysis_0", 0))
    (folder.out / "0.json").write_text('{"well": true, "slices": {}}')
    assert "return value 0" in folder.mend("ended")


def test_what_nobody_knows_anything_of_was_lost(folder: Folder) -> None:
    folder.log.write_text(submitted(6, 0, 3, "analysis_0", 0))
    assert "009 (006.000.000)" in folder.mend("ended")


def test_nothing_was_lost_as_long_as_htcondor_does_not_answer(folder: Folder) -> None:
    begun = submitted(6, 0, 3, "analysis_0", 0)
    folder.log.write_text(begun)
    for silent in ("exit 1\n", "exit 0\n"):
        folder.command("condor_q", silent)
        assert folder.mend("running") == begun
        assert folder.mend("running") == begun


def test_while_dagman_runs_only_what_stays_missing_is_added(folder: Folder) -> None:
    begun = submitted(5, 0, 2, "prepare_0", 0)
    folder.log.write_text(begun)
    folder.segment.write_text(begun + ended(5, 0))
    assert folder.mend("running") == begun
    assert folder.mend("running") == begun + ended(5, 0)
    assert folder.mend("running") == begun + ended(5, 0)


# --- its submits ----------------------------------------------------------------------------------------


def condor_submit(folder: Folder, cluster: int, more: str = "") -> None:
    said = f"echo 'Submitting job(s).'\necho '1 job(s) submitted to cluster {cluster}.'\n"
    folder.command("condor_submit", f'echo "$*" >> submits\n{more or said}')


def test_a_node_is_submitted_once_however_often_dagman_asks(folder: Folder) -> None:
    condor_submit(folder, 5)
    first, second = folder.submit("prepare_0", 2), folder.submit("prepare_0", 2)
    assert "1 job(s) submitted to cluster 5." in first.stdout
    assert second.stdout == first.stdout
    assert folder.count("submits") == 1


def test_another_try_of_a_node_is_submitted(folder: Folder) -> None:
    condor_submit(folder, 5)
    folder.submit("prepare_0", 2, try_=0)
    folder.submit("prepare_0", 2, try_=1)
    assert ["RoostTry=0" in line for line in (folder.batch / "submits").read_text().splitlines()] == [
        True,
        False,
    ]


def test_a_submit_of_which_only_the_answer_was_lost_is_found_in_the_queue(folder: Folder) -> None:
    condor_submit(folder, 5, more="echo 'ERROR: Failed to connect to local queue manager' >&2\nexit 1\n")
    folder.queue([row(8, proc, 3, "analysis_0", "1") for proc in (0, 1)])
    done = folder.submit("analysis_0", 3)
    assert done.returncode == 0
    assert "2 job(s) submitted to cluster 8." in done.stdout


def test_a_submit_that_was_killed_is_looked_for_before_it_is_done_again(folder: Folder) -> None:
    condor_submit(folder, 5)
    (folder.batch / "1.2.0.tried").touch()
    folder.history([row(9, 0, 2, "prepare_0", "4", "false", "0", "undefined")])
    done = folder.submit("prepare_0", 2)
    assert "1 job(s) submitted to cluster 9." in done.stdout
    assert folder.count("submits") == 0
    assert "005 (009.000.000)" in folder.log.read_text()


def test_a_submit_that_htcondor_refused_may_be_tried_again(folder: Folder) -> None:
    condor_submit(folder, 5, more="echo 'ERROR: no such universe' >&2\nexit 1\n")
    done = folder.submit("prepare_0", 2)
    assert done.returncode == 1
    assert "no such universe" in done.stdout
    condor_submit(folder, 6)
    assert "cluster 6." in folder.submit("prepare_0", 2).stdout


# --- DAGMan itself --------------------------------------------------------------------------------------


def start(folder: Folder) -> subprocess.Popen[bytes]:
    wrapper = folder.batch / "roost_dagman.sh"
    for each in NODE.glob("roost_*"):
        shutil.copy(each, folder.batch)
    wrapper.chmod(0o755)
    words = [str(wrapper), "-p", "0", "-Lockfile", "1.dag.lock", "-Dag", "1.dag", "-AutoRescue", "1"]
    return subprocess.Popen(words, cwd=folder.batch, stdout=subprocess.DEVNULL)


def runs(pid: int) -> bool:
    """A process that nobody has waited for has no command any more."""
    path = Path(f"/proc/{pid}/cmdline")
    return path.exists() and bool(path.read_bytes())


def until(path: Path, lines: int = 1) -> None:
    deadline = time.monotonic() + 60
    while not path.exists() or len(path.read_text().splitlines()) < lines:
        assert time.monotonic() < deadline, f"{path} did not come"
        time.sleep(0.02)


def test_it_ends_as_dagman_does(folder: Folder) -> None:
    for code in (0, 1, 2):
        folder.command("condor_dagman", f"exit {code}\n")
        assert start(folder).wait(60) == code


def test_its_removal_reaches_dagman(folder: Folder) -> None:
    folder.command("condor_dagman", "trap 'exit 2' USR1\necho >> started\nwhile :; do sleep 0.1; done\n")
    wrapper = start(folder)
    until(folder.batch / "started")
    wrapper.send_signal(signal.SIGUSR1)
    assert wrapper.wait(60) == 2


def test_a_dagman_that_outlived_its_schedd_is_ended_before_the_next_begins(folder: Folder) -> None:
    folder.command("condor_dagman", "echo $$ >> started\nwhile :; do sleep 0.1; done\n")
    former = start(folder)
    until(folder.batch / "started")
    former.kill()  # as a schedd's death does
    former.wait()
    orphan = int((folder.batch / "started").read_text())
    assert runs(orphan)
    folder.command("condor_dagman", "echo $$ >> started\nexit 0\n")
    assert start(folder).wait(60) == 0
    assert not runs(orphan)


def test_a_dagman_that_gave_up_for_its_logs_sake_goes_on_with_a_mended_one(folder: Folder) -> None:
    begun = submitted(5, 0, 2, "prepare_0", 0)
    folder.log.write_text(begun)
    folder.segment.write_text(begun + ended(5, 0))
    folder.command(
        "condor_dagman",
        "if [ -e gave_up ]; then [ -e 1.dag.lock ] || exit 4; "
        "[ ! -e 1.dag.rescue001 ] || exit 5; exit 0; fi\n"
        "touch gave_up 1.dag.rescue001; rm -f 1.dag.lock\n"
        "echo '11/21/26 02:50:37 DAG status: 1 (DAG_STATUS_ERROR)' >> 1.dag.dagman.out\nexit 1\n",
    )
    assert start(folder).wait(60) == 0
    assert folder.log.read_text() == begun + ended(5, 0)


def test_a_dagman_that_gives_up_for_its_logs_sake_leaves_its_nodes_alone(folder: Folder) -> None:
    folder.command("condor_rm", 'echo "$*" >> removed\n')
    (folder.batch / "1.dag.dagman.out").write_text("ABORT exit value of an earlier start\n")
    folder.command("condor_dagman", "sh ./roost_rm.sh -const 'DAGManJobId==7' -reason so\nexit 2\n")
    assert start(folder).wait(60) == 2
    assert folder.count("removed") == 0
    folder.command("condor_dagman", "sh ./roost_rm.sh 8 -const 'DAGManJobId==7' -reason so\nexit 2\n")
    start(folder).wait(60)
    assert (folder.batch / "removed").read_text() == "8 -const DAGManJobId==7 -reason so\n"


@pytest.mark.parametrize("because", ["removal", "ABORT-DAG-ON"])
def test_all_of_a_dag_is_removed_if_it_is_to_end(folder: Folder, because: str) -> None:
    folder.command("condor_rm", 'echo "$*" >> removed\n')
    remove = "sh ./roost_rm.sh -const 'DAGManJobId==7' -reason so; exit 2"
    if because == "removal":
        command = f'trap "{remove}" USR1\necho >> started\nwhile :; do sleep 0.1; done\n'
    else:
        words = "Aborting DAG because we got the ABORT exit value from a node"
        command = f"echo '{words}' >> 1.dag.dagman.out\necho >> started\n{remove}\n"
    folder.command("condor_dagman", command)
    wrapper = start(folder)
    until(folder.batch / "started")
    if because == "removal":
        wrapper.send_signal(signal.SIGUSR1)
    assert wrapper.wait(60) == 2
    assert folder.count("removed") == 1
