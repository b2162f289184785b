"""The REST API behind the documented production server, with a million jobs: 20 programs, each asking every
two seconds by another filter; the refresh of 50 rows without news; a thousand jobs made in one call, and
handed over besides. On both databases."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
import urllib.parse
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from benchmarks import varied
from benchmarks.home import Home
from benchmarks.measure import Bench, Row, Times, in_milliseconds, slowest
from benchmarks.table import served

PROGRAMS, EVERY = 20, 2.0  # seconds

FILTERS: tuple[dict[str, str], ...] = (
    *({}, {"status": "COM"}, {"status": "active"}, {"user": "user7"}, {"user": "user7", "status": "ERR"}),
    *({"app": "app3"}, {"app": "app1", "template": "template6"}, {"scheduler": "east", "status": "HLD"}),
    {"created_after": "2026-01-01T00:00:00Z", "created_before": "2026-04-01T00:00:00Z"},
    {"ended_after": "2026-01-01T00:00:00Z", "sort": "-ended"},
    *({"sort": "name"}, {"user": "user9", "sort": "name"}, {"text": "basin"}, {"text": "nowhere"}),
    *({"statepoint": '{"a": 3}'}, {"statepoint": '{"a": -1}', "app": "app2"}),
)


def measure(bench: Bench) -> Iterator[Row]:
    with varied.on_sqlite(bench.folder / "sqlite", bench.say) as ours:
        yield from _figures(ours, bench, "SQLite", 200)
    with varied.on_postgresql(bench.folder / "postgresql", bench.say) as ours:
        yield from _figures(ours, bench, "PostgreSQL", 100)


def _figures(ours: Home, bench: Bench, database: str, below_ms: float) -> Iterator[Row]:
    tokens = ours.call("api:tokens_of", count=PROGRAMS)
    with served(ours) as port:
        bench.say(f"{PROGRAMS} programs at the API on {database} ...")
        yield _asked(port, tokens, bench.size(60, 16), database, below_ms)
        times = Times.of([_refreshed(port, tokens[-1], bench.size(300, 60))])
        yield in_milliseconds(f"API, refresh of 50 rows, nothing changed, {database}", times, below_ms=5)
        token = ours.call("api:token_that_writes")
        for execute in (False, True):
            times = Times.of([_created(port, token, bench.size(7, 3), execute=execute)])
            name = f"API, 1 000 jobs created{' and handed over' if execute else ''} in one call, {database}"
            yield in_milliseconds(name, times, below_ms=1000)


def _asked(port: int, tokens: list[str], seconds: float, database: str, below_ms: float) -> Row:
    programs = [Program(port, token) for token in tokens]
    for program in programs[:: PROGRAMS // 4]:  # what a process does once is not measured
        program.page({})
        program.asked.clear()
    threads = [
        threading.Thread(target=program.ask_on, args=(number, seconds))
        for number, program in enumerate(programs)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _row([each for program in programs for each in program.asked], database, below_ms)


def _row(asked: list[tuple[str, float]], database: str, below_ms: float) -> Row:
    times = Times.of([[seconds for _, seconds in asked]])
    by_query: dict[str, list[float]] = {}
    for query, seconds in asked:
        by_query.setdefault(query, []).append(seconds)
    name = f"API, 50 of 1 000 000 jobs, {PROGRAMS} programs, {database}"
    note = f"p95; median {times.median * 1e3:.0f} ms; {slowest(by_query)}"
    return Row(name, times.p95 * 1e3, "ms", f"p95 < {below_ms:g} ms", below_ms, note=note)


@dataclass
class Program:
    port: int
    token: str
    asked: list[tuple[str, float]] = field(default_factory=list)  # query, seconds

    def ask_on(self, number: int, seconds: float) -> None:
        """Of each filter three pages, each behind the one before."""
        time.sleep(EVERY * number / PROGRAMS)
        until = time.monotonic() + seconds
        for query in itertools.cycle(FILTERS[number % len(FILTERS) :] + FILTERS[: number % len(FILTERS)]):
            cursor = ""
            for _ in range(3):
                begun = time.monotonic()
                if begun > until:
                    return
                cursor = self.page(query, cursor)
                time.sleep(max(0.0, EVERY - (time.monotonic() - begun)))

    def page(self, query: dict[str, str], cursor: str = "") -> str:
        begun = time.perf_counter()
        status, body, _ = self.get(f"/api/v1/jobs?{urllib.parse.urlencode({**query, 'cursor': cursor})}")
        self.asked.append((urllib.parse.urlencode(query), time.perf_counter() - begun))
        if status != 200:
            raise RuntimeError(f"/api/v1/jobs {query} answered {status}: {body[:200]!r}")
        return json.loads(body)["next"] or ""

    def get(self, path: str, **headers: str) -> tuple[int, bytes, str]:
        return self.send("GET", path, **headers)

    def send(self, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, bytes, str]:
        connection = http.client.HTTPConnection("localhost", self.port, timeout=60)
        own = {"Authorization": f"Bearer {self.token}", **headers}
        connection.request(method, path, body, own)
        answer = connection.getresponse()
        found = answer.status, answer.read(), answer.headers.get("ETag", "")
        connection.close()
        return found


def _refreshed(port: int, token: str, count: int) -> list[float]:
    program, times = Program(port, token), []
    rows = json.loads(program.get("/api/v1/jobs")[1])["jobs"]
    path = "/api/v1/jobs?" + "&".join(f"id={row['id']}" for row in rows)
    known = {"If-None-Match": program.get(path)[2]}
    for _ in range(count):
        begun = time.perf_counter()
        status, body, _ = program.get(path, **known)
        times.append(time.perf_counter() - begun)
        if (status, body) != (304, b""):
            raise RuntimeError(f"a refresh without news answered {status} with {len(body)} bytes")
    return times


def _created(port: int, token: str, count: int, *, execute: bool) -> list[float]:
    program, times = Program(port, token), []
    jobs = [{"name": f"job {number}"} for number in range(1000)]
    order = json.dumps({"app": "benchmarks.work", "template": "basic", "jobs": jobs, "execute": execute})
    program.get("/api/v1/templates")  # what a process does once is not measured
    for _ in range(count):
        headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
        begun = time.perf_counter()
        status, body, _ = program.send("POST", "/api/v1/jobs", order, **headers)
        times.append(time.perf_counter() - begun)
        if status != 201:
            raise RuntimeError(f"a call for 1 000 jobs answered {status}: {body[:200]!r}")
    return times


# --- inside -------------------------------------------------------------------------------------------------


def tokens_of(count: int) -> list[str]:
    """Of people with their own and shared jobs, and of one of the staff, who sees all."""
    from django.contrib.auth.models import User

    from jobs_app import tokens

    names = [*(f"user{number}" for number in range(5, 5 + count // 2)), *["operator"] * (count - count // 2)]
    users = [User.objects.get(username=name) for name in names]
    return [tokens.make("figures", user, ["jobs:read"])[1] for user in users]


def token_that_writes() -> str:
    """Of one of the staff, who sees all jobs."""
    from django.contrib.auth.models import User

    from jobs_app import tokens

    user = User.objects.get(username="operator")
    return tokens.make("figures that write", user, ["jobs:read", "jobs:write"])[1]
