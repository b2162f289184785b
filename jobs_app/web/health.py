"""Whether this server can work: for a load balancer, or for whoever wonders."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from jobs_app import conf
from jobs_app.lifecycle import heartbeat

OK = "ok"


@never_cache
def healthz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001
    """This process lives, and reaches its database."""
    if (said := _database()) != OK:
        return JsonResponse({"ok": False, "database": said}, status=503)
    return JsonResponse({"ok": True})


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001
    """All that a job needs on our side. In few words: this page is for everybody."""
    found = {"database": _database()}
    if found["database"] == OK:
        found |= {name: look() for name, look in _LOOKS.items()}
    well = all(said == OK for said in found.values())
    return JsonResponse({"ok": well, **found}, status=200 if well else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "unreachable"
    return OK


_migrated: set[str] = set()  # databases that were seen as new as the code: they do not grow older


def _migrations() -> str:
    name = str(connection.settings_dict["NAME"])
    if name not in _migrated:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return "older than the code"
        _migrated.add(name)
    return OK


def _background() -> str:
    return OK if heartbeat.is_alive() else "not seen lately"


def _broker() -> str:
    if conf.background() != "celery":
        return OK
    import redis

    try:
        redis.Redis.from_url(settings.CELERY_BROKER_URL, socket_timeout=2, socket_connect_timeout=2).ping()
    except redis.RedisError:
        return "unreachable"
    return OK


_LOOKS: dict[str, Callable[[], str]] = {
    "migrations": _migrations,
    "background": _background,
    "broker": _broker,
}
