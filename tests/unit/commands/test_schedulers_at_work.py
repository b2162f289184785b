"""drain, resume, limit, health."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User

from jobs_app.lifecycle import pausing
from jobs_app.lifecycle.actors import PROGRAM
from jobs_app.models import Scheduler

from .conftest import manage


@pytest.fixture
def ncar(db: None) -> Scheduler:
    return Scheduler.objects.create(name="ncar")


def test_drain_says_who_and_why(ncar: Scheduler) -> None:
    said = manage("schedulers", "drain", "ncar", "--why", "new disks")
    assert said.out == "Nothing more is sent to ncar. What runs there goes on.\n"
    ncar.refresh_from_db()
    assert (ncar.draining, ncar.draining_why) == (True, "new disks (alice)")


def test_what_waits_may_be_moved(ncar: Scheduler) -> None:
    Scheduler.objects.create(name="other")
    said = manage("schedulers", "drain", "ncar", "--move-to", "other")
    assert "0 jobs that waited for it wait for other now." in said.out


def test_nothing_is_drained_where_the_target_is_wrong(ncar: Scheduler) -> None:
    assert manage("schedulers", "drain", "ncar", "--move-to", "ncar").code == 2
    assert manage("schedulers", "drain", "nowhere").code == 2
    ncar.refresh_from_db()
    assert not ncar.draining


def test_resume_says_what_it_ended(ncar: Scheduler) -> None:
    pausing.drain(ncar, PROGRAM, "new disks")
    said = manage("schedulers", "resume", "ncar")
    assert said.out.startswith("ncar goes on.\nncar was being drained since ")
    assert said.out.endswith("new disks (program).\n"), said
    assert manage("schedulers", "resume", "ncar").out == "ncar was neither drained nor paused.\n"


def test_limits_are_set_and_shown(ncar: Scheduler, bob: User) -> None:
    manage("schedulers", "limit", "ncar", "--slices", "1000", "--slices-each", "200", "--jobs-each", "50")
    said = manage("schedulers", "limit", "ncar", "--user", "bob", "--slices", "600")
    assert said.out.splitlines() == [
        "All together may have 1000 slices on ncar.",
        "Each user may have 200 slices and 50 jobs on ncar.",
        "bob may have 600 slices on ncar.",
    ]
    said = manage("schedulers", "limit", "ncar", "--slices", "none")
    assert said.out.startswith("All together may have as much as it takes on ncar.\n")


@pytest.mark.parametrize("wrong", ["-5", "many", "1.5", "²"])
def test_a_limit_is_a_number(ncar: Scheduler, wrong: str) -> None:
    said = manage("schedulers", "limit", "ncar", f"--slices={wrong}")
    assert said.code == 2
    assert "is no limit" in said.err


def test_health_is_told_to_people_and_to_programs(ncar: Scheduler) -> None:
    said = manage("schedulers", "health", "ncar")
    assert said.code == 0
    assert said.out.splitlines()[0] == "ncar: well"
    pausing.drain(ncar, PROGRAM)
    said = manage("schedulers", "health", "--json")
    assert said.code == 1
    (known,) = json.loads(said.out)
    assert (known["name"], known["sends"], known["courier"]["alive"]) == ("ncar", False, False)
