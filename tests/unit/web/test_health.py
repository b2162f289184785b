from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from jobs_app.lifecycle import heartbeat
from jobs_app.models import Heartbeat


def gone() -> None:
    raise DatabaseError("gone")


def test_it_says_that_it_can_work(client, db):
    assert client.get("/healthz").json() == {"ok": True}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_it_says_so_when_the_database_is_gone(client, db, monkeypatch, path):
    with monkeypatch.context() as while_asking:
        while_asking.setattr(connection, "cursor", gone)
        answer = client.get(path)
        assert (answer.status_code, answer.json()["database"]) == (503, "unreachable")


def test_it_is_ready_when_the_background_was_seen_to_work(client, db):
    assert client.get("/readyz").status_code == 503
    heartbeat.beat()
    assert client.get("/readyz").json() == {
        "ok": True,
        "database": "ok",
        "migrations": "ok",
        "background": "ok",
        "broker": "ok",
    }
    Heartbeat.objects.update(at=timezone.now() - timedelta(minutes=5))
    assert client.get("/readyz").json()["background"] == "not seen lately"


def test_a_broker_out_of_reach_is_said_without_its_address(client, db, settings):
    heartbeat.beat()
    settings.ROOST_BACKGROUND, settings.CELERY_BROKER_URL = "celery", "redis://:hush@127.0.0.1:1/0"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["broker"]) == (503, "unreachable")
    assert b"hush" not in answer.content
