from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import RequestFactory

from jobs_app import callbacks
from jobs_app.errors import UnknownJob
from jobs_app.manager import JobManager

from .conftest import NewApp

pytestmark = pytest.mark.django_db


def test_the_url_is_the_documented_one_with_a_capability(manager: JobManager, rf: RequestFactory) -> None:
    job = manager.create_job("one", None, job_type="BASIC")
    job.save()
    url = manager.get_job_status_callback_url(rf.get("/"), job.pk)
    assert url.startswith(f"http://testserver/update-job-status/{job.pk}/?")
    (key,) = parse_qs(urlsplit(url).query)["key"]
    assert callbacks.is_capability(job.pk, key)
    assert not callbacks.is_capability(job.pk + 1, key)


def test_it_works_without_a_request(manager: JobManager, settings: Any, rf: RequestFactory) -> None:
    job = manager.create_job("one", None, job_type="BASIC")
    job.save()
    assert manager.get_job_status_callback_url(None, job.pk).startswith("http://localhost:8000/update-job-")
    settings.ROOST_PUBLIC_URL = "https://roost.example/"
    for request in (None, rf.get("/", headers={"host": "testserver"})):
        url = manager.get_job_status_callback_url(request, job.pk)
        assert url.startswith(f"https://roost.example/update-job-status/{job.pk}/?key=")


def test_another_apps_job_has_none_here(manager: JobManager, new_app: NewApp) -> None:
    job = manager.create_job("one", None, job_type="BASIC")
    job.save()
    with pytest.raises(UnknownJob):
        new_app().get_job_manager().get_job_status_callback_url(None, job.pk)
