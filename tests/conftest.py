from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from jobs_app.pools.shell import sharing
from jobs_app.script import job as handles
from tests.pool.fixtures import condor_pool as condor_pool


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--faults", choices=("sample", "all"), default="sample", help="how many places to kill processes at"
    )
    parser.addoption("--pictures", action="store_true", help="write the pictures of the pages in docs/images")


def pytest_configure() -> None:
    """What a shell starts in the background ignores Ctrl-C, and so would all that tests interrupt."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A database of its own for each run of the tests."""
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = tmp_path_factory.mktemp("database") / "test.sqlite3"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """Everything that a test makes lies below its own folder."""
    settings.ROOST_HOME = tmp_path / "home"
    yield settings.ROOST_HOME
    handles.forget_all()
    sharing.close_all()  # the next test logs in by itself


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob")


@pytest.fixture
def charlie(db: None) -> User:
    return User.objects.create_user("charlie")
