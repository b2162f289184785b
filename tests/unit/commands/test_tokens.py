from __future__ import annotations

from jobs_app import tokens
from jobs_app.models import ApiToken

from .conftest import manage


def test_a_token_is_shown_once_and_works(alice):
    said = manage("tokens", "create", "night run", "--scope", "jobs:read", "--scope", "files:read")
    caller = tokens.find(said.out.strip())
    assert caller is not None
    assert (caller.user, caller.scopes) == (alice, {"jobs:read", "files:read"})
    assert said.out.strip() not in manage("tokens", "list").out


def test_a_services_token_belongs_to_nobody(alice):
    made = manage("tokens", "create", "monitor", "--service", "--app", "examples.ising", "--json").json
    caller = tokens.find(made["text"])
    assert (caller.user, caller.app) == (None, "examples.ising")


def test_a_revoked_token_is_good_for_nothing_and_not_listed(alice):
    text = manage("tokens", "create", "x").out.strip()
    (row,) = manage("tokens", "list").rows
    assert manage("tokens", "revoke", row[0]).code == 0
    assert tokens.find(text) is None
    assert manage("tokens", "list").rows == []
    assert manage("tokens", "list", "--all").rows[0][4].startswith("revoked")


def test_what_is_wrong_is_said(alice):
    assert manage("tokens", "create", "x", "--scope", "everything").code == 2
    assert manage("tokens", "create", "x", "--user", "nobody").code == 2
    assert manage("tokens", "create", "x", "--user", "alice", "--service").code == 2
    assert manage("tokens", "create", "x", "--app", "examples.ising").code == 2
    assert manage("tokens", "create", "x", "--days", "-1").code == 2
    assert manage("tokens", "revoke", "roost_0").code == 2
    assert not ApiToken.objects.exists()
