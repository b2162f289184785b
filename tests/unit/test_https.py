"""Where people come by HTTPS, through a proxy that says so, nothing goes another way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CODE = """
import json
from config import settings
names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS")
print(json.dumps({name: getattr(settings, name) for name in names}))
"""


def settings(home: Path, **environment: str) -> dict[str, Any]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ROOST_")}
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env={**plain, "ROOST_HOME": str(home), "ROOST_APPS": "", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_behind_a_proxy_with_an_https_address_all_is_for_https(tmp_path: Path) -> None:
    known = settings(tmp_path, ROOST_PUBLIC_URL="https://roost.example", ROOST_PROXIES="1")
    assert all(known.values())


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"ROOST_PUBLIC_URL": "http://roost.example", "ROOST_PROXIES": "1"},
        {"ROOST_PUBLIC_URL": "https://roost.example"},
    ],
)
def test_otherwise_nobody_is_locked_out(tmp_path: Path, environment: dict[str, str]) -> None:
    assert not any(settings(tmp_path, **environment).values())


def test_a_production_service_as_documented_passes_the_deployment_check(tmp_path: Path) -> None:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ROOST_")}
    documented = {
        "ROOST_HOME": str(tmp_path),
        "ROOST_DATABASE_URL": "postgres://roost:secret@localhost/roost",
        "ROOST_REDIS_URL": "redis://localhost:6379/0",
        "ROOST_PUBLIC_URL": "https://roost.example",
        "ROOST_HOSTS": "roost.example,localhost",
        "ROOST_PROXIES": "1",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=Path(__file__).resolve().parents[2],
        env={**plain, **documented},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "no issues" in done.stdout) == (0, True), done.stderr
