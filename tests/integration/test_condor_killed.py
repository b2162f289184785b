"""A whole Roost killed while a workflow and a script's DAG run on a real pool, whose schedd dies as well."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import Machine, machine, port, until
from tests.acceptance.test_serve import Server
from tests.pool.gate import Gate, gate
from tests.pool.pool import TestPool

__all__ = ["gate", "machine", "port"]

pytestmark = pytest.mark.pool

SECONDS = 180.0

APP = """
from jobs_app.sdk.base import AppBase
from jobs_app.sdk.jobs import CondorWorkflowTemplate, ScriptJobTemplate


def node(name, text, **known):
    return {"name": name, "executable": "/bin/sh", "arguments": ["-c", text], **known}


class App(AppBase):
    name = "Flows"

    def job_templates(self):
        nodes = [
            node("begin", "echo begun >> begun"),
            node("work", "WAIT; echo worked > worked.$ROOST_SLICE", parents=["begin"], num_jobs=2),
            node("end", "echo ended > ended", parents=["work"]),
        ]
        return [
            CondorWorkflowTemplate("flow", jobs=nodes),
            ScriptJobTemplate("slow", parameters={"method": "slow", "slices": 3}),
        ]
"""

SLOW = """
import os, time


def prepare():
    return 7


def analysis(sliceno, prepare_res):
    while sliceno and not os.path.exists("GATE"):
        time.sleep(0.2)
    return sliceno + prepare_res


def synthesis(analysis_res):
    return sum(analysis_res)
"""


@pytest.fixture
def roost(machine: Machine, condor_pool: TestPool, gate: Gate, tmp_path: Path) -> Machine:
    """A machine that knows the pool and has an app of its own."""
    app = tmp_path / "shelf" / "flows"
    (app / "job_scripts").mkdir(parents=True)
    (app / "__init__.py").write_text("")
    (app / "app.py").write_text(APP.replace("WAIT", gate.wait))
    (app / "job_scripts" / "a_slow.py").write_text(SLOW.replace("GATE", gate.path))
    machine.extra |= {
        "PYTHONPATH": str(app.parent),
        "ROOST_APPS": "flows",
        "ROOST_ONE_PROC_SLICES": "0",
    }
    access = ["--host", condor_pool.host, "--user", condor_pool.user, "--key", str(condor_pool.key)]
    added = machine.manage("schedulers", "add", "real", *access, "--accept-host-key", "--no-check")
    assert added.returncode == 0, added.stderr
    return machine


@contextmanager
def running(roost: Machine, port: int) -> Iterator[None]:
    """Until it is killed."""
    server = Server(roost, port)
    try:
        yield
    finally:
        server.process.kill()
        server.process.communicate()


def started(roost: Machine, what: str) -> int:
    return int(roost.json("jobs", "run", what, "scheduler=real")["id"])


def shown(roost: Machine, job: int) -> Any:
    return roost.json("jobs", "show", str(job))


def nodes(roost: Machine, job: int) -> dict[str, str]:
    return {node["name"]: node["state"] for node in shown(roost, job)["nodes"]}


def eventually(condition: Callable[[], bool]) -> None:
    until(condition, SECONDS)


def constraint(roost: Machine, job: int) -> str:
    with closing(sqlite3.connect(roost.path / "roost.sqlite3")) as rows:
        ((token,),) = rows.execute("SELECT token FROM jobs_app_attempt WHERE job_id = ?", [job]).fetchall()
    return f'RoostAttempt == "{token}" && JobUniverse != 7'


def procs(roost: Machine, pool: TestPool, job: int) -> dict[str, int]:
    """How many procs there ever were of each slice of a node or a part; DAGMan itself is left out."""
    asked = ("-constraint", constraint(roost, job), "-af", "RoostStep", "RoostSlice")
    return Counter((pool.run("condor_q", *asked) + pool.run("condor_history", *asked)).splitlines())


def test_roost_and_the_schedd_are_killed_inside_a_workflow_and_a_dag_and_nothing_runs_twice(
    roost: Machine, condor_pool: TestPool, port: int, gate: Gate
) -> None:
    """What runs ends, and a slice is removed by others, while neither of them is there."""
    with running(roost, port):
        jobs = [started(roost, what) for what in ("flow", "flow", "slow")]
        flow, robbed, script = jobs
        eventually(lambda: all(shown(roost, job)["slices"]["running"] == 2 for job in jobs))
        for job in (flow, robbed):
            assert nodes(roost, job) == {"begin": "Done", "work": "Running", "end": "Waiting"}

    work = f"{constraint(roost, robbed)} && RoostSlice == 1"
    condor_pool.run("condor_rm", "-reason", "no room", "-constraint", work)
    condor_pool.run("pkill", "-KILL", "-x", "condor_schedd", user="root")
    gate.open()

    with running(roost, port):
        eventually(lambda: all(shown(roost, job)["ended"] for job in jobs))
    ended = [shown(roost, job)["state"] for job in jobs]
    assert ended == ["Complete", "Various-Complete", "Complete"], shown(roost, robbed)
    assert nodes(roost, flow) == dict.fromkeys(("begin", "work", "end"), "Done")
    assert nodes(roost, robbed) == {"begin": "Done", "work": "Removed", "end": "Skipped"}
    once = dict.fromkeys(("run 0", "run 1", "run 2", "run 3"), 1)
    assert procs(roost, condor_pool, flow) == once
    assert procs(roost, condor_pool, robbed) == {name: 1 for name in once if name != "run 3"}
    parts = ("prepare 0", *(f"analysis {number}" for number in range(3)), "synthesis 0")
    assert procs(roost, condor_pool, script) == dict.fromkeys(parts, 1)
    assert roost.manage("jobs", "cat", str(flow), "nodes/begin/begun").stdout == "begun\n"
