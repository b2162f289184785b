from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from jobs_app import lifecycle
from jobs_app.errors import WrongState


@pytest.fixture
def asked(monkeypatch):
    """What the lifecycle is asked for."""
    calls = []
    for verb in ("execute", "stop", "pause", "resume", "resubmit", "rerun_failed", "delete"):
        monkeypatch.setattr(
            lifecycle,
            verb,
            lambda job, user=None, verb=verb, **_: calls.append((verb, job.pk, user.username)),
            raising=False,
        )
    return calls


@pytest.mark.parametrize(
    ("action", "verb"),
    [
        ("stop", "stop"),
        ("pause", "pause"),
        ("resume", "resume"),
        ("rerun", "rerun_failed"),
        ("delete", "delete"),
    ],
)
def test_a_button_asks_the_lifecycle_in_the_name_of_the_user(page_of, alice, make_job, asked, action, verb):
    job = make_job(_status="RUN")
    response = page_of(alice).post(f"/jobs/{job.pk}/{action}/")
    assert response.status_code == 302
    assert asked == [(verb, job.pk, "alice")]


def test_nothing_changes_by_get(page_of, alice, make_job, asked):
    assert page_of(alice).get(f"/jobs/{make_job().pk}/stop/").status_code == 405
    assert asked == []


def test_nothing_changes_without_the_forms_token(alice, make_job, asked):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(f"/jobs/{make_job().pk}/stop/").status_code == 403
    assert asked == []


@pytest.mark.parametrize("name", ["save", "refresh_from_db", "update_status", "rerun_failed", "__class__"])
def test_only_the_listed_actions_exist(page_of, alice, make_job, asked, name):
    assert page_of(alice).post(f"/jobs/{make_job().pk}/{name}/").status_code == 404
    assert asked == []


def test_a_reader_may_not_act_and_a_stranger_does_not_learn_that_the_job_exists(
    page_of, bob, charlie, make_job, asked
):
    job = make_job(_status="RUN")
    job.groups.add(Group.objects.get(name="hydrology"))
    assert page_of(bob).post(f"/jobs/{job.pk}/stop/").status_code == 403
    assert page_of(charlie).post(f"/jobs/{job.pk}/stop/").status_code == 404
    assert asked == []


def test_what_cannot_be_done_now_is_said_on_the_page(page_of, alice, make_job, monkeypatch):
    def refuse(job, user=None, **_):
        raise WrongState("Cannot stop job 1: it is Complete.")

    monkeypatch.setattr(lifecycle, "stop", refuse, raising=False)
    response = page_of(alice).post(f"/jobs/{make_job(_status='COM').pk}/stop/", follow=True)
    assert b"Cannot stop job 1: it is Complete." in response.content
