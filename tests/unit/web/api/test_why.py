"""What is said beside a job's state, and what helps: as data that the actions take."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs_app.compute import embedded
from jobs_app.models import Attempt, AttemptPhase, Job, JobShare, Scheduler, SliceBlock
from jobs_app.web import cures
from jobs_app.web.api.why import _ACTIONS

TOO_MUCH = "Job has gone over memory limit of 100 megabytes (hold code 34.0)"
TOO_LARGE = "No machine has 64 GB of memory; the largest has 2 GB."


@pytest.fixture
def on_pool(make_job):
    """A job of the embedded pool with slices in these states."""

    def make(states: bytes = bytes(2), status: str = "SUB", **of_attempt) -> Job:
        job = make_job(
            _status=status,
            number_of_attempts=1,
            type="CONDORJOB",
            slices_total=len(states),
            slices_held=states.count(4),
            parameters={"memory": 100},
        )
        attempt = Attempt.objects.create(
            job=job, number=1, token="t", phase=AttemptPhase.SENT, scheduler=embedded(), **of_attempt
        )
        SliceBlock.objects.create(attempt=attempt, step="run", first=0, states=states, held=states.count(4))
        return job

    return make


def told(client, job):
    answer = client.call("GET", f"/jobs/{job.pk}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_job_that_is_as_it_should_be_has_neither(api_of, alice, make_job):
    said = told(api_of(alice), make_job(_status="RUN"))
    assert (said["badges"], said["why"]) == ([], None)


def test_what_is_said_beside_the_state_comes_with_since_when_it_is_so(api_of, alice, on_pool):
    since = timezone.now() - timedelta(hours=2)
    job = on_pool(unknown_since=since)
    (badge,) = told(api_of(alice), job)["badges"]
    assert badge["kind"] == "unknown"
    assert f"since {since:%Y-%m-%d %H:%M:%S} UTC" in badge["text"]
    assert badge["since"].startswith(f"{since:%Y-%m-%dT%H:%M:%S}")


def test_as_long_as_it_stays_so_nothing_is_new(api_of, alice, on_pool):
    job, client = on_pool(unknown_since=timezone.now() - timedelta(hours=2)), api_of(alice)
    Scheduler.objects.update(failures=3, last_contact=timezone.now() - timedelta(minutes=3))
    first = client.call("GET", f"/jobs/{job.pk}")
    assert [badge["kind"] for badge in first.json()["badges"]] == ["unknown", "unreachable"]
    again = client.call("GET", f"/jobs/{job.pk}", **{"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_a_held_job_is_cured_by_what_its_cure_says(api_of, alice, on_pool):
    job, client = on_pool(bytes([4, 4]), "HLD", reason=TOO_MUCH), api_of(alice)
    why = told(client, job)["why"]
    assert why["reason"] == TOO_MUCH
    assert [(cure["action"], cure["slices"], cure["limits"]) for cure in why["cures"]] == [
        ("resume", None, {"memory": "200MB"}),
        ("resume", None, None),
        ("stop", None, None),
    ]
    first = why["cures"][0]
    body = {"slices": first["slices"], "limits": first["limits"]}
    assert client.call("POST", f"/jobs/{job.pk}/actions/{first['action']}", body).status_code == 200
    assert Job.objects.get(pk=job.pk).parameters["memory"] == 200


def test_of_some_that_are_held_the_cure_names_which(api_of, alice, on_pool):
    job = on_pool(bytes([1, 4, 2, 4]), "RUN", reason="by hand (hold code 1)")
    last = told(api_of(alice), job)["why"]["cures"][-1]
    assert (last["action"], last["slices"]) == ("stop", [1, 3])


def test_a_job_that_no_machine_is_large_enough_for_asks_for_less(api_of, alice, on_pool):
    job, client = on_pool(idle=TOO_LARGE), api_of(alice)
    said = told(client, job)
    assert [(badge["kind"], badge["text"]) for badge in said["badges"]] == [("idle", TOO_LARGE)]
    (cure,) = said["why"]["cures"]
    assert (cure["action"], cure["limits"]) == ("change-limits", {"memory": "2027MB"})
    answer = client.call("POST", f"/jobs/{job.pk}/actions/change-limits", {"limits": cure["limits"]})
    assert answer.status_code == 200
    assert Job.objects.get(pk=job.pk).parameters["memory"] == 2027


def test_a_failed_job_may_run_again(api_of, alice, make_job):
    why = told(api_of(alice), make_job(_status="ERR", status_message="Slice 3 failed."))["why"]
    assert why["reason"] == "Slice 3 failed."
    assert [(cure["action"], cure["limits"]) for cure in why["cures"]] == [
        ("rerun", None),
        ("rerun", {"memory": "2048MB"}),
        ("resubmit", None),
    ]


def test_who_may_not_act_is_told_why_and_offered_nothing(api_of, alice, bob, make_job, hydrology):
    job = make_job(_status="ERR", status_message="Slice 3 failed.")
    JobShare.objects.create(job=job, group=hydrology, may=JobShare.READ)
    for client in (api_of(bob), api_of(alice, ["jobs:read"])):
        why = told(client, job)["why"]
        assert (why["reason"], why["cures"]) == ("Slice 3 failed.", [])


def test_lists_are_spared_it(api_of, alice, make_job):
    make_job(_status="ERR")
    (row,) = api_of(alice).call("GET", "/jobs").json()["jobs"]
    assert row.keys().isdisjoint({"badges", "why"})


def test_every_cure_is_an_action():
    assert set(cures.VERBS.values()) <= _ACTIONS.keys()
