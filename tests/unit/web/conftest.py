from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from jobs_app.jobdir import manifest
from jobs_app.models import Job


@pytest.fixture
def bob(bob: User) -> User:
    """In the group that alice may share with."""
    bob.groups.add(Group.objects.create(name="hydrology"))
    return bob


@pytest.fixture
def page_of(client: Client) -> Callable[[User], Client]:
    def sign_in(user: User) -> Client:
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def finished(make_job: Callable[..., Job]) -> Callable[..., Job]:
    """A job that ended well, with two registered files."""

    def make(name: str = "cool", **fields: Any) -> Job:
        job = make_job(name, {"plot.png": b"x", "a/b.csv": b"1", ".roost/x": b""}, _status="COM", **fields)
        manifest.write(job.paths, manifest.build(job.directory, ["plot.png", "a/b.csv"]))
        return job

    return make
