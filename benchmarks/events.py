"""Events of HTCondor's log a second, written into the rows of jobs. One event is a submit, an execute or a
terminate of one slice; jobs of one slice are the hard case, as each event changes four rows of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from benchmarks.home import Home
from benchmarks.measure import Bench, Row, Skipped, not_measured, per_second
from tests.servers import postgres

ENOUGH = 50_000  # events a second


def measure(bench: Bench) -> Iterator[Row]:
    with Home(bench.folder / "sqlite") as home:
        yield from _rates(bench, home, "SQLite")
    try:
        with ExitStack() as stack:
            url = _postgres(stack)
            with Home(bench.folder / "postgresql", ROOST_DATABASE_URL=url) as home:
                yield from _rates(bench, home, "PostgreSQL")
    except Skipped as why:
        yield not_measured("events of jobs, PostgreSQL", str(why))


def _postgres(stack: ExitStack) -> str:
    try:
        return stack.enter_context(postgres())
    except pytest.skip.Exception as why:
        raise Skipped(str(why)) from why


def _rates(bench: Bench, home: Home, database: str) -> Iterator[Row]:
    root, count = str(home.enrol(bench.pool())), bench.size(10_000, 3_000)
    cases = (
        ("jobs of one slice, all of a job in one reading", {"count": count, "apart": False}),
        ("jobs of one slice, each event in a reading of its own", {"count": count}),
        ("one job of many slices", {"count": 1, "slices": bench.size(100_000, 20_000)}),
    )
    for name, size in cases:
        bench.say(f"{database}: {name} ...")
        took = home.call("recorded:rates", root=root, **size)
        whole = took["events"] / (took["read"] + took["record"])
        note = f"with fetching and reading the log over SSH in the same thread {whole:,.0f}/s"
        if database == "PostgreSQL" and size["count"] > 1:
            bare = count / home.call("recorded:bare_updates", count=count)
            note += (
                f"; a bare UPDATE of the status of these jobs does {bare:,.0f} rows/s: "
                "PostgreSQL writes all indexes of a row anew when an indexed column changes"
            )
        note = note.replace(",", " ")
        yield per_second(f"events, {database}: {name}", took["events"] / took["record"], ENOUGH, note=note)
