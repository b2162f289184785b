"""What there is to see of a workflow's nodes: states, edges, and what the last try of each came to."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from jobs_app import inspection
from jobs_app.lifecycle.actors import COURIER
from jobs_app.lifecycle.record import record
from jobs_app.manager import JobManager
from jobs_app.models import CondorWorkflow, Scheduler, Segment
from jobs_app.pools.base import Event, EventKind, Events
from jobs_app.states import SliceState

pytestmark = pytest.mark.django_db

NODES: list[dict[str, Any]] = [
    {"name": "a", "executable": "true"},
    {"name": "b", "executable": "true", "num_jobs": 2, "parents": ["a"]},
    {"name": "c", "executable": "true", "parents": ["b"]},
]


@pytest.fixture
def job(manager: JobManager, alice: User) -> CondorWorkflow:
    job = manager.create_job("flow", alice, job_type="CONDORWORKFLOW", jobs=NODES)
    assert isinstance(job, CondorWorkflow)
    job.save()
    return job


def tell(job: CondorWorkflow, *events: tuple[EventKind, int, dict[str, Any]]) -> None:
    attempt = job.attempts.get()
    segment, _ = Segment.objects.get_or_create(scheduler=Scheduler.objects.first(), name="s")
    made = [Event(kind, attempt.token, 100.0, "run", first, **known) for kind, first, known in events]
    record(segment, Events(tuple(made), segment.offset + 1), COURIER)
    job.refresh_from_db()


def test_before_it_runs_the_nodes_are_seen_as_declared(job: CondorWorkflow) -> None:
    found = inspection.nodes(job)
    assert [(node.name, node.parents, node.first) for node in found] == [
        ("a", [], 0),
        ("b", ["a"], 1),
        ("c", ["b"], 3),
    ]
    assert {node.state for node in found} == {SliceState.WAITING}


def test_each_node_has_its_state_and_its_last_try(job: CondorWorkflow) -> None:
    job.execute()
    tell(
        job,
        (EventKind.STARTED, 0, {"host": "exec1"}),
        (EventKind.ENDED, 0, {"exit_code": 0}),
        (EventKind.STARTED, 1, {"host": "exec2"}),
        (EventKind.ENDED, 1, {"exit_code": 3, "will_retry": True}),
        (EventKind.STARTED, 1, {"host": "exec1", "tries": 2}),
    )
    a, b, c = inspection.nodes(job)
    assert (a.state, a.exit_code, a.host) == (SliceState.DONE, 0, "exec1")
    assert (b.state, b.tries, b.exit_code, b.host) == (SliceState.RUNNING, 2, None, "exec1")
    assert (c.state, c.started) == (SliceState.WAITING, None)
    assert job.cached_status == "Various"


def test_who_waits_for_a_held_node_does_not_hide_that_it_is_held(job: CondorWorkflow) -> None:
    job.execute()
    tell(job, (EventKind.HELD, 0, {"reason": "no room", "code": 34}))
    assert job.cached_status == "Held"
    tell(job, (EventKind.RELEASED, 0, {}))
    assert job.cached_status == "Submitted"


def test_the_command_shows_them(job: CondorWorkflow) -> None:
    out = StringIO()
    call_command("jobs", "show", str(job.pk), "--json", stdout=out)
    assert [node["name"] for node in json.loads(out.getvalue())["nodes"]] == ["a", "b", "c"]
    out = StringIO()
    call_command("jobs", "show", str(job.pk), stdout=out)
    assert "b" in out.getvalue().split()


def test_other_jobs_have_none(manager: JobManager, alice: User) -> None:
    job = manager.create_job("plain", alice, job_type="CONDORJOB", executable="true")
    job.save()
    assert inspection.nodes(job) == []
