"""The key with which a job reports from its node: where it lies, and where it does not."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace

import pytest

from jobs_app import callbacks
from jobs_app.lifecycle import execute
from jobs_app.lifecycle.prepare import prepare
from jobs_app.models import Attempt, Scheduler
from jobs_app.pools.base import Node
from jobs_app.pools.condor import staging


@pytest.fixture
def attempt(new_job, settings):
    settings.ROOST_PUBLIC_URL = "https://roost.example"
    job = new_job()
    job.scheduler = Scheduler.objects.create(name="cluster", kind="condor", host="submit.example")
    job.save()
    execute(job)
    return Attempt.objects.select_related("job__project", "scheduler").get()


def staged(task) -> dict[str, tarfile.TarInfo]:
    data = b"".join(staging.stream("b" * 32, [task], {}, {task.attempt: []}, (), "incoming/x"))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {member.name: member for member in archive}


def test_it_is_in_a_file_for_its_owner_alone_here_and_there(attempt):
    task = prepare(attempt)
    path = attempt.job.paths.attempt(1).report
    known = json.loads(path.read_text())
    assert path.stat().st_mode & 0o777 == 0o600
    assert known["key"] == callbacks.report_key(attempt.job_id, "1.0")
    assert known["url"] == f"https://roost.example/update-job-status/{attempt.job_id}/"
    member = staged(task)[f"incoming/x/attempts/{task.attempt}/in/.roost_report.json"]
    assert member.mode == 0o600


def test_it_is_in_nothing_else_that_the_pool_is_told(attempt):
    task = prepare(attempt)
    key = callbacks.report_key(attempt.job_id, "1.0")
    assert key not in repr(task)
    assert key not in json.dumps(staging.task_file(task))
    assert key not in attempt.job.paths.attempt(1).spec.read_text()


@pytest.mark.parametrize(("name", "value"), [("ROOST_PUBLIC_URL", ""), ("ROOST_NODE_REPORTS", False)])
def test_there_is_none_where_nobody_can_report(attempt, settings, name, value):
    setattr(settings, name, value)
    task = prepare(attempt)
    assert not attempt.job.paths.attempt(1).report.exists()
    assert not any("roost_report" in name for name in staged(task))


@pytest.mark.parametrize(("nodes", "keys"), [(2, 2), (staging.MOST_REPORTING + 1, 0)])
def test_each_node_of_a_small_workflow_has_it(attempt, nodes, keys):
    graph = tuple(Node(f"n{number}", first=number, slices=1) for number in range(nodes))
    names = [name for name in staged(replace(prepare(attempt), nodes=graph)) if name.endswith(staging.REPORT)]
    assert len(names) == keys
    assert all("/in/n" in name for name in names)
