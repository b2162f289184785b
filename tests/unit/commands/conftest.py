from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError

from jobs_app.management import person
from jobs_app.models import Job, Project


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
    monkeypatch.setattr(person, "_name", lambda: "alice")


@pytest.fixture
def project(db: None, tmp_path: Path) -> Project:
    return Project.objects.create(name="ising", path=str(tmp_path / "ising"), app="examples.ising")


@pytest.fixture
def make_job(project: Project, alice: User) -> Callable[..., Job]:
    """A row with its directory, as if the lifecycle had brought it there."""

    def make(name: str = "cool", files: dict[str, bytes] | None = None, **fields: Any) -> Job:
        number = Job.objects.count() + 1
        given = {
            "type": "SCRIPT",
            "app": "examples.ising",
            "user": alice,
            "address": f"{number:032x}",
            **fields,
        }
        job = Job(project=project, name=name, **given)
        job.save()
        for file, content in (files or {}).items():
            path = job.directory / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return Job.objects.get(pk=job.pk)

    return make
