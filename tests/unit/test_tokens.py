from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs_app import tokens
from jobs_app.errors import Invalid, NotAllowed
from jobs_app.models import ApiToken


def made(user, *scopes, **how):
    return tokens.make("t", user, scopes or ["jobs:read"], **how)


def test_a_token_finds_its_owner_and_scopes(alice):
    row, text = made(alice, "jobs:read", "files:read")
    caller = tokens.find(text)
    assert (caller.token, caller.user, caller.scopes) == (row.pk, alice, {"jobs:read", "files:read"})


def test_the_database_does_not_hold_what_a_thief_could_use(alice):
    row, text = made(alice)
    kept = " ".join(str(value) for value in ApiToken.objects.filter(pk=row.pk).values().get().values())
    assert text not in kept
    assert text.rpartition("_")[2] not in kept
    assert row.digest not in text


def test_a_wrong_secret_revocation_and_the_end_of_its_time_make_it_useless(alice):
    row, text = made(alice, expires=timezone.now() + timedelta(hours=1))
    assert tokens.find(text + "x") is None
    assert tokens.find(f"roost_{row.prefix}_") is None
    assert tokens.find(text) is not None
    ApiToken.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert tokens.find(text) is None
    ApiToken.objects.update(expires=None)
    tokens.revoke(row)
    assert tokens.find(text) is None


def test_a_deactivated_persons_tokens_are_useless(alice):
    _, text = made(alice)
    alice.is_active = False
    alice.save()
    assert tokens.find(text) is None


@pytest.mark.parametrize(
    "text", ["", "roost", "roost_", "roost__", "x" * 300, "roost_\0_x", "roost_é_é", "_" * 50]
)
def test_nonsense_is_no_token(db, text):
    assert tokens.find(text) is None


def test_its_use_is_noted_once_a_minute(alice):
    row, text = made(alice)
    tokens.find(text)
    first = ApiToken.objects.get(pk=row.pk).last_used
    assert first is not None
    with CaptureQueriesContext(
        connection,
    ) as queries:
        tokens.find(text)
    assert [query["sql"][:6] for query in queries] == ["SELECT"]


def test_only_scopes_that_there_are_and_at_least_one(alice):
    with pytest.raises(Invalid, match="Did you mean 'jobs:read'"):
        made(alice, "job:read")
    with pytest.raises(Invalid, match="can do nothing"):
        tokens.make("t", alice, [])


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 101])
def test_a_token_has_a_name_that_can_be_read(alice, name):
    with pytest.raises(Invalid):
        tokens.make(name, alice, ["jobs:read"])


def test_a_token_makes_none_that_can_do_more_or_lives_longer(alice):
    soon = timezone.now() + timedelta(days=1)
    _, text = made(alice, "tokens:write", "jobs:read", expires=soon)
    caller = tokens.find(text)
    tokens.refuse_more(caller, ["jobs:read"], soon)
    with pytest.raises(NotAllowed, match="jobs:write"):
        tokens.refuse_more(caller, ["jobs:write"], soon)
    with pytest.raises(NotAllowed, match="expires"):
        tokens.refuse_more(caller, ["jobs:read"], None)


def test_people_see_their_own_tokens_only(alice, bob, admin_user):
    made(alice)
    made(None)
    assert tokens.of(alice).count() == 1
    assert tokens.of(bob).count() == 0
    assert [row.owner for row in tokens.of(admin_user)] == [None]
