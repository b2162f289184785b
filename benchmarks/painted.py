"""What a person waits for: the first paint in a Chromium that was never here, and what came for it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

from benchmarks import job_page, server
from benchmarks.home import Home
from benchmarks.measure import Bench, Row, Skipped, Times, in_milliseconds

PAINTED = "performance.getEntriesByName('first-contentful-paint')"
HEAVIEST = 150  # kB


def measure(bench: Bench) -> Iterator[Row]:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if not program:
        raise Skipped("Chromium is not installed")
    with Home(bench.folder / "home") as ours:
        pk = ours.call("painted:make")["job"]
        with server.serve(ours) as process:
            yield from _rows(program, process, pk, bench.size(15, 5))


def make() -> dict[str, int]:
    """A job of a million slices, of the person who signs in on this machine."""
    from jobs_app.management import person
    from jobs_app.models import Job

    job = job_page._job(job_page.SLICES)
    Job.objects.filter(pk=job.pk).update(user=person.local())
    return {"job": job.pk}


def _rows(program: str, process: subprocess.Popen[str], pk: int, times: int) -> Iterator[Row]:
    from playwright.sync_api import sync_playwright

    link = next(line.strip() for line in process.stdout or () if "/sign-in/" in line)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        first = chromium.new_context()
        page = first.new_page()
        page.goto(link)
        page.wait_for_url("**/jobs/")
        address, known = page.url.removesuffix("/jobs/"), first.storage_state()
        pages = {"the table": ("/jobs/", None), "1 000 000 slices": (f"/jobs/{pk}/", 300)}
        for name, (path, below) in pages.items():
            seen = [_seen(chromium, known, address + path) for _ in range(times)]
            waits = Times.of([[milliseconds / 1e3 for milliseconds, _ in seen]])
            yield in_milliseconds(f"Chromium's first paint, {name}", waits, below_ms=below)
            weight = seen[0][1] / 1000
            yield Row(f"weight of a first visit, {name}", weight, "kB", f"< {HEAVIEST} kB", HEAVIEST)
        chromium.close()


def _seen(chromium: Any, known: Any, address: str) -> tuple[float, int]:
    """Milliseconds to the first paint, and bytes, of a browser without a cache."""
    context, answers = chromium.new_context(storage_state=known), []
    page = context.new_page()

    def keep(answer: Any) -> None:  # Playwright takes no built-in method
        answers.append(answer)

    page.on("response", keep)
    page.goto(address, wait_until="load")
    page.wait_for_function(f"{PAINTED}.length")
    sizes = [answer.request.sizes() for answer in answers]
    painted = page.evaluate(f"{PAINTED}[0].startTime")
    context.close()
    return painted, sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)
