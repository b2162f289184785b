"""A job script's parts as procs of their own: what runs on their nodes, and beside their DAGMan."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from jobs_app.jobdir import facts
from jobs_app.jobdir.layout import ANALYSIS, PREPARE, SYNTHESIS
from jobs_app.pools.condor import eventlog, kit
from jobs_app.states import SliceState

NODE = Path(kit.__file__).parent / "node"
TOKEN = "a" * 32

SCRIPT = """
def prepare():
    open("shared", "w").write("for all")
    return 7

def analysis(sliceno, prepare_res):
    open("who", "w").write(str(sliceno))
    open("part.%d" % sliceno, "w").write(open("shared").read())
    print("slice", sliceno)
    return sliceno * prepare_res

def synthesis(analysis_res):
    return sum(analysis_res)
"""

ASKING = """
from jobs_app.script.subjobs import build

def synthesis(job):
    first = build("egg", size=1)
    return [first.load(), build("egg", size=2).load()]
"""


class Nodes:
    """The folders of an attempt on its access point, and one for each part on its node."""

    def __init__(self, folder: Path, script: str, slices: int = 3) -> None:
        self.folder = folder
        self.home = folder / "attempts" / TOKEN
        for name in ("in", "out"):
            (self.home / name).mkdir(parents=True)
        (folder / "segments").mkdir()
        (folder / "batches" / "b.0").mkdir(parents=True)
        self.slices = slices
        _, members = kit.contents()
        self.kit = {name: data for name, data, _ in members if name not in kit.BESIDE_DAGMAN}
        spec = {
            "attempt": TOKEN, "number": 1, "job": "work-1", "method": "a", "package": "",
            "script": ".roost/source/a.py", "slices": slices,
        }  # fmt: skip
        task = {
            "job": 1, "attempt": TOKEN, "executable": "", "sent": False, "arguments": [],
            "environment": {}, "slices": slices, "cpus": 1, "spec": ".roost/attempts/1/spec.json",
        }  # fmt: skip
        self.bring(".roost/source/a.py", script)
        self.bring(".roost_task.json", json.dumps(task))
        self.bring(".roost/attempts/1/spec.json", json.dumps(spec))
        self.bring("setup.json", "{}")

    def bring(self, name: str, text: str) -> None:
        path = self.home / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(self, step: str, sliceno: int = 0, kind: str = "part") -> int:
        """As HTCondor does it: a fresh folder, the inputs, the program, what it leaves."""
        part = str(sliceno) if step == ANALYSIS else step
        sandbox = self.folder / "sandbox"
        shutil.rmtree(sandbox, ignore_errors=True)
        shutil.copytree(self.home / "in", sandbox)
        for name, data in self.kit.items():
            (sandbox / name).write_bytes(data)
        parts = self.home / step / "roost_parts.tar"
        if parts.exists():
            shutil.copy(parts, sandbox)
        words = [str(sliceno), "part", step] if kind == "part" else ["0", "whole"]
        command = [sys.executable, "-I", "-S", "roost_node.py", *words]
        done = subprocess.run(command, cwd=sandbox, capture_output=True, text=True, timeout=60, check=False)
        for source, end in (("roost_result.tar", "tar"), ("roost_record.json", "json")):
            shutil.copy(sandbox / source, self.home / "out" / f"{part if kind == 'part' else 0}.{end}")
        return done.returncode

    def record(self, part: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.home / "out" / f"{part}.json").read_text())
        return found

    def beside_dagman(self, moment: str, step: str, *rest: str, shared: int = 0) -> int:
        words = [moment, step, TOKEN, "log", str(self.slices + 1), str(shared), *rest]
        command = ["sh", str(NODE / "roost_dag.sh"), *words]
        variables = {**os.environ, "CONDOR_ID": "12.0"}
        folder = self.folder / "batches" / "b.0"
        return subprocess.run(command, cwd=folder, env=variables, timeout=60, check=False).returncode

    def said(self) -> list[tuple[str, str]]:
        log = self.folder / "segments" / "log"
        found, _ = eventlog.scan(log.read_bytes() if log.exists() else b"")
        assert {(each.cluster, each.proc) for each in found} <= {(12, 0)}
        return [eventlog.saying(each) for each in found]

    def run_to_synthesis(self) -> None:
        assert self.beside_dagman("pre", PREPARE) == 0
        assert self.run(PREPARE) == 0
        assert self.beside_dagman("pre", ANALYSIS) == 0
        assert [self.run(ANALYSIS, number) for number in range(self.slices)] == [0] * self.slices
        assert self.beside_dagman("pre", SYNTHESIS) == 0


@pytest.fixture
def nodes(tmp_path: Path) -> Nodes:
    return Nodes(tmp_path, SCRIPT)


def test_each_part_finds_what_earlier_ones_left_and_leaves_only_its_own(nodes: Nodes) -> None:
    nodes.run_to_synthesis()
    with tarfile.open(nodes.home / "out" / "1.tar") as archive:
        left = set(archive.getnames())
    assert left == {"part.1", "who", "OUTPUT/1", ".roost/attempts/1/results/0/1.pickle"}
    assert nodes.run(SYNTHESIS) == 0
    sandbox = nodes.folder / "sandbox"
    assert {(sandbox / "slices" / str(number) / "who").read_text() for number in range(3)} == {"0", "1", "2"}
    listed = json.loads((sandbox / ".roost" / "manifest.json").read_text())["files"]
    assert set(listed) == {"shared", "part.0", "part.1", "part.2", "result.pickle"}


def test_how_a_part_ended_travels_in_its_record(nodes: Nodes, tmp_path: Path) -> None:
    nodes.run_to_synthesis()
    record = nodes.record("2")
    assert (record["well"], record["early"]) == (True, False)
    facts.write_raw(tmp_path / "facts", ANALYSIS, 2, base64.b64decode(record["parts"]["2"]))
    fact = facts.read(tmp_path / "facts", ANALYSIS, 2)
    assert fact is not None
    assert fact.state == SliceState.DONE


def test_what_did_not_arrive_as_it_was_made_stops_the_part(nodes: Nodes) -> None:
    nodes.run_to_synthesis()
    record = nodes.record("1")
    record["files"]["part.1"]["sha256"] = "0" * 64
    (nodes.home / "out" / "1.json").write_text(json.dumps(record))
    assert nodes.beside_dagman("pre", SYNTHESIS) == 0
    assert nodes.run(SYNTHESIS) != 0


def test_synthesis_is_skipped_where_a_part_is_missing_or_failed(nodes: Nodes) -> None:
    nodes.run_to_synthesis()
    (nodes.home / "out" / "1.json").write_text('{"removed": true}')
    assert nodes.beside_dagman("pre", SYNTHESIS) == 2
    assert nodes.said() == []
    assert nodes.beside_dagman("pre", SYNTHESIS, shared=1) == 2
    assert nodes.said() == [("over", f"{TOKEN} well")]


def test_a_part_that_is_held_back_is_asked_for_again_and_said_once(nodes: Nodes) -> None:
    nodes.bring(".roost_stop/held", "Paused by alice.\n")
    assert [nodes.beside_dagman("pre", PREPARE) for _ in range(2)] == [3, 3]
    assert nodes.said() == [("held", f"{TOKEN} Paused by alice.")]
    assert nodes.run(PREPARE) == 76  # it was submitted a moment before


def test_nothing_of_an_attempt_that_was_removed_begins(nodes: Nodes) -> None:
    nodes.bring(".roost_stop/all", "Stopped by alice.\n")
    assert nodes.beside_dagman("pre", ANALYSIS, shared=1) == 1
    assert nodes.said() == [("over", f"{TOKEN} badly")]
    assert nodes.run(PREPARE) == 0
    assert nodes.record(PREPARE)["removed"]


@pytest.mark.parametrize(("step", "code", "said"), [(SYNTHESIS, 0, "well"), (ANALYSIS, 1, "badly")])
def test_the_end_of_a_job_s_part_of_a_dag_is_said(nodes: Nodes, step: str, code: int, said: str) -> None:
    assert nodes.beside_dagman("post", step, str(code), shared=1) == code
    assert nodes.said() == [("over", f"{TOKEN} {said}")]


def test_a_part_that_waits_for_jobs_asks_for_one_after_the_other(tmp_path: Path) -> None:
    nodes = Nodes(tmp_path, ASKING, slices=1)
    for number in range(2):
        assert nodes.run(SYNTHESIS, kind="whole") == 75
        (request,) = nodes.record("0")["requests"]
        assert (request["step"], request["method"], request["keywords"]) == (
            SYNTHESIS,
            "egg",
            {"size": number + 1},
        )
        answer = {"job": f"eggs-{number}", "path": "/elsewhere", "ok": True}
        nodes.bring(f".roost_answers/{request['id']}.json", json.dumps(answer))
        place = nodes.home / "in" / ".roost_jobs" / f"eggs-{number}"
        place.mkdir(parents=True)
        (place / "result.pickle").write_bytes(b"\x80\x04K" + bytes([number]) + b".")
        shutil.copy(nodes.home / "out" / "0.tar", nodes.home / "in" / "roost_kept.tar")
        shutil.copy(nodes.home / "out" / "0.json", nodes.home / "in" / "roost_kept.json")
    assert nodes.run(SYNTHESIS, kind="whole") == 0
    assert nodes.record("0")["well"]
