from __future__ import annotations

import re

import pytest

from jobs_app import metrics
from jobs_app.models import Scheduler


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(metrics, "_kept", {})


def test_jobs_are_counted_by_state(client, make_job):
    make_job(_status="RUN")
    make_job(_status="COM")
    make_job(_status="COM")
    said = client.get("/metrics").content.decode()
    assert 'roost_jobs{state="Running"} 1\n' in said
    assert 'roost_jobs{state="Complete"} 2\n' in said


def test_every_line_is_of_prometheus_form_whatever_a_scheduler_is_called(client, make_job):
    Scheduler.objects.create(name='a"b\\c\nd', kind="condor")
    lines = client.get("/metrics").content.decode().splitlines()
    sample = re.compile(r'[a-z_0-9]+(\{([a-z]+="([^"\\]|\\.)*",?)*\})? [0-9.e+-]+')
    assert [line for line in lines if not (line.startswith("# ") or sample.fullmatch(line))] == []
    assert any("roost_scheduler_sends" in line for line in lines)


def test_only_named_addresses_and_who_has_the_token_may_read_them(client, db, settings):
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.1").status_code == 403
    settings.ROOST_METRICS_FROM = ["10.0.0.0/8"]
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.1").status_code == 200
    settings.ROOST_METRICS_FROM, settings.ROOST_METRICS_TOKEN = [], "hush"
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 403
    assert client.get("/metrics", headers={"Authorization": "Bearer hush"}).status_code == 200


def test_what_is_final_is_not_counted_each_time(client, make_job, django_assert_max_num_queries):
    make_job(_status="COM")
    client.get("/metrics")
    make_job(_status="COM")
    assert 'roost_jobs{state="Complete"} 1\n' in client.get("/metrics").content.decode()
