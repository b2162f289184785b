"""A wrong setting is reported by `manage.py check`, with a hint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import connection

from jobs_app.models import Scheduler

WRONG = {
    "ROOST_HOME": ("relative/home", "roost.E001"),
    "ROOST_SLICES": (0, "roost.E004"),
    "ROOST_SLOTS": ("many", "roost.E004"),
    "ROOST_BACKGROUND": ("magic", "roost.E005"),
    "ROOST_PUBLIC_URL": ("roost.example", "roost.E007"),
    "ROOST_WORKSPACE_ROOTS": (["scratch"], "roost.E008"),
    "ROOST_SSH_SECONDS": ({"conect": 3}, "roost.E023"),
}


def found(**kwargs: Any) -> list[Any]:
    return list(run_checks(tags=["roost"], **kwargs))


def test_the_defaults_are_fine() -> None:
    assert found() == []


@pytest.mark.parametrize("setting", WRONG)
def test_a_wrong_setting_is_named_with_its_value_and_a_hint(setting: str, settings: Any) -> None:
    value, identifier = WRONG[setting]
    setattr(settings, setting, value)
    reported = [message for message in found() if message.id == identifier]
    assert reported
    assert setting in reported[0].msg
    assert reported[0].hint


def test_celery_without_a_broker_is_reported(settings: Any) -> None:
    settings.ROOST_BACKGROUND, settings.CELERY_BROKER_URL = "celery", ""
    assert [message.id for message in found()] == ["roost.E006"]
    settings.CELERY_BROKER_URL = "redis://localhost"
    assert found() == []


def test_a_home_that_cannot_be_written_is_reported(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: path != Path("/"))
    settings.ROOST_HOME = Path("/nowhere/home")
    assert [message.id for message in found()] == ["roost.E002"]


@pytest.mark.django_db(transaction=True)
def test_a_database_older_than_the_code_can_be_checked_before_it_is_migrated(settings: Any) -> None:
    settings.ROOST_SCHEDULER = "ruby"
    field = Scheduler._meta.get_field("private_key_pass")
    with connection.schema_editor() as editor:
        editor.remove_field(Scheduler, field)
    try:
        assert found(databases=["default"]) == []
    finally:
        with connection.schema_editor() as editor:
            editor.add_field(Scheduler, field)
    assert [message.id for message in found(databases=["default"])] == ["roost.W009"]


@pytest.mark.django_db
def test_a_scheduler_that_is_not_there_is_reported(settings: Any) -> None:
    settings.ROOST_SCHEDULER = "ruby"
    assert [message.id for message in found(databases=["default"])] == ["roost.W009"]
    settings.ROOST_SCHEDULER = "embedded"
    assert found(databases=["default"]) == []
