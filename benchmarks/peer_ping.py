"""What Healthchecks does at a ping, as little of it as can be, for the figure of callbacks.

The check is locked and updated, and its ping kept, in one transaction; Django's usual middleware is there.
"""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


@csrf_exempt
def ping(request: HttpRequest, number: int) -> HttpResponse:
    lock = " FOR UPDATE" if connection.vendor == "postgresql" else ""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT id, n_pings, status FROM peer_check WHERE id = %s{lock}", [number])
        pk, pings, _ = cursor.fetchone()
        now, address = timezone.now(), request.META["REMOTE_ADDR"]
        update = "UPDATE peer_check SET n_pings = %s, last_ping = %s, status = 'up' WHERE id = %s"
        cursor.execute(update, [pings + 1, now, pk])
        insert = "INSERT INTO peer_ping (owner, n, created, scheme, remote_addr, method, ua) VALUES "
        values = [pk, pings + 1, now, request.scheme, address, request.method, ""]
        cursor.execute(insert + "(%s, %s, %s, %s, %s, %s, %s)", values)
    return HttpResponse("OK")


urlpatterns = [path("ping/<int:number>", ping)]


def make(count: int) -> bool:
    key = "INTEGER PRIMARY KEY" if connection.vendor == "sqlite" else "BIGSERIAL PRIMARY KEY"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE peer_check (id {key}, n_pings INT, last_ping TIMESTAMP, status TEXT)")
        columns = (
            "owner INTEGER, n INTEGER, created TIMESTAMP, scheme TEXT, remote_addr TEXT, method TEXT, ua TEXT"
        )
        cursor.execute(f"CREATE TABLE peer_ping (id {key}, {columns})")
        cursor.execute("CREATE INDEX peer_ping_owner ON peer_ping (owner)")
        rows: list[Any] = [[0, "new"]] * count
        cursor.executemany("INSERT INTO peer_check (n_pings, status) VALUES (%s, %s)", rows)
    return True


if os.environ.get("PEER_PING"):
    settings.ROOT_URLCONF, settings.MIDDLEWARE = __name__, MIDDLEWARE
    application = get_wsgi_application()
