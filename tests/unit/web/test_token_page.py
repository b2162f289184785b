from __future__ import annotations

from jobs_app import tokens
from jobs_app.models import ApiToken


def test_a_token_is_made_shown_once_and_revoked(page_of, alice):
    client = page_of(alice)
    given = {"name": "laptop", "scopes": ["jobs:read"], "days": "30"}
    page = client.post("/tokens/", given)
    text = page.context["text"]
    assert text in page.content.decode()
    assert "no-store" in page.headers["Cache-Control"]
    assert tokens.find(text).user == alice
    assert text not in client.get("/tokens/").content.decode()
    row = ApiToken.objects.get()
    assert client.post(f"/tokens/{row.prefix}/revoke/").status_code == 302
    assert tokens.find(text) is None


def test_what_is_wrong_stands_on_the_page(page_of, alice):
    page = page_of(alice).post("/tokens/", {"name": "x\u200b", "scopes": ["jobs:read"], "days": "30"})
    assert "needs a name" in page.content.decode()
    assert not ApiToken.objects.exists()


def test_others_tokens_are_neither_shown_nor_revoked(page_of, alice, bob):
    row, text = tokens.make("bobs", bob, ["jobs:read"])
    client = page_of(alice)
    assert "bobs" not in client.get("/tokens/").content.decode()
    assert client.post(f"/tokens/{row.prefix}/revoke/").status_code == 404
    assert tokens.find(text) is not None


def test_a_services_token_is_seen_by_administrators_only(page_of, alice, admin_user):
    tokens.make("monitor", None, ["jobs:read"])
    assert "monitor" not in page_of(alice).get("/tokens/").content.decode()
    assert "monitor" in page_of(admin_user).get("/tokens/").content.decode()
