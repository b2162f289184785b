from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from jobs_app import throttling
from jobs_app.models import Throttle


@pytest.fixture
def try_to_sign_in(alice, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    alice.set_password("right")
    alice.save()

    def attempt(name="alice", password="wrong", path="/sign-in/", address="10.0.0.1", **headers):
        given = {"username": name, "password": password}
        return Client().post(path, given, REMOTE_ADDR=address, headers=headers)

    return attempt


@pytest.mark.parametrize("path", ["/sign-in/", "/admin/login/"])
def test_an_account_is_closed_after_too_many_wrong_passwords_for_a_while(try_to_sign_in, path):
    answers = [try_to_sign_in(path=path, address=f"10.0.0.{number}") for number in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 301
    assert try_to_sign_in(password="right").status_code == 429
    Throttle.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert try_to_sign_in(password="right").status_code == 302


def test_an_account_that_does_not_exist_is_closed_as_well(try_to_sign_in):
    answers = [try_to_sign_in(name="nobody").status_code for _ in range(11)]
    assert answers == [200] * 10 + [429]


def test_an_address_that_tries_many_accounts_has_to_wait(try_to_sign_in):
    answers = [try_to_sign_in(name=f"user{number}").status_code for number in range(51)]
    assert answers[-2:] == [200, 429]
    assert try_to_sign_in(password="right", address="10.0.0.2").status_code == 302


def test_the_right_password_forgets_the_accounts_wrong_ones(try_to_sign_in):
    for _ in range(9):
        try_to_sign_in()
    assert try_to_sign_in(password="right").status_code == 302
    assert try_to_sign_in().status_code == 200


def test_wrong_tokens_are_limited_per_address(db):
    client = Client(headers={"Authorization": "Bearer roost_0_0"})
    answers = [client.get("/api/v1/jobs") for _ in range(51)]
    assert {answer.status_code for answer in answers[:50]} == {401}
    assert answers[50].status_code == 429
    assert int(answers[50].headers["Retry-After"]) > 0
    assert answers[50].json()["status"] == 429


def test_what_a_client_says_of_its_address_is_believed_of_our_own_proxies_only(rf, settings):
    request = rf.get("/", REMOTE_ADDR="10.0.0.9", headers={"X-Forwarded-For": "1.1.1.1, 2.2.2.2"})
    assert throttling.address(request) == "10.0.0.9"
    settings.ROOST_PROXIES = 1
    assert throttling.address(request) == "2.2.2.2"
    settings.ROOST_PROXIES = 3
    assert throttling.address(request) == "10.0.0.9"


def test_neither_names_nor_addresses_are_kept(try_to_sign_in):
    try_to_sign_in()
    assert not any("alice" in row.key or "10.0" in row.key for row in Throttle.objects.all())
