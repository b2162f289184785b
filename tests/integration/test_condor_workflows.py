"""Workflows on a real HTCondor: DAGMan walks the graph, and the log tells what became of each node."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs_app import conf
from jobs_app.errors import JobHeld
from jobs_app.lifecycle.blocks import Block, table_of
from jobs_app.manager import JobManager
from jobs_app.models import CondorWorkflow, Job, Scheduler
from jobs_app.pools.base import Event, EventKind, Hook, Node, Sending, Step, Task
from jobs_app.pools.condor import CondorPool
from jobs_app.pools.condor.opening import AccountAt, open_condor
from jobs_app.sdk.compute import create_scheduler
from jobs_app.states import SliceState
from tests.pool.gate import Gate, gate
from tests.pool.pool import TestPool
from tests.unit.manager.conftest import NewApp, new_app

from .test_condor_outside import couriers, eventually
from .test_condor_steering import until
from .workflows import states

__all__ = ["gate", "new_app"]

pytestmark = [pytest.mark.pool, pytest.mark.django_db(transaction=True)]

SECONDS = 120.0


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


def become(job: CondorWorkflow, **wanted: str) -> None:
    """Waits until these nodes are in these states."""
    end = time.monotonic() + SECONDS
    while not wanted.items() <= states(job).items():
        assert time.monotonic() < end, states(job)
        assert not job.wait(timeout=1), states(job)


def test_nodes_are_seen_running_while_they_run(flow: NewFlow, real: Scheduler, gate: Gate) -> None:
    """By a courier that learns of them from the pool alone, since another connection of it sent them."""
    job = flow(
        {
            "begin": {"executable": "true"},
            "work": {"executable": gate.wait, "parents": ["begin"], "num_jobs": 2},
            "end": {"executable": "true", "parents": ["work"]},
        }
    )
    job.execute()
    with couriers(real, 1):
        eventually(lambda: Job.objects.get(pk=job.pk).slices_running == 2)
        assert states(job) == {"begin": "DONE", "work": "RUNNING", "end": "WAITING"}
        assert Job.objects.get(pk=job.pk).start_time
        row = job.attempts.get().nodes.get(name="work")
        assert (row.started is not None, row.ended, row.tries) == (True, None, 1)
        gate.open()
        assert job.wait(timeout=SECONDS)
    assert job.cached_status == "Complete"
    assert all(row.started and row.ended for row in job.attempts.get().nodes.all())


def test_what_fails_keeps_its_descendants_from_running_and_the_rest_ends(flow: NewFlow) -> None:
    """A root that fails, two nodes with one command, a throttle, a final node that runs all the same; then
    only what did not end well runs again, with the results of the others at hand."""
    job = flow(
        {
            "good": {"executable": "echo 1 > out; sleep 1", "category": "few"},
            "bad": {"executable": "[ -e mended ] || exit 3; echo mended", "category": "few"},
            "after": {
                "executable": "cat out",
                "parents": ["good", "bad"],
                "remote_input_files": ["good:out"],
            },
            "twin": {"executable": "echo 1 > out; sleep 1", "parents": ["good"], "category": "few"},
            "last": {"executable": "echo over", "final": True},
        },
        max_jobs={"few": 1},
    )
    run(job)
    assert job.cached_status == "Various-Complete"
    assert job.status_message.startswith("Node bad failed: it ended with exit code 3.")
    assert states(job) == {
        "good": "DONE",
        "bad": "FAILED",
        "twin": "DONE",
        "after": "SKIPPED",
        "last": "DONE",
    }
    rows = {row.name: row for row in job.attempts.get().nodes.all()}
    assert rows["bad"].exit_code == 3
    assert rows["good"].host
    assert rows["good"].tries == rows["twin"].tries == 1
    assert rows["twin"].ended is not None
    assert rows["twin"].started is not None
    assert rows["bad"].parents == []
    assert (job.directory / "nodes" / "twin" / "out").read_text() == "1\n"


def test_a_slice_that_ends_well_after_another_failed_keeps_no_workflow_from_its_end(
    flow: NewFlow, condor_pool: TestPool, gate: Gate
) -> None:
    """DAGMan hears of both at once, and has no time to remove the one for the other."""
    job = flow(
        {
            "uneven": {"executable": f"{gate.wait}; [ $ROOST_SLICE = 1 ] || exit 3; sleep 2", "num_jobs": 2},
            "after": {"executable": "true", "parents": ["uneven"]},
        }
    )
    job.execute()
    until(job, lambda: Job.objects.get(pk=job.pk).slices_running == 2)
    condor_pool.run("pkill", "-STOP", "-x", "condor_dagman", user="root")
    gate.open()
    until(job, lambda: Job.objects.get(pk=job.pk).slices_running == 0)
    condor_pool.run("pkill", "-CONT", "-x", "condor_dagman", user="root")
    assert job.wait(timeout=SECONDS)
    assert states(job) == {"uneven": "DONE+FAILED", "after": "SKIPPED"}
    assert job.cached_status == "Various-Complete"
    assert job.status_message == "Node uneven failed in its slice 0: it ended with exit code 3."


def test_scripts_and_further_tries_of_a_node_are_told_apart(flow: NewFlow) -> None:
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
            "needless": {"executable": "echo never", "pre_script": "exit 9", "pre_skip": 9},
            "rescued": {"executable": "exit 1", "post_script": "exit 0"},
            "nothing": {"noop": True},
            "flaky": {"executable": "exit 1", "retry": 1},
            "hopeless": {"executable": "exit 7", "retry": 5, "retry_unless_exit_value": 7},
            "after": {"executable": "true", "parents": ["made", "needless", "rescued", "nothing"]},
            "orphan": {"executable": "true", "parents": ["unready"]},
        }
    )
    run(job)
    assert states(job) == {
        "made": "DONE",
        "unready": "FAILED",
        "untidy": "FAILED",
        "needless": "SKIPPED",
        "rescued": "DONE",
        "nothing": "DONE",
        "flaky": "FAILED",
        "hopeless": "FAILED",
        "after": "DONE",
        "orphan": "SKIPPED",
    }
    output = job.directory / "OUTPUT"
    assert (job.directory / "nodes" / "made" / "copy").read_text() == "made by it's; me for made\n"
    assert (output / "made.post").read_text() == "made by it's; me for made\n"
    assert (output / "unready.pre").read_text() == "no input\n"
    rows = {row.name: row for row in job.attempts.get().nodes.all()}
    assert rows["unready"].reason == "Its pre script ended with exit code 4: no input"
    assert rows["untidy"].reason == "Its post script ended with exit code 5: not good enough"
    words = "Node unready failed: its pre script ended with exit code 4: no input (3 more nodes failed.)"
    assert job.status_message == words
    tries = {name: (row.tries, row.exit_code) for name, row in rows.items()}
    assert (tries["flaky"], tries["hopeless"], tries["rescued"]) == ((2, 1), (1, 7), (1, 0))


def test_a_node_may_end_the_workflow(flow: NewFlow) -> None:
    job = flow(
        {
            "found": {"executable": "exit 77", "abort_dag_on": 77, "abort_dag_on_return_value": 0},
            "search": {"executable": "sleep 50"},
            "later": {"executable": "true", "parents": ["search"]},
        }
    )
    run(job)
    assert states(job) == {"found": "DONE", "search": "SKIPPED", "later": "SKIPPED"}
    assert job.cached_status == "Complete"


def test_only_what_did_not_end_well_runs_again_and_finds_what_the_others_left(
    flow: NewFlow, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    gate.write_text("shut")
    job = flow(
        {
            "kept": {"executable": "date +%s.%N > at; echo 7 > number"},
            "mended": {
                "executable": '[ "$(cat gate)" = open ] || exit 3; cat number',
                "parents": ["kept"],
                "remote_input_files": ["kept:number", str(gate)],
            },
            "later": {"executable": "true", "parents": ["mended"]},
            "last": {"executable": "true", "final": True},
        }
    )
    run(job)
    assert states(job) == {"kept": "DONE", "mended": "FAILED", "later": "SKIPPED", "last": "DONE"}
    kept_at = (job.directory / "nodes" / "kept" / "at").read_text()
    gate.write_text("open")
    job.rerun_failed()
    assert job.wait(timeout=SECONDS)
    assert job.cached_status == "Complete"
    assert set(states(job).values()) == {"DONE"}
    assert (job.directory / "nodes" / "kept" / "at").read_text() == kept_at
    assert (job.directory / "OUTPUT" / "1").read_text() == "7\n"


def test_a_stopped_workflow_leaves_nothing_there(flow: NewFlow, condor_pool: TestPool) -> None:
    job = flow(
        {"long": {"executable": "sleep 100"}, "later": {"executable": "true", "parents": ["long"]}},
    )
    job.execute()
    become(job, long="RUNNING")
    job.stop()
    assert job.wait(timeout=SECONDS)
    assert job.cached_status == "Aborted"
    assert states(job)["long"] == "REMOVED"
    token = job.attempts.get().token
    wanted = ("-constraint", f'RoostAttempt == "{token}"')
    assert condor_pool.run("condor_q", "-allusers", *wanted, "-af", "ClusterId") == ""


def test_a_stopped_node_takes_its_descendants_along(flow: NewFlow) -> None:
    job = flow(
        {
            "long": {"executable": "sleep 100"},
            "after": {"executable": "true", "parents": ["long"]},
            "other": {"executable": "true"},
        }
    )
    job.execute()
    become(job, long="RUNNING", other="DONE")
    job.stop(slices=job.slices_of("long"))
    assert job.wait(timeout=SECONDS)
    assert states(job) == {"long": "REMOVED", "other": "DONE", "after": "SKIPPED"}
    assert job.cached_status == "Various-Complete"


def test_a_paused_workflow_goes_on_when_it_is_resumed(flow: NewFlow, gate: Gate) -> None:
    job = flow(
        {
            "first": {"executable": gate.wait},
            "second": {"executable": "echo over", "parents": ["first"]},
        }
    )
    job.execute()
    become(job, first="RUNNING")
    job.pause()
    with pytest.raises(JobHeld):
        job.wait(timeout=SECONDS)
    assert job.cached_status == "Paused"
    job.resume()
    gate.open()
    assert job.wait(timeout=SECONDS)
    assert job.cached_status == "Complete"


def test_dagman_reads_variables_as_they_were_and_keeps_throttles(
    flow: NewFlow, condor_pool: TestPool, tmp_path: Path, settings: Any
) -> None:
    """`description` is the one text that HTCondor keeps as it stands, so it shows what DAGMan made of it."""
    settings.BASE_DIR = tmp_path
    (tmp_path / "condor_templates").mkdir()
    (tmp_path / "condor_templates" / "labelled.sub").write_text("description = $(user_label)\n")
    label = "a \"b\" \\ $HOME $(slice) $ENV(PATH) 'q'; %s #"
    node = {"executable": "sleep 1", "category": "alone", "condor_template": "labelled"}
    names = ("one", "two")
    job = flow(
        {name: {**node, "variables": {"label": label}} for name in names},
        max_jobs={"alone": 1},
    )
    run(job)
    assert job.cached_status == "Complete"
    constraint = f'RoostAttempt == "{job.attempts.get().token}" && RoostGroup == 1'
    found = condor_pool.run("condor_history", "-constraint", constraint, "-af", "JobDescription")
    assert found == f"{label}\n"
    rows = job.attempts.get().nodes.order_by("started")
    assert all(
        one.ended and then.started and one.ended <= then.started for one, then in itertools.pairwise(rows)
    )


def test_another_courier_goes_on_where_the_first_one_was_killed(
    condor_pool: TestPool, tmp_path: Path
) -> None:
    nodes = (
        _node("begin", 0),
        _node("tried", 1, 2, executable="false", parents=("begin",), retries=1),
        _node("after", 3, parents=("tried",)),
        _node("beside", 4, parents=("begin",), post=Hook("/bin/true")),
    )
    task = Task(secrets.token_hex(16), 1, 1, str(tmp_path), (Step("run", 5),), nodes=nodes)
    segment, offset = secrets.token_hex(6), 0
    events: list[Event] = []
    pool = _open(condor_pool)
    pool.send(Sending(secrets.token_hex(16), segment, (task,)))
    ends = time.monotonic() + SECONDS
    while not any(event.kind == EventKind.FINISHED for event in events):
        assert time.monotonic() < ends
        read = pool.follow(segment, offset, 1.0)
        events += read.events
        offset = read.offset
        if read.events:
            pool.close()  # whatever it knew is gone
            pool = _open(condor_pool)
    pool.forget([task.attempt])
    pool.close()
    block = Block(0, "run", 0, bytes(5))
    for event in events:
        if (table := table_of(event)) is not None:
            block.apply(table, event.slice, event.slice + event.count)
    states = [SliceState(state) for state in block.states]
    assert states[0] == states[4] == SliceState.DONE
    assert states[3] == SliceState.SKIPPED
    assert SliceState.FAILED in states[1:3]
    assert set(states[1:3]) <= {SliceState.FAILED, SliceState.REMOVED}


def _node(name: str, first: int, slices: int = 1, executable: str = "true", **known: Any) -> Node:
    return Node(name, first, slices, executable=executable, folder=name, **known)


def _open(pool: TestPool) -> CondorPool:
    account = AccountAt(pool.host, pool.user, pool.port, str(pool.key), pool.host_key)
    return open_condor(account, "roost", conf.submit_folders())
