from __future__ import annotations

from django.utils import timezone

from jobs_app.models import Notice
from jobs_app.notices import preferences


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
