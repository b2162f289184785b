"""/readyz with a real Redis that dies and comes back."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from jobs_app.lifecycle import heartbeat
from tests.servers import redis_server


@pytest.mark.django_db
def test_a_broker_that_dies_is_said_and_one_that_is_back_too(settings: Any) -> None:
    heartbeat.beat()
    with redis_server() as broker:
        settings.ROOST_BACKGROUND, settings.CELERY_BROKER_URL = "celery", broker.url
        assert Client().get("/readyz").status_code == 200
        broker.end()
        assert Client().get("/readyz").json()["broker"] == "unreachable"
        broker.start()
        assert Client().get("/readyz").status_code == 200
