"""Passwords and keys at rest: sealed with a key outside the database, and shown nowhere."""

from __future__ import annotations

import copy
import pickle
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core import serializers
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection

from jobs_app import secrets
from jobs_app.compute import create_scheduler
from jobs_app.errors import SecretLost, WrongState
from jobs_app.models import Scheduler
from jobs_app.secrets import Secret, seal, seal_anew

WORDS = "correct horse battery staple"


def new_key() -> str:
    return Fernet.generate_key().decode()


# --- a secret -------------------------------------------------------------------------------------------


def test_what_is_sealed_is_opened_again_and_shows_nothing_of_itself() -> None:
    secret = seal(WORDS)
    assert secret.reveal() == WORDS
    shown = [str(secret), repr(secret), f"{secret}", repr([secret]), repr({"a": secret}), secret.sealed]
    assert [text for text in shown if "horse" in text] == []
    assert str(secret) == "********"


def test_no_secret_is_false_and_needs_no_key() -> None:
    assert not seal("")
    assert seal("").reveal() == ""
    assert not secrets.file().exists()


def test_a_secret_is_sealed_differently_each_time() -> None:
    assert seal(WORDS).sealed != seal(WORDS).sealed


def test_copies_are_as_closed_as_the_secret_itself() -> None:
    secret = seal(WORDS)
    for other in (copy.deepcopy(secret), pickle.loads(pickle.dumps(secret))):
        assert other == secret
        assert "horse" not in repr(other)


# --- the keys -------------------------------------------------------------------------------------------


def test_the_file_with_the_key_is_made_at_first_need_and_only_for_its_owner() -> None:
    seal(WORDS)
    assert stat.S_IMODE(secrets.file().stat().st_mode) == 0o600
    assert not secrets.is_open_to_others()
    assert [path.name for path in secrets.file().parent.iterdir()] == ["secrets_key"]


def test_a_key_in_the_settings_is_used_instead_of_a_file(settings: Any) -> None:
    settings.ROOST_SECRETS_KEY = new_key()
    assert seal(WORDS).reveal() == WORDS
    assert not secrets.file().exists()


def test_of_several_keys_the_first_seals_and_all_of_them_open(settings: Any) -> None:
    old, new = new_key(), new_key()
    settings.ROOST_SECRETS_KEY = old
    before = seal(WORDS)
    settings.ROOST_SECRETS_KEY = f"{new}, {old}"
    after = seal_anew(before)
    assert before.reveal() == WORDS
    settings.ROOST_SECRETS_KEY = new
    assert after.reveal() == WORDS
    with pytest.raises(SecretLost, match="cannot be opened with the key of ROOST_SECRETS_KEY"):
        before.reveal()


def test_a_lost_file_is_said_and_not_made_anew_by_who_wants_to_read() -> None:
    secret = seal(WORDS)
    secrets.file().unlink()
    with pytest.raises(SecretLost, match="is not there or empty"):
        secret.reveal()
    assert not secrets.file().exists()


def test_what_is_no_key_is_said_without_repeating_it(settings: Any) -> None:
    settings.ROOST_SECRETS_KEY = "not-a-key"
    with pytest.raises(SecretLost, match="ROOST_SECRETS_KEY does not hold keys") as caught:
        seal(WORDS)
    assert "not-a-key" not in str(caught.value)


def test_a_new_key_in_the_file_leaves_the_one_before_for_who_reads_at_this_moment() -> None:
    first = seal(WORDS)
    secrets.add_key()
    second = seal_anew(first)
    assert len(secrets.keys()) == 2
    assert first.reveal() == second.reveal() == WORDS
    secrets.add_key()
    assert second.reveal() == WORDS
    with pytest.raises(SecretLost):
        first.reveal()


def test_keys_of_the_settings_are_changed_there(settings: Any) -> None:
    settings.ROOST_SECRETS_KEY = new_key()
    with pytest.raises(WrongState, match="put a new one first there"):
        secrets.add_key()


# --- the column -----------------------------------------------------------------------------------------


@pytest.fixture
def ruby(db: None) -> Scheduler:
    scheduler = create_scheduler("ruby", "ruby.example", password=WORDS)
    scheduler.save()
    return Scheduler.objects.get(name="ruby")


def in_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT password FROM jobs_app_scheduler WHERE name = 'ruby'")
        return str(cursor.fetchone()[0])


def test_the_database_holds_it_sealed_and_the_row_opens_it(ruby: Scheduler) -> None:
    assert isinstance(ruby.password, Secret)
    assert ruby.password.reveal() == WORDS
    assert in_database() == ruby.password.sealed
    assert "horse" not in in_database()


def test_no_way_to_write_a_row_writes_it_in_clear(ruby: Scheduler) -> None:
    Scheduler.objects.filter(pk=ruby.pk).update(password="another " + WORDS)
    assert "horse" not in in_database()
    ruby.refresh_from_db()
    assert ruby.password.reveal() == "another " + WORDS
    ruby.password = WORDS
    ruby.save()
    assert "horse" not in in_database()
    assert ruby.password.reveal() == WORDS


def test_saving_a_row_that_was_read_keeps_its_secrets(ruby: Scheduler) -> None:
    ruby.host = "new.example"
    ruby.save()
    assert Scheduler.objects.get(name="ruby").password.reveal() == WORDS


def test_a_dump_holds_it_sealed_and_can_be_loaded(ruby: Scheduler) -> None:
    dump = serializers.serialize("json", [ruby])
    assert "horse" not in dump
    ruby.delete()
    for loaded in serializers.deserialize("json", dump):
        loaded.save()
    assert Scheduler.objects.get(name="ruby").password.reveal() == WORDS


# --- what `manage.py check` says ------------------------------------------------------------------------


def found() -> dict[str, Any]:
    return {message.id: message for message in run_checks(tags=["roost"], databases=["default"])}


def test_a_key_file_that_others_can_read_is_warned_of(ruby: Scheduler) -> None:
    assert found() == {}
    secrets.file().chmod(0o640)
    assert f"chmod 600 {secrets.file()}" in found()["roost.W021"].hint


def test_secrets_that_cannot_be_opened_are_named_with_what_to_do(ruby: Scheduler) -> None:
    secrets.file().write_text(new_key())
    message = found()["roost.W022"]
    assert "ruby (password)" in message.msg
    assert "manage.py schedulers edit NAME" in message.hint


def test_a_setting_that_is_no_key_is_an_error_that_does_not_repeat_it(db: None, settings: Any) -> None:
    settings.ROOST_SECRETS_KEY = "half-a-secret"
    message = found()["roost.E020"]
    assert "half-a-secret" not in f"{message.msg} {message.hint}"
    assert "Fernet.generate_key()" in message.hint


def test_the_file_survives_a_folder_that_is_not_there_yet(home: Path) -> None:
    assert not home.exists()
    seal(WORDS)
    assert (home / "secrets_key").exists()


def test_a_dump_of_everything_says_no_secret(ruby: Scheduler, tmp_path: Path) -> None:
    target = tmp_path / "dump.json"
    call_command("dumpdata", "jobs_app", output=str(target), verbosity=0)
    assert "ruby" in target.read_text()
    assert "horse" not in target.read_text()
