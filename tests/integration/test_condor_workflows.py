"""Workflows on a real HTCondor: DAGMan walks the graph, and the log tells what became of each node."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs_app.manager import JobManager
from jobs_app.models import CondorWorkflow, Job, Scheduler
from jobs_app.sdk.compute import create_scheduler
from jobs_app.states import SliceState
from tests.pool.pool import TestPool
from tests.unit.manager.conftest import NewApp, new_app

__all__ = ["new_app"]

pytestmark = [pytest.mark.pool, pytest.mark.django_db(transaction=True)]

SECONDS = 45.0


@pytest.fixture
def real(condor_pool: TestPool, db: None) -> Scheduler:
    scheduler = create_scheduler(
        "real",
        host=condor_pool.host,
        username=condor_pool.user,
        private_key_path=str(condor_pool.key),
        host_key=condor_pool.host_key,
    )
    scheduler.save()
    return scheduler


@pytest.fixture
def manager(new_app: NewApp) -> JobManager:
    return new_app().get_job_manager()


NewFlow = Callable[..., CondorWorkflow]


@pytest.fixture
def flow(manager: JobManager, real: Scheduler, alice: User, tmp_path: Path) -> NewFlow:
    """`nodes`: by name, with a shell script instead of an executable; so `pre_script` and `post_script`."""

    def script(text: str) -> str:
        path = tmp_path / f"script-{len(list(tmp_path.iterdir()))}"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return str(path)

    def new(nodes: dict[str, dict[str, Any]], **parameters: Any) -> CondorWorkflow:
        told = []
        for name, said in nodes.items():
            given = dict(said)
            for key in ("executable", "pre_script", "post_script"):
                if key in given:
                    given[key] = script(given[key])
            told.append({"name": name, **given})
        job = manager.create_job(
            "flow", alice, job_type="CONDORWORKFLOW", jobs=told, scheduler=real, **parameters
        )
        assert isinstance(job, CondorWorkflow)
        return job

    return new


def states(job: Job) -> dict[str, str]:
    """Of each node: its slices' states."""
    known = job.slice_states("run", 0, job.slices_total)
    rows = job.attempts.get(number=job.number_of_attempts).nodes.order_by("position")
    return {
        row.name: "+".join(sorted({SliceState(s).name for s in known[row.first : row.first + row.slices]}))
        for row in rows
    }


def run(job: Job) -> Job:
    job.execute()
    assert job.wait(timeout=SECONDS)
    return job


def test_a_diamond_runs_in_order_and_nodes_find_what_their_parents_left(flow: NewFlow) -> None:
    job = flow(
        {
            "begin": {"executable": "echo 5 > number"},
            "left": {
                "executable": 'echo "$1 $ROOST_NODE $(cat number)" > sum; date +%s.%N > at',
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
                "executable": "cat sum part.*; ls",
                "parents": ["left", "right"],
                "remote_input_files": ["left:sum", "right:part.*"],
            },
        }
    )
    run(job)
    assert (job.cached_status, job.status_message) == ("Complete", "")
    assert set(states(job).values()) == {"DONE"}
    nodes = job.directory / "nodes"
    assert (nodes / "left" / "sum").read_text() == 'it\'s a "b" \\ $HOME $(x); rm * left 5\n'
    assert sorted(path.name for path in (nodes / "right").iterdir()) == ["part.0", "part.1"]
    printed = (job.directory / "OUTPUT" / "4").read_text()
    assert printed.startswith('it\'s a "b" \\ $HOME $(x); rm * left 5\n0/2\n1/2\n')
