"""The REST API: pages of a million jobs by each filter, a refresh without news, a thousand jobs in a call."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

from benchmarks import million
from benchmarks.home import Home
from benchmarks.measure import Bench, Row, Times, in_milliseconds

FILTERS: dict[str, str] = {
    "none": "",
    "status": "status=COM",
    "active": "status=active",
    "user": "user=user7",
    "user and status": "user=user7&status=ERR",
    "app and template": "app=benchmarks.work&template=basic",
    "dates": "created_after=2020-01-01T00:00:00Z&created_before=2100-01-01T00:00:00Z",
    "ended, sorted by it": "ended_after=2020-01-01T00:00:00Z&sort=-ended",
    "by name": "sort=name",
    "text, in no job": "text=nowhere",
    "state point, of no job": 'statepoint={"options.x": -1}',
}


def measure(bench: Bench) -> Iterator[Row]:
    with million.home(bench.say) as ours:
        for name, query in FILTERS.items():
            times = Times.of([ours.call("api:pages", query=query, count=bench.size(50, 20))])
            yield in_milliseconds(f"API, 50 of 1 000 000 jobs: {name}", times, below_ms=200)
        times = Times.of([ours.call("api:refreshes", count=bench.size(200, 50))])
        yield in_milliseconds("API, refresh of 50 rows, nothing new", times, below_ms=5)
    with Home(bench.folder / "home") as fresh:
        times = Times.of([fresh.call("api:creations", count=bench.size(5, 2))])
        yield in_milliseconds("API, 1 000 jobs created in one call", times, below_ms=1000)


# --- inside -------------------------------------------------------------------------------------------------


def pages(query: str, count: int) -> list[float]:
    """Seconds of `count` pages, each the next of the one before (or the first again)."""
    client, cursor, times = _client(), "", []
    for _ in range(count):
        begun = time.perf_counter()
        page = client.get(f"/api/v1/jobs?{query}&cursor={cursor}").json()
        times.append(time.perf_counter() - begun)
        cursor = page["next"] or ""
    return times


def refreshes(count: int) -> list[float]:
    client = _client()
    rows = client.get("/api/v1/jobs").json()["jobs"]
    address = "/api/v1/jobs?" + "&".join(f"id={row['id']}" for row in rows)
    known = {"If-None-Match": client.get(address).headers["ETag"]}
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        answer = client.get(address, headers=known)
        times.append(time.perf_counter() - begun)
        assert (answer.status_code, answer.content) == (304, b"")
    return times


def creations(count: int) -> list[float]:
    client, times = _client(), []
    jobs = [{"name": f"job {number}"} for number in range(1000)]
    order = {"app": "benchmarks.work", "template": "basic", "jobs": jobs}
    for _ in range(count):
        key = {"Idempotency-Key": uuid.uuid4().hex}
        begun = time.perf_counter()
        answer = client.post("/api/v1/jobs", json.dumps(order), "application/json", headers=key)
        times.append(time.perf_counter() - begun)
        assert answer.status_code == 201, answer.content
    return times


def _client() -> Any:
    """Of one of the staff, who sees all jobs, with a token."""
    from django.contrib.auth.models import User
    from django.test import Client

    from jobs_app import tokens
    from jobs_app.permissions import SCOPES

    user, _ = User.objects.get_or_create(username="operator", defaults={"is_staff": True})
    _, text = tokens.make("figures", user, SCOPES)
    return Client(headers={"Authorization": f"Bearer {text}", "Host": "localhost"})
