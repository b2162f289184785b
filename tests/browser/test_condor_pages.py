"""Jobs on a real HTCondor pool, as their pages show them: output, a hold and its cure, what stayed there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.pool.pool import TestPool

from .conftest import DESK, PATIENCE, Judge, Server, Watch, serving

pytestmark = pytest.mark.pool
LONG = 3 * PATIENCE


@pytest.fixture(scope="module")
def on_pool(condor_pool: TestPool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    pool = (condor_pool.host, condor_pool.user, str(condor_pool.key), condor_pool.host_key)
    with serving(tmp_path_factory.mktemp("on-pool"), "tests.browser.furnish_pool", *pool) as server:
        yield server


OpenJob = Callable[[str], Page]


@pytest.fixture
def open_job(chromium: Browser, on_pool: Server) -> Iterator[OpenJob]:
    watch = Watch(urlsplit(on_pool.address).netloc)
    context = chromium.new_context(base_url=on_pool.address, viewport=DESK, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    context.add_cookies([{"name": "sessionid", "value": on_pool.sessions["alice"], "url": on_pool.address}])
    watch.over(context)

    def opened(name: str) -> Page:
        page = context.new_page()
        page.goto(f"/jobs/{on_pool.jobs[name]}/")
        return page

    yield opened
    context.close()
    assert watch.said == []


def state(page: Page, words: str) -> None:
    expect(page.locator("#job-head .state")).to_have_text(re.compile(words), timeout=LONG)


def last_line(page: Page) -> int:
    return int(re.findall(r"line (\d+)", page.locator("#output").inner_text())[-1])


def test_what_a_slice_prints_is_watched_while_it_runs_there(open_job: OpenJob, on_pool: Server) -> None:
    page = open_job("talking")
    state(page, "Running")
    page.goto(f"/jobs/{on_pool.jobs['talking']}/output/?part=1")
    output = page.locator("#output")
    expect(output).to_contain_text("<b>of slice 1</b>", timeout=LONG)
    expect(output.locator(".f2").first).to_have_text(re.compile("line"))
    seen = last_line(page)
    expect(output).to_contain_text(f"line {seen + 4} ", timeout=LONG)
    lines = [int(number) for number in re.findall(r"line (\d+)", output.inner_text())]
    assert lines == list(range(1, len(lines) + 1))
    page.get_by_label("Find").fill(f"line {seen} ")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator(".found li")).to_have_count(1)
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download", exact=True).click()
    assert f"line {seen}\x1b[0m <b>" in Path(saved.value.path()).read_text()
    page.goto(f"/jobs/{on_pool.jobs['talking']}/")
    page.get_by_role("button", name="Stop", exact=True).first.click()
    page.get_by_role("dialog").get_by_role("button", name="Stop", exact=True).click()
    state(page, "Aborted")


def test_a_held_job_is_cured_by_the_button_beside_its_reason(open_job: OpenJob, serious: Judge) -> None:
    page = open_job("greedy")
    state(page, "Held")
    why = page.locator("#job-why")
    expect(why).to_contain_text("memory")
    assert serious(page) == []
    why.get_by_label("memory").fill("600")
    why.get_by_role("button", name="Raise and let it go on").click()
    expect(page.get_by_text("It gets more and goes on.")).to_be_visible()
    state(page, "Complete")
    expect(page.locator("#output")).to_contain_text("enough now", timeout=LONG)


def test_a_result_that_stayed_there_is_opened_from_the_page(open_job: OpenJob, on_pool: Server) -> None:
    page = open_job("far")
    state(page, "Complete")
    page.goto(f"/jobs/{on_pool.jobs['far']}/files/")
    expect(page.get_by_role("row", name=re.compile("large.txt"))).to_contain_text("on the pool")
    page.get_by_role("link", name="large.txt", exact=True).click()
    shown = page.locator("pre.ansi")
    for _ in range(20):  # it is brought meanwhile, and the page offers to try again
        if shown.count():
            break
        page.reload()
        page.locator("main pre.ansi, main .empty").first.wait_for()
    expect(shown).to_contain_text("4321\n")
    assert any(path.stat().st_size > 1_000_000 for path in Path(on_pool.home).rglob("large.txt"))
