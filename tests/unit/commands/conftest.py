from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError

from jobs_app.management import person


@dataclass(frozen=True)
class Said:
    out: str
    err: str
    code: int

    @property
    def rows(self) -> list[list[str]]:
        return [line.split("\t") for line in self.out.splitlines()]

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def manage(*words: str) -> Said:
    """A command as in a pipe: what it wrote, and its exit code."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    try:
        call_command(*words, stdout=out, stderr=err)
    except CommandError as error:
        code = error.returncode
        err.write(str(error))
    except SystemExit as end:
        code = int(end.code or 0)
    return Said(out.getvalue(), err.getvalue(), code)


@pytest.fixture(autouse=True)
def at_alices_terminal(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(person, "login", lambda: "alice")
