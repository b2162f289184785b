"""supervise, systemd."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from .conftest import manage

SERVICES = ("web", "couriers", "worker", "beat")


def test_without_a_redis_there_is_nothing_to_supervise(db: None) -> None:
    said = manage("supervise")
    assert said.code == 2
    assert "Set ROOST_REDIS_URL" in said.err


def test_sqlite_is_not_for_several_processes(db: None, settings: Any) -> None:
    if "sqlite" not in django_settings.DATABASES["default"]["ENGINE"]:
        pytest.skip("this run of the tests is on PostgreSQL")
    settings.ROOST_BACKGROUND = "celery"
    said = manage("supervise")
    assert said.code == 2
    assert "ROOST_DATABASE_URL=postgres://" in said.err


def test_the_units_have_the_paths_of_this_checkout(tmp_path: Path) -> None:
    said = manage("systemd", "--user", "roost", "--environment", "/etc/r.env", "--into", str(tmp_path))
    assert said.code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        f"roost-{name}.service" for name in SERVICES
    )
    unit = (tmp_path / "roost-couriers.service").read_text()
    assert "\nUser=roost\n" in unit
    assert "\nEnvironmentFile=/etc/r.env\n" in unit
    assert f"\nWorkingDirectory={django_settings.BASE_DIR}\n" in unit
    assert "--hostname couriers@%%h" in unit  # a single % would be systemd's own
    assert "\nKillMode=process\n" in unit


def test_the_units_are_printed_where_no_folder_is_named() -> None:
    said = manage("systemd", "--bind", "0.0.0.0:9000")
    assert said.out.count("[Service]") == len(SERVICES)
    assert "--bind 0.0.0.0:9000" in said.out


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    said = manage("systemd", "--into", str(tmp_path / "nowhere"))
    assert said.code == 2
    assert "nowhere cannot be written" in said.err
