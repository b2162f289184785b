"""People change their own password and e-mail address."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client

from jobs_app.models import AuditEntry, Throttle
from jobs_app.notices import preferences

OLD, NEW = "an old horse", "seven staples of straw"


@pytest.fixture
def alice(alice, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    alice.set_password(OLD)
    alice.save()
    return alice


def change(client, old=OLD, new=NEW, again=None, **how):
    given = {"what": "password", "old_password": old, "new_password1": new, "new_password2": again or new}
    return client.post("/account/", given, **how)


def sign_in(password):
    return Client().post("/sign-in/", {"username": "alice", "password": password}).status_code


def say_where(client, address):
    return client.post("/account/", {"what": "email", "email": address})


def told():
    return list(AuditEntry.objects.order_by("pk").values_list("who", "what"))


class TestPassword:
    def test_is_changed_and_all_other_sessions_end(self, page_of, alice):
        other = Client()
        other.force_login(alice)
        client = page_of(alice)
        answer = change(client)
        assert (answer.status_code, answer.url) == (302, "/account/")
        assert b"Your password is changed." in client.get("/account/").content
        assert other.get("/jobs/").status_code == 302
        assert (sign_in(OLD), sign_in(NEW)) == (200, 302)
        assert told() == [("alice", "Changed their password.")]

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"old": "wrong"}, "Your old password was entered incorrectly."),
            ({"old": ""}, "This field is required."),
            ({"new": "1"}, "This password is too short."),
            ({"new": "password1"}, "This password is too common."),
            ({"new": "8275610943"}, "This password is entirely numeric."),
            ({"new": "alice.smith@example"}, "too similar to the email address"),
            ({"again": "another one"}, "match."),
        ],
    )
    def test_that_is_wrong_changes_nothing_and_is_told(self, page_of, alice, given, said):
        alice.email = "alice.smith@example.org"
        alice.save()
        answer = change(page_of(alice), **given)
        assert answer.status_code == 422
        assert said in answer.content.decode()
        assert sign_in(OLD) == 302
        assert told() == []

    def test_is_never_written_back_into_the_page(self, page_of, alice):
        said = change(page_of(alice), again="another one").content.decode()
        assert not any(each in said for each in (OLD, NEW, "another one"))

    def test_may_be_guessed_at_as_seldom_as_at_the_sign_in(self, page_of, alice):
        client = page_of(alice)
        tries = [change(client, old="wrong", REMOTE_ADDR=f"10.0.0.{number}") for number in range(11)]
        assert [answer.status_code for answer in tries] == [422] * 10 + [429]
        assert b"then try again" in tries[-1].content
        assert change(client).status_code == 429
        assert sign_in(OLD) == 429

    def test_wrong_sign_ins_count_there_too(self, page_of, alice):
        for _ in range(10):
            sign_in("wrong")
        assert change(page_of(alice)).status_code == 429

    def test_that_is_right_forgets_the_wrong_ones(self, page_of, alice):
        client = page_of(alice)
        for _ in range(9):
            change(client, old="wrong")
        change(client)
        assert sign_in("wrong") == 200
        assert sign_in(NEW) == 302

    def test_a_new_one_that_is_too_weak_is_no_guess(self, page_of, alice):
        change(page_of(alice), new="1")
        change(page_of(alice), old="", new="1")
        assert not Throttle.objects.exists()

    def test_of_somebody_who_has_none_is_not_asked_for(self, page_of, bob):
        bob.set_unusable_password()
        bob.save()
        client = page_of(bob)
        said = client.get("/account/").content.decode()
        assert "You have no password here" in said
        assert "old_password" not in said
        assert change(client, old="").status_code == 409
        bob.refresh_from_db()
        assert not bob.has_usable_password()

    def test_the_administration_leads_to_the_same_page(self, page_of, admin_user):
        answer = page_of(admin_user).post("/admin/password_change/", {"old_password": "x"})
        assert (answer.status_code, answer.url) == (302, "/account/")


class TestEmail:
    def test_is_kept_and_told_without_the_address(self, page_of, alice):
        client = page_of(alice)
        assert say_where(client, " alice@example.org ").status_code == 302
        say_where(client, "alice@example.org")  # nothing new
        alice.refresh_from_db()
        assert alice.email == "alice@example.org"
        assert 'value="alice@example.org"' in client.get("/account/").content.decode()
        assert told() == [("alice", "Changed their e-mail address.")]

    @pytest.mark.parametrize("address", ["alice", "a@b@c", "a@example.org\nBcc: b@example.org", "a\0@b.org"])
    def test_that_is_none_is_refused(self, page_of, alice, address):
        answer = say_where(page_of(alice), address)
        assert answer.status_code == 422
        assert b"Enter a valid email address" in answer.content or b"Null characters" in answer.content
        alice.refresh_from_db()
        assert alice.email == ""

    def test_stays_while_notices_go_there(self, page_of, alice):
        client = page_of(alice)
        say_where(client, "alice@example.org")
        alice.refresh_from_db()
        preferences.keep(alice, ["end"], email=True)
        assert b"Notices go there." in say_where(client, "").content
        preferences.keep(alice, ["end"])
        assert say_where(client, "").status_code == 302
        alice.refresh_from_db()
        assert alice.email == ""

    def test_is_ones_own_also_without_a_password(self, page_of, charlie):
        say_where(page_of(charlie), "charlie@example.org")
        charlie.refresh_from_db()
        assert charlie.email == "charlie@example.org"


def test_the_page_names_ones_groups(page_of, alice):
    alice.groups.add(Group.objects.create(name="<hydrology>"))
    assert "You are in &lt;hydrology&gt;." in page_of(alice).get("/account/").content.decode()


def test_every_page_leads_there(page_of, alice):
    assert 'href="/account/"' in page_of(alice).get("/jobs/").content.decode()


def test_it_takes_a_form_of_our_own(alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert change(client).status_code == 403
    assert sign_in(OLD) == 302


def test_an_administrator_is_made_in_one_command(db, monkeypatch, capsys):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "simple")
    call_command("createsuperuser", "--noinput", username="olga", email="")
    assert "created successfully" in capsys.readouterr().out
