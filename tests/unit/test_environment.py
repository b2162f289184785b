"""What the settings read from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import environment


def test_a_home_that_cannot_be_made_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ImproperlyConfigured, match=r"ROOST_HOME='.*/file/home' cannot be written to"):
        environment.secret(tmp_path / "file" / "home" / "secret_key")
