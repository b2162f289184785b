"""docs/rest-api.md: what stands there works as typed, and names every operation."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs_app import tokens
from jobs_app.models import Job
from jobs_app.permissions import SCOPES
from tests.unit.web.api.openapi import OPERATIONS

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "rest-api.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.django_db(transaction=True, reset_sequences=True)
def test_what_is_typed_works(alice: User, live_server: Any) -> None:
    token = tokens.make("t", alice, SCOPES)[1]
    around = {**os.environ, "ROOST": live_server.url, "TOKEN": token}
    commands = blocks("sh")
    assert len(commands) > 5
    for command in commands:
        done = subprocess.run(
            ["bash", "-e", "-c", command], env=around, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, (command, done.stderr)
    assert [job.name for job in Job.objects.order_by("pk")] == ["small 1", "seed 1", "seed 2"]


@pytest.mark.django_db(transaction=True)
def test_the_python_works(alice: User, live_server: Any, capsys: Any) -> None:
    names = {"url": live_server.url, "token": tokens.make("t", alice, SCOPES)[1]}
    (program,) = blocks("python")
    exec(program, names)
    assert capsys.readouterr().out.endswith("Pending\n")


def test_the_reference_is_that_of_the_description() -> None:
    rows = re.findall(r"^\| `([A-Z]+)` \| `(/\S*)` \| (.*?) \| `(\S*)` \|$", TEXT, re.MULTILINE)
    scope = re.compile(r"Scope of a token: `(\S*)`")
    real = [
        (
            each.method,
            each.path.removeprefix("/api/v1"),
            each.about["summary"],
            scope.findall(each.about["description"])[0],
        )
        for each in OPERATIONS
    ]
    assert rows == real
