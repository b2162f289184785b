from __future__ import annotations

from django.utils import timezone

from jobs_app.models import Notice
from jobs_app.notices import preferences

WANTED = {"on": ["end", "held"], "webhook": "https://chat.example/hook"}


def test_one_says_of_what_one_is_told_and_the_secret_is_shown_once(api_of, alice):
    client = api_of(alice)
    empty = {"on": [], "email": False, "webhook": ""}
    assert client.call("GET", "/notices/preferences").json() == empty
    kept = client.call("PUT", "/notices/preferences", WANTED).json()
    assert kept["secret"] == preferences.secret_of(alice.pk)
    assert client.call("PUT", "/notices/preferences", WANTED).json()["secret"] is None
    known = client.call("GET", "/notices/preferences")
    assert known.json() == {**WANTED, "email": False}
    assert kept["secret"] not in known.content.decode()


def test_a_new_secret_is_made_for_the_same_webhook_when_one_asks(api_of, alice):
    client = api_of(alice)
    first = client.call("PUT", "/notices/preferences", WANTED).json()["secret"]
    second = client.call("PUT", "/notices/preferences", {**WANTED, "new_secret": True}).json()["secret"]
    assert second not in (None, first)
    assert preferences.secret_of(alice.pk) == second


def test_what_cannot_be_is_said(api_of, alice):
    client = api_of(alice)
    for wrong in (
        {"on": ["everything"]},
        {"on": [], "webhook": "ftp://x/"},
        {"on": ["end"], "email": True},
        {},
    ):
        assert client.call("PUT", "/notices/preferences", wrong).status_code == 422
    assert client.call("GET", "/notices/preferences").json()["on"] == []


def notice(user, **fields) -> Notice:
    given = {"channel": "webhook", "subject": "Job 1: Complete", "due": timezone.now(), **fields}
    return Notice.objects.create(key=str(Notice.objects.count()), user=user, **given)


def test_everybody_sees_their_own_in_pages(api_of, alice, charlie):
    rows = [notice(alice) for _ in range(5)]
    notice(charlie, subject="SECRET")
    client = api_of(alice)
    first = client.call("GET", "/notices?limit=3").json()
    rest = client.call("GET", f"/notices?limit=3&before={first['next']}").json()
    assert [each["id"] for each in first["notices"] + rest["notices"]] == [row.pk for row in rows[::-1]]
    assert rest["next"] is None


def test_one_that_was_given_up_is_sent_again_by_its_own_user_only(api_of, alice, charlie):
    row = notice(alice, state=Notice.DEAD, tries=9)
    assert api_of(charlie).call("POST", f"/notices/{row.pk}/again").status_code == 404
    assert Notice.objects.get().state == Notice.DEAD
    assert api_of(alice).call("POST", f"/notices/{row.pk}/again").status_code == 204
    assert Notice.objects.get().state == Notice.WAITING


def test_a_token_needs_its_scope_and_a_service_has_none(api_of, alice):
    reader = api_of(alice, ["jobs:read", "jobs:write", "notices:read"])
    assert reader.call("GET", "/notices").status_code == 200
    assert reader.call("PUT", "/notices/preferences", WANTED).status_code == 403
    assert api_of(None).call("GET", "/notices").status_code == 409
