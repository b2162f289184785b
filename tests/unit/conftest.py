from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs_app.models import Job, Project


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
