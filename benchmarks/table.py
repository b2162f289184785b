"""The jobs table with a million jobs behind the documented production server: 20 people, each asking every
two seconds, some by one filter, some by several, some for pages deep inside; the refresh without news; what
the first load weighs. On both databases."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks import varied
from benchmarks.home import ROOT, Home
from benchmarks.measure import Bench, Row, Times, in_milliseconds, slowest
from tests.servers import free_port

PEOPLE, EVERY = 20, 2.0  # seconds

ONE = (
    *("", "status=COM", "status=active", "status=HLD", "app=app3", "template=template4", "user=user7"),
    *("scheduler=east", "created_from=2025-06-01&created_to=2025-06-30", "ended_from=2025-06-01", "mine=1"),
    *("point=a=3", "text=basin", "text=run+4711", "sort=name", "sort=-ended", "sort=status", "sort=app"),
)
SEVERAL = (
    *("status=ERR&app=app2", "user=user7&status=active", "app=app1&template=template6&status=COM"),
    *("scheduler=west&user=user9&sort=name", "created_from=2025-03-01&status=ABT&user=user3"),
    *("text=basin&app=app4&status=ERR", "point=a=3&user=user5", "status=COM&sort=-ended&app=app0"),
    *("mine=1&status=ERR&sort=name", "text=nowhere&scheduler=east"),
)
_NEXT = re.compile(r'rel="next" href="([^"]+)"')
_UNFINISHED = "Searched so far:"


def measure(bench: Bench) -> Iterator[Row]:
    with varied.on_sqlite(bench.folder / "sqlite", bench.say) as ours:
        yield from _figures(ours, bench, "SQLite", 200)
    with varied.on_postgresql(bench.folder / "postgresql", bench.say) as ours:
        yield from _figures(ours, bench, "PostgreSQL", 100)


def _figures(ours: Home, bench: Bench, database: str, below_ms: float) -> Iterator[Row]:
    cookies = ours.call("table:sign_in", count=PEOPLE)
    times = Times.of([ours.call("table:processor", queries=[*ONE, *SEVERAL])])
    note = (
        "of the server's process alone, each filter and combination once: busy machines do not change it much"
    )
    name = f"jobs table, 1 000 000 jobs, {database}: processor time of a page"
    yield Row(name, times.median * 1e3, "ms", "", None, p95=times.p95 * 1e3, note=note)
    with served(ours) as port:
        for name, queries in (("one filter", ONE), ("several filters", SEVERAL), ("deep pages", DEEP)):
            bench.say(f"{PEOPLE} people at the jobs table on {database}: {name} ...")
            asked = _asked(port, cookies, queries, bench.size(60, 16))
            yield _p95(f"jobs table, 1 000 000 jobs, {PEOPLE} people, {database}: {name}", asked, below_ms)
        yield _searches(port, [cookies[0], cookies[-1]], database, bench)
        refreshes = Times.of([_refreshed(port, cookies[-1], bench.size(300, 60))])
        yield in_milliseconds(f"refresh of 50 rows, nothing changed, {database}", refreshes, below_ms=5)
        weight = _weight(port, cookies[-1]) / 1000
        yield Row(f"page weight of the table, first load, {database}", weight, "kB", "< 150 kB", 150)


def _p95(name: str, asked: Asked, below_ms: float) -> Row:
    """The target is for the 95th percentile."""
    times = asked.times
    note = f"p95; median {times.median * 1e3:.0f} ms; {asked.slowest}"
    return Row(name, times.p95 * 1e3, "ms", f"p95 < {below_ms:g} ms", below_ms, note=note)


@contextlib.contextmanager
def served(ours: Home) -> Iterator[int]:
    """As the unit `roost-web` runs it."""
    port = free_port()
    command = ours.call("table:command", port=port)
    log = (ours.folder / "web.log").open("wb")
    server = subprocess.Popen(
        command, cwd=ROOT, env=ours.environment, stdout=log, stderr=log, start_new_session=True
    )
    try:
        _wait(port)
        yield port
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
        log.close()


def _wait(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("localhost", port, timeout=5)
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError("The web server did not begin within a minute.")


# --- people -------------------------------------------------------------------------------------------------


@dataclass
class Person:
    port: int
    cookie: str
    seconds: list[float] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def get(self, path: str, **headers: str) -> tuple[int, str, str]:
        """Over a connection of its own, as after two quiet seconds; status, text, stamp."""
        connection = http.client.HTTPConnection("localhost", self.port, timeout=60)
        begun = time.perf_counter()
        connection.request("GET", path, headers={"Cookie": self.cookie, **headers})
        answer = connection.getresponse()
        text = answer.read().decode()
        self.seconds.append(time.perf_counter() - begun)
        connection.close()
        return answer.status, text, answer.headers.get("ETag", "")

    def forget(self) -> None:
        self.seconds.clear()
        self.asked.clear()

    def page(self, query: str) -> str:
        self.asked.append(query)
        status, text, _ = self.get(f"/jobs/?{query}")
        if status != 200:
            raise RuntimeError(f"/jobs/?{query} answered {status}")
        return text


DEEP = ("deep",)


@dataclass(frozen=True)
class Asked:
    times: Times
    slowest: str  # queries, and how long they take


def _asked(port: int, cookies: list[str], queries: tuple[str, ...], seconds: float) -> Asked:
    people = [Person(port, cookie) for cookie in cookies]
    for person in people[:: PEOPLE // 4]:  # what a process does once is not measured
        person.page(queries[0] if queries is not DEEP else "")
        person.forget()
    threads = [
        threading.Thread(target=_ask, args=(person, number, queries, seconds))
        for number, person in enumerate(people)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Asked(Times.of([person.seconds for person in people]), _by_query(people))


def _by_query(people: list[Person]) -> str:
    by_query: dict[str, list[float]] = {}
    for person in people:
        for query, seconds in zip(person.asked, person.seconds, strict=True):
            by_query.setdefault(query.partition("after=")[0] or "no filter", []).append(seconds)
    return slowest(by_query)


def _ask(person: Person, number: int, queries: tuple[str, ...], seconds: float) -> None:
    time.sleep(EVERY * number / PEOPLE)
    until, wanted = time.monotonic() + seconds, itertools.cycle(queries[number % len(queries) :] + queries)
    address = ""
    while time.monotonic() < until:
        begun = time.monotonic()
        text = person.page(address if queries is DEEP else next(wanted))
        following = _NEXT.search(text)
        address = following[1].replace("&amp;", "&").partition("?")[2] if following else ""
        time.sleep(max(0.0, EVERY - (time.monotonic() - begun)))


def _searches(port: int, cookies: list[str], database: str, bench: Bench) -> Row:
    """Of those whose first page comes unfinished, since its time was up."""
    bench.say(f"searches on {database} that go on behind their first page ...")
    found = [
        search
        for cookie in cookies
        for query in (*ONE, *SEVERAL)
        if (search := _searched(port, cookie, query))
    ]
    found.sort(key=lambda search: -search.seconds)
    name = f"jobs table, 1 000 000 jobs, {database}: a search until a page is complete, the slowest"
    told = "; ".join(f"{each.query} {each.seconds:.1f} s in {each.loads} loads" for each in found[:5])
    said = (
        f"{len(found)} searches do not end with their first page: {told}"
        if found
        else "each ends with its first page"
    )
    return Row(name, found[0].seconds if found else 0.0, "s", "", None, note=said)


@dataclass(frozen=True)
class Search:
    query: str
    seconds: float
    loads: int


def _searched(port: int, cookie: str, query: str) -> Search | None:
    """Goes on as the page's script does, or as who presses "Search further" where something was found. None
    for one that ends with its first page."""
    person = Person(port, cookie)
    text = person.page(query)
    while _UNFINISHED in text and (following := _NEXT.search(text)):
        by_script = "data-further" in text
        address = following[1].replace("&amp;", "&").partition("?")[2]
        text = person.page(address)
        if by_script and "data-further" not in text:
            text = person.page(address)  # the script only looked, and now goes there
    loads = len(person.seconds)
    return Search(query, sum(person.seconds), loads) if loads > 1 else None


def _refreshed(port: int, cookie: str, count: int) -> list[float]:
    person = Person(port, cookie)
    text = person.page("")
    sealed, stamp = _named(text, r'name="table" value="([^"]+)"'), _named(text, r'data-etag="([^"]+)"')
    person.seconds.clear()
    for _ in range(count):
        told = person.get("/tables/rows/", **{"Roost-Table": sealed, "If-None-Match": stamp})
        if told[:2] != (304, ""):
            raise RuntimeError(f"a refresh without news answered {told[0]} with {len(told[1])} bytes")
    return person.seconds


def _named(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise RuntimeError(f"The page does not show {pattern}")
    return found[1].replace("&quot;", '"')


def _weight(port: int, cookie: str) -> int:
    """The page and all that it loads, as it comes over the wire."""
    person = Person(port, cookie)
    text = person.page("")
    loaded = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', text))
    return len(text.encode()) + sum(len(person.get(path)[1].encode()) for path in loaded)


# --- inside -------------------------------------------------------------------------------------------------


def sign_in(count: int) -> list[str]:
    """Cookies: of people with their own and shared jobs, and of one of the staff, who sees all."""
    from django.contrib.auth.models import User
    from django.test import Client

    names = [*(f"user{3 * number}" for number in range(count // 2)), *["operator"] * (count - count // 2)]
    cookies = []
    for name in names:
        client = Client()
        client.force_login(User.objects.get(username=name))
        cookies.append(f"sessionid={client.cookies['sessionid'].value}")
    return cookies


def processor(queries: list[str]) -> list[float]:
    """Seconds of it that each page costs."""
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client(headers={"Host": "localhost"})
    client.force_login(User.objects.get(username="operator"))
    client.get("/jobs/")
    times = []
    for query in queries:
        begun = time.process_time()
        answer = client.get(f"/jobs/?{query}")
        times.append(time.process_time() - begun)
        if answer.status_code != 200:
            raise RuntimeError(f"/jobs/?{query} answered {answer.status_code}")
    return times


def command(port: int) -> list[str]:
    from jobs_app.services import Sizes, services

    listed: Any = services(Sizes(f"127.0.0.1:{port}"))
    return list(next(service for service in listed if service.name == "web").argv)
