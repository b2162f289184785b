from __future__ import annotations

import pytest
from django.test import Client

from jobs_app import lifecycle
from jobs_app.errors import WrongState
from jobs_app.models import JobShare
from jobs_app.web.api.actions import ACTIONS


@pytest.fixture
def asked(monkeypatch):
    """What the lifecycle is asked for."""
    calls = []
    for verb in ("execute", "stop", "pause", "resume", "resubmit", "rerun_failed", "change_limits", "delete"):
        monkeypatch.setattr(
            lifecycle,
            verb,
            lambda job, user=None, verb=verb, **how: calls.append((verb, job.pk, user.get_username(), how)),
        )
    return calls


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_asks_the_lifecycle_in_the_name_of_the_token(api_of, alice, make_job, asked, action):
    job = make_job()
    body = {"limits": {"cpus": 2}} if ACTIONS[action].only_limits else None
    answer = api_of(alice).call("POST", f"/jobs/{job.pk}/actions/{action}", body)
    assert answer.status_code in (200, 204)
    ((verb, pk, who, how),) = asked
    assert (verb, pk, who) == (ACTIONS[action].method, job.pk, "alice (token for a test)")
    assert how.get("slices") is None


def test_slices_and_limits_are_passed_on(api_of, alice, make_job, asked):
    body = {"slices": [1, 2], "limits": {"memory": "2 GB"}}
    api_of(alice).call("POST", f"/jobs/{make_job().pk}/actions/resume", body)
    assert asked[0][3] == {"slices": [1, 2], "memory": "2 GB"}


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("stop", {"limits": {"memory": 1}}),
        ("resubmit", {"slices": [1]}),
        ("stop", {"save": 1}),
        ("save", {}),
        ("change-limits", {}),
        ("change-limits", {"limits": {}}),
    ],
)
def test_what_an_action_does_not_take_is_refused(api_of, alice, make_job, asked, action, body):
    assert api_of(alice).call("POST", f"/jobs/{make_job().pk}/actions/{action}", body).status_code == 422
    assert asked == []


def test_what_the_state_does_not_allow_is_a_conflict_that_says_why(api_of, alice, make_job, monkeypatch):
    def refuse(job, user=None, **_):
        raise WrongState("Cannot stop job 1: it is Complete.")

    monkeypatch.setattr(lifecycle, "stop", refuse)
    answer = api_of(alice).call("POST", f"/jobs/{make_job().pk}/actions/stop")
    assert (answer.status_code, answer.json()["detail"]) == (409, "Cannot stop job 1: it is Complete.")


def test_a_share_says_who_may_act(api_of, bob, make_job, asked, hydrology):
    read, act = make_job(), make_job()
    JobShare.objects.create(job=read, group=hydrology)
    JobShare.objects.create(job=act, group=hydrology, may="act")
    client = api_of(bob)
    assert client.call("POST", f"/jobs/{read.pk}/actions/stop").status_code == 403
    assert client.call("POST", f"/jobs/{act.pk}/actions/stop").status_code == 200
    assert client.call("POST", f"/jobs/{act.pk}/actions/delete").status_code == 403
    assert [call[:2] for call in asked] == [("stop", act.pk)]


def test_many_are_acted_on_each_by_itself(api_of, alice, bob, make_job, asked):
    mine, theirs = make_job(), make_job(user=bob)
    body = {"action": "stop", "ids": [mine.pk, theirs.pk, mine.pk]}
    answer = api_of(alice).call("POST", "/jobs/actions", body).json()
    assert (answer["done"], answer["refused"]) == (1, 1)
    assert [(each["id"], each["status"]) for each in answer["jobs"]] == [(mine.pk, 200), (theirs.pk, 404)]
    assert [call[1] for call in asked] == [mine.pk]


def test_a_browser_needs_the_forms_token(alice, make_job, asked):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    path = f"/api/v1/jobs/{make_job().pk}/actions/stop"
    assert client.post(path, {}, "application/json").status_code == 403
    client.get("/jobs/")
    token = client.cookies["csrftoken"].value
    assert client.post(path, {}, "application/json", headers={"X-CSRFToken": token}).status_code == 200
    assert client.post(path, {"a": 1}, headers={"X-CSRFToken": token}).status_code == 415
