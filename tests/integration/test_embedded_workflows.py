"""Workflows on the pool of this machine: the same declarations, the same ends as on HTCondor."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs_app.models import CondorWorkflow, Job
from jobs_app.pools.embedded.client import EmbeddedPool
from tests.embedded import end_all, wait_for
from tests.lab import Lab, lab

from .workflows import states

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 60.0


@pytest.fixture
def app(tmp_path: Path, settings: Any) -> Iterator[Lab]:
    settings.ROOST_HOME = tmp_path / "home"
    settings.ROOST_SLOTS = 2
    with lab(tmp_path / "apps") as made:
        yield made
    end_all(tmp_path, EmbeddedPool(settings.ROOST_HOME / "pool"))


NewFlow = Callable[..., CondorWorkflow]


@pytest.fixture
def flow(app: Lab, tmp_path: Path) -> NewFlow:
    def script(text: str) -> str:
        path = tmp_path / f"script-{len(list(tmp_path.iterdir()))}"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return str(path)

    def new(nodes: dict[str, dict[str, Any]], **parameters: Any) -> CondorWorkflow:
        scripts = ("executable", "pre_script", "post_script")
        told = [
            {"name": name, **{key: script(value) if key in scripts else value for key, value in said.items()}}
            for name, said in nodes.items()
        ]
        job = app.jobs.create_job("flow", None, job_type="CONDORWORKFLOW", jobs=told, **parameters)
        assert isinstance(job, CondorWorkflow)
        return job

    return new


def run(job: Job) -> Job:
    job.execute()
    assert job.wait(timeout=SECONDS)
    return job


def test_a_diamond_runs_in_order_and_nodes_find_what_their_parents_left(flow: NewFlow) -> None:
    job = flow(
        {
            "begin": {"executable": "echo 5 > number"},
            "left": {
                "executable": 'echo "$1 $ROOST_NODE $(cat number)" > sum',
                "parents": ["begin"],
                "remote_input_files": ["begin:number"],
                "arguments": ["it's $(label)"],
                "variables": {"label": 'a "b" \\ $HOME $(x); rm *'},
            },
            "right": {
                "executable": "echo $ROOST_SLICE/$ROOST_SLICES > part.$ROOST_SLICE",
                "parents": ["begin"],
                "num_jobs": 2,
            },
            "end": {
                "executable": "cat sum part.*",
                "parents": ["left", "right"],
                "remote_input_files": ["left:sum", "right:part.*"],
            },
        }
    )
    run(job)
    assert (job.cached_status, job.status_message) == ("Complete", "")
    assert set(states(job).values()) == {"DONE"}
    printed = (job.directory / "OUTPUT" / "4").read_text()
    assert printed == 'it\'s a "b" \\ $HOME $(x); rm * left 5\n0/2\n1/2\n'


def test_every_way_in_which_a_node_may_end(flow: NewFlow) -> None:
    job = flow(
        {
            "made": {
                "executable": "cat made.txt > copy",
                "pre_script": 'echo "made by $1 for $ROOST_NODE" > made.txt',
                "pre_script_args": ["it's; me"],
                "post_script": "cat copy; [ $1 = 0 ]",
                "post_script_args": ["$RETURN"],
            },
            "unready": {"executable": "echo never", "pre_script": "echo no input; exit 4"},
            "untidy": {"executable": "echo fine", "post_script": "echo not good enough >&2; exit 5"},
            "needless": {"executable": "exit 1", "pre_script": "exit 9", "pre_skip": 9},
            "rescued": {"executable": "exit 1", "post_script": "exit 0"},
            "nothing": {"noop": True},
            "flaky": {"executable": "echo x >> tries; [ $(wc -l < tries) = 2 ]", "retry": 1},
            "hopeless": {"executable": "exit 7", "retry": 5, "retry_unless_exit_value": 7},
            "after": {"executable": "true", "parents": ["made", "needless", "rescued", "nothing", "flaky"]},
            "orphan": {"executable": "true", "parents": ["unready"]},
            "last": {"executable": "true", "final": True},
        }
    )
    run(job)
    assert states(job) == {
        "made": "DONE",
        "unready": "FAILED",
        "untidy": "FAILED",
        "needless": "DONE",
        "rescued": "DONE",
        "nothing": "DONE",
        "flaky": "DONE",
        "hopeless": "FAILED",
        "after": "DONE",
        "orphan": "SKIPPED",
        "last": "DONE",
    }
    assert job.cached_status == "Various-Complete"
    words = "Node unready failed: its pre script ended with exit code 4: no input (2 more nodes failed.)"
    assert job.status_message == words
    output = job.directory / "OUTPUT"
    assert (output / "made.post").read_text() == "made by it's; me for made\n"
    assert (output / "unready.pre").read_text() == "no input\n"
    rows = {row.name: row for row in job.attempts.get().nodes.all()}
    assert rows["untidy"].reason == "Its post script ended with exit code 5: not good enough"
    assert (rows["flaky"].tries, rows["hopeless"].tries, rows["hopeless"].exit_code) == (2, 1, 7)
    assert rows["orphan"].reason == "Node unready did not end well."


def test_a_node_may_end_the_workflow(flow: NewFlow) -> None:
    job = flow(
        {
            "search": {"executable": "sleep 50"},
            "found": {"executable": "exit 77", "abort_dag_on": 77, "abort_dag_on_return_value": 0},
            "later": {"executable": "true", "parents": ["search"]},
            "last": {"executable": "echo over", "final": True},
        }
    )
    run(job)
    assert states(job) == {"search": "SKIPPED", "found": "DONE", "later": "SKIPPED", "last": "DONE"}
    assert job.cached_status == "Complete"


def test_of_a_throttled_category_only_so_many_run_at_once(flow: NewFlow, tmp_path: Path) -> None:
    place = tmp_path / "place"
    one = {"executable": f"mkdir {place} && sleep 0.2 && rmdir {place}", "category": "alone"}
    job = flow({name: dict(one) for name in ("a", "b", "c")}, max_jobs={"alone": 1})
    run(job)
    assert job.cached_status == "Complete"


def test_only_what_did_not_end_well_runs_again(flow: NewFlow, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    job = flow(
        {
            "kept": {"executable": "date +%s.%N > at; echo 7 > number"},
            "mended": {
                "executable": f"[ -e {gate} ] || exit 3; cat number",
                "parents": ["kept"],
                "remote_input_files": ["kept:number"],
            },
            "later": {"executable": "true", "parents": ["mended"]},
        }
    )
    run(job)
    assert states(job) == {"kept": "DONE", "mended": "FAILED", "later": "SKIPPED"}
    kept_at = (job.directory / "nodes" / "kept" / "at").read_text()
    gate.touch()
    job.rerun_failed()
    assert job.wait(timeout=SECONDS)
    assert (job.cached_status, set(states(job).values())) == ("Complete", {"DONE"})
    assert (job.directory / "nodes" / "kept" / "at").read_text() == kept_at
    assert (job.directory / "OUTPUT" / "1").read_text() == "7\n"
    job.resubmit()
    assert job.wait(timeout=SECONDS)
    assert job.cached_status == "Complete"
    assert (job.directory / "nodes" / "kept" / "at").read_text() != kept_at


def test_a_stopped_node_takes_its_descendants_along(flow: NewFlow) -> None:
    job = flow(
        {
            "long": {"executable": "sleep 60"},
            "after": {"executable": "true", "parents": ["long"]},
            "other": {"executable": "true"},
        }
    )
    job.execute()
    wait_for(lambda: (job.wait(timeout=0.1), states(job)["long"] == "RUNNING")[1])
    job.stop(slices=job.slices_of("long"))
    assert job.wait(timeout=SECONDS)
    assert states(job) == {"long": "REMOVED", "after": "SKIPPED", "other": "DONE"}
    assert job.cached_status == "Various-Complete"


def test_what_this_machine_cannot_do_is_refused_in_a_sentence(flow: NewFlow) -> None:
    job = flow({"many": {"executable": "true", "num_jobs": 2, "pre_script": "true"}})
    run(job)
    assert job.cached_status == "Error"
    assert "Give it one slice, or the job an HTCondor scheduler." in job.status_message


def test_htcondors_library_leaves_no_trace_in_the_environment() -> None:
    """Imported, it sets CONDOR_CONFIG, which every command started from here would inherit."""
    text = """
import os
from jobs_app.pools.base import Node, Step, Task
from jobs_app.pools.condor import workflow
os.environ.pop("CONDOR_CONFIG", None)
task = Task("a" * 32, 1, 1, "/job", (Step("run", 1),), nodes=(Node("one", 0),))
print(workflow.text_of(task, "/folder", 0), os.environ.get("CONDOR_CONFIG"))
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout == "JOB one /folder/0.one.sub\n None\n"
