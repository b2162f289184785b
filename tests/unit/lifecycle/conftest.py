from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs_app.compute import embedded
from jobs_app.courier import Courier
from jobs_app.lifecycle import link
from jobs_app.models import CondorJob, Job, Project

from .fake_pool import FakePool


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Any) -> Path:
    settings.ROOST_HOME = tmp_path
    return tmp_path


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> FakePool:
    fake = FakePool()
    monkeypatch.setitem(link.OPENERS, "embedded", lambda scheduler: fake)
    return fake


@pytest.fixture
def courier(db: None, pool: FakePool) -> Iterator[Courier]:
    courier = Courier(embedded())
    assert courier.take()
    yield courier
    courier.close()


@pytest.fixture
def project(db: None, home: Path) -> Project:
    return Project.objects.create(name="demo", path=str(home / "projects" / "demo"), app="demo")


@pytest.fixture
def new_job(project: Project, alice: User) -> Callable[..., Job]:
    """An executable's job, saved."""

    def new(name: str = "work", model: type[Job] = CondorJob, **parameters: Any) -> Job:
        kind = next(kind for kind, known in Job.types.items() if known is model)
        after = parameters.pop("after", ())
        columns = {name: parameters.pop(name) for name in ("priority",) if name in parameters}
        if model is CondorJob:
            parameters = {"executable": "/bin/true", **parameters}
        job = model(project=project, app="demo", type=kind, name=name, user=alice, **columns)
        job.parameters = parameters
        job.link(after=after)
        job.save()
        return job

    return new
