from __future__ import annotations

import pytest
from django.core import signing

from jobs_app.web import sign_in


@pytest.fixture
def link(alice) -> str:
    return sign_in.link_path(alice)


def test_the_link_signs_in_by_its_button(client, link):
    assert b"Sign in as alice" in client.get(link).content
    assert "_auth_user_id" not in client.session
    assert client.post(link).url == "/jobs/"
    assert client.get("/jobs/").status_code == 200


def test_the_link_is_good_for_one_time(client, link):
    client.post(link)
    client.logout()
    assert client.post(link).status_code == 403
    assert client.get("/jobs/").status_code == 302


def test_the_link_is_spent_by_any_other_sign_in(client, alice, link):
    client.force_login(alice)
    client.logout()
    assert client.get(link).status_code == 403


def test_the_link_grows_old(client, link, monkeypatch):
    monkeypatch.setattr(sign_in, "SECONDS", -1)
    assert client.get(link).status_code == 403


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"REMOTE_ADDR": "192.0.2.7"},
        {"HTTP_X_FORWARDED_FOR": "192.0.2.7"},
        {"HTTP_FORWARDED": "for=192.0.2.7"},
    ],
)
def test_the_link_works_on_this_machine_only(client, link, elsewhere):
    assert client.post(link, **elsewhere).status_code == 403
    assert "_auth_user_id" not in client.session


def test_a_forged_link_is_refused(client, alice):
    for token in (
        "x",
        signing.dumps([alice.pk, ""], salt="another"),
        signing.dumps("text", salt="roost.sign-in-link"),
    ):
        assert client.post(f"/sign-in/{token}/").status_code == 403


def test_somebody_who_may_no_longer_sign_in_cannot_use_it(client, alice, link):
    alice.is_active = False
    alice.save()
    assert client.post(link).status_code == 403


def test_signing_out_needs_a_form(client, alice):
    client.force_login(alice)
    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/").url == "/sign-in/"


def test_a_password_works_too_and_leads_where_one_wanted_to_go(client, alice):
    alice.set_password("correct horse")
    alice.save()
    response = client.post(
        "/sign-in/", {"username": "alice", "password": "correct horse", "next": "/jobs/7/"}
    )
    assert response.url == "/jobs/7/"


def test_the_way_on_never_leads_to_another_site(client, alice):
    alice.set_password("correct horse")
    alice.save()
    response = client.post(
        "/sign-in/", {"username": "alice", "password": "correct horse", "next": "//evil.example/"}
    )
    assert response.url == "/jobs/"
