from __future__ import annotations

from django.utils import timezone

from jobs_app.models import Notice, NoticePreference
from jobs_app.notices import preferences, signing

OLD = "whsec_" + "k" * 43  # no base64: the first ones had no padding


def test_what_is_chosen_is_kept_and_the_secret_is_shown_once(page_of, alice):
    alice.email = "alice@example.org"
    alice.save()
    client = page_of(alice)
    given = {"on": ["end", "held"], "email": "1", "webhook": "https://chat.example/1"}
    secret = preferences.secret_of
    said = client.post("/notices/", given).content.decode()
    assert secret(alice.pk) in said
    assert secret(alice.pk) not in client.get("/notices/").content.decode()
    assert preferences.of(alice) == preferences.Preferences(("end", "held"), True, "https://chat.example/1")


def test_what_is_wrong_is_said_and_nothing_is_kept(page_of, alice):
    answer = page_of(alice).post("/notices/", {"on": ["end"], "webhook": "ftp://x/<script>"})
    assert answer.status_code == 422
    assert b"is no web address" in answer.content
    assert b"<script>" not in answer.content.replace(b"<script src=", b"")
    assert preferences.of(alice) == preferences.Preferences()


def test_one_sees_and_repeats_only_ones_own(page_of, alice, charlie):
    row = Notice.objects.create(
        key="k",
        user=alice,
        channel="email",
        subject="<b>cool",
        state="dead",
        error="gone",
        due=timezone.now(),
    )
    assert b"cool" not in page_of(charlie).get("/notices/").content
    assert page_of(charlie).post(f"/notices/{row.pk}/again/").status_code == 404
    assert b"&lt;b&gt;cool" in page_of(alice).get("/notices/").content
    assert page_of(alice).post(f"/notices/{row.pk}/again/").status_code == 302
    row.refresh_from_db()
    assert row.state == Notice.WAITING


def test_whoever_has_an_old_secret_is_told_until_a_new_one_is_made(page_of, alice):
    NoticePreference.objects.create(user=alice, on=["end"], webhook="https://chat.example/1", secret=OLD)
    client, given = page_of(alice), {"on": ["end"], "webhook": "https://chat.example/1"}
    assert "secret is of an old form" in client.get("/notices/").content.decode()
    assert "secret is of an old form" in client.post("/notices/", given).content.decode()
    assert preferences.secret_of(alice.pk) == OLD
    said = client.post("/notices/", {**given, "new_secret": "1"}).content.decode()
    made = preferences.secret_of(alice.pk)
    assert (made in said, "of an old form" in said) == (True, False)
    assert signing.follows_the_standard(made)
