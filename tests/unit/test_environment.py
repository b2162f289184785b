"""What the settings read from the environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import environment

ROOT = Path(__file__).resolve().parents[2]


def test_a_home_that_cannot_be_made_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ImproperlyConfigured, match=r"ROOST_HOME='.*/file/home' cannot be written to"):
        environment.secret(tmp_path / "file" / "home" / "secret_key")


def test_a_home_that_is_a_file_is_named_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ImproperlyConfigured, match=r"ROOST_HOME='.*/file' cannot be written to"):
        environment.secret(tmp_path / "file" / "secret_key")


def test_an_empty_home_is_the_usual_one() -> None:
    """Not the folder in which one happens to stand: what a script left empty must not fill a checkout."""
    asked = [sys.executable, "-c", "from config.settings import *; print(ROOST_HOME == BASE_DIR / '.roost')"]
    known = {**os.environ, "ROOST_HOME": "", "ROOST_SECRET_KEY": "x", "ROOST_APPS": ""}
    said = subprocess.run(asked, env=known, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert said.stdout == "True\n"
