from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs_app.models import CondorJob, Job, Project

NewJob = Callable[..., Any]


@pytest.fixture
def project(db: None, home: Path) -> Project:
    return Project.objects.create(name="demo", path=str(home / "projects" / "demo"), app="demo")


@pytest.fixture
def new_job(project: Project, alice: User) -> NewJob:
    def new(model: type[Job] = CondorJob, **fields: Any) -> Job:
        kind = next(name for name, known in Job.types.items() if known is model)
        job = model(
            **{"project": project, "app": "demo", "type": kind, "name": "work", "user": alice, **fields}
        )
        job.save()
        return job

    return new
