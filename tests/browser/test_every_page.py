"""Every page: nothing serious to the accessibility engine, in light and in dark, at a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Page, expect

from .conftest import PHONE, Judge, Open, Server, Watch

PAGES = {
    "the jobs": "/jobs/",
    "no jobs": "/jobs/?status=EXT",
    "a draft": "/jobs/1/",
    "a held job": "/jobs/2/",
    "a paused job": "/jobs/3/",
    "a broken job": "/jobs/4/",
    "a half done job": "/jobs/5/",
    "a finished job": "/jobs/7/",
    "a real job": "/jobs/8/",
    "its slices": "/jobs/8/slices/",
    "its output": "/jobs/8/output/",
    "what was asked": "/jobs/8/asked/",
    "its document": "/jobs/8/document/",
    "its relations": "/jobs/8/relations/",
    "its files": "/jobs/8/files/",
    "a table of it": "/jobs/8/view/forecast.csv",
    "a picture of it": "/jobs/8/view/sky.png",
    "JSON of it": "/jobs/8/view/forecast.json",
    "choosing a template": "/new/",
    "a form": "/new/?app=tests.browser.lab&template=forecast",
    "a form with files": "/new/?app=tests.browser.lab&template=convert",
    "again with changes": "/new/from/4/",
    "the results": "/results/",
    "the tokens": "/tokens/",
    "the schedulers": "/schedulers/",
    "the notices": "/notices/",
    "the account": "/account/",
}
SHOWN = {  # of whom PAGES cannot tell: what stands on show (showcase.py), and a page of it
    "too large a job": ("idle", ""),
    "a held job with its cures": ("held", ""),
    "a pool that is silent": ("unreachable", ""),
    "a million slices": ("million", ""),
    "some of a million": ("million", "slices/?first=500000&count=5000"),
    "those that failed": ("million", "slices/?state=failed"),
    "slices in all states": ("slices", "slices/"),
    "a workflow": ("flow", ""),
    "its graph": ("flow", "relations/"),
    "a chain": ("chain", "relations/"),
    "a hostile name": ("hostile", ""),
    "a shared job": ("shared", ""),
    "a former attempt": ("again", "attempts/1/"),
    "a job of a gallery": ("gallery", ""),
    "the gallery": ("gallery", "files/"),
    "a text": ("gallery", "view/log.txt"),
    "Markdown": ("gallery", "view/notes.md"),
    "Parquet": ("gallery", "view/waves.parquet"),
    "HDF5": ("gallery", "view/field.h5"),
    "deep JSON": ("gallery", "view/deep.json"),
    "what cannot be shown": ("gallery", "view/thing.bin"),
    "nothing was printed": ("real flow", "output/?part=4"),
}
HERS = {
    "her jobs": "/jobs/",
    "many filters": "/jobs/?app=tests.browser.lab&text=a&status=RUN",
    "a wrong filter": "/jobs/?point=%7B%7B&created_from=some+day",
    "her results": "/results/",
    "her tokens": "/tokens/",
    "her account, without a password": "/account/",
    "her notices": "/notices/",
}
FOR_STAFF = {"everybody's jobs": "/jobs/", "who did what": "/audit/", "the schedulers": "/schedulers/"}


def sideways(page: Page) -> int:
    """How many pixels of the page lie beyond the window's edge."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def each_reader(open_page: Open, server: Server, **how: Any) -> Iterator[tuple[Page, dict[str, str]]]:
    page = open_page(**how)
    page.goto("/jobs/8/")
    expect(page.locator(".state").first).to_have_text("Complete")
    yield page, PAGES
    yield open_page("olga", **how), FOR_STAFF
    page = open_page("grace", **how)
    page.goto(f"/jobs/{server.jobs['gallery']}/")
    expect(page.locator(".state").first).to_have_text("Complete")
    shown = {name: f"/jobs/{server.jobs[job]}/{rest}" for name, (job, rest) in SHOWN.items()}
    yield page, {**HERS, **shown}


@pytest.mark.parametrize(("colours", "rules"), [("light", ()), ("dark", ("color-contrast",))])
def test_nothing_serious_is_found_on_any_page(
    open_page: Open, server: Server, serious: Judge, colours: str, rules: tuple[str, ...]
) -> None:
    found = {}
    for page, pages in each_reader(open_page, server, color_scheme=colours):
        for name, address in pages.items():
            page.goto(address)
            found[name] = serious(page, *rules)
    assert {name: each for name, each in found.items() if each} == {}


def test_no_page_is_wider_than_a_phone(open_page: Open, server: Server) -> None:
    found = {}
    for page, pages in each_reader(open_page, server, viewport=PHONE, has_touch=True, is_mobile=True):
        for name, address in pages.items():
            page.goto(address)
            found[name] = sideways(page)
    assert {name: each for name, each in found.items() if each} == {}


def test_the_sign_in_and_the_pages_that_say_no_are_sound(
    open_page: Open, serious: Judge, watch: Watch
) -> None:
    watch.expected = {403, 404, 500}
    page = open_page(user=None)
    page.goto("/sign-in/")
    assert (sideways(page), serious(page)) == (0, [])
    page.goto("/sign-in/not-a-link/")
    assert (sideways(page), serious(page)) == (0, [])
    page = open_page()
    page.goto("/jobs/999999/")
    assert "There is nothing here" in page.content()
    assert serious(page) == []
    said = render_to_string("500.html")
    page.route("**/boom", lambda route: route.fulfill(status=500, body=said, content_type="text/html"))
    page.goto("/boom")
    assert serious(page) == []


def test_the_administration_needs_nothing_that_our_policy_forbids(open_page: Open) -> None:
    """A thing that it forbids would be said on the console, and fail here."""
    page = open_page("olga")
    for place in ("", "jobs_app/template/", "jobs_app/template/add/", "jobs_app/job/1/change/"):
        page.goto(f"/admin/{place}")
    page.goto("/admin/jobs_app/scheduler/")
    page.get_by_role("link", name="embedded", exact=True).click()
    page.get_by_text("Add another User limit").click()
    page.locator("[name=position]").fill("7")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()


def test_the_page_to_try_the_api_is_sound(open_page: Open) -> None:
    page = open_page(viewport=PHONE)
    page.goto("/api/v1/docs")
    page.get_by_text("Make one job or many").first.wait_for()
    assert sideways(page) == 0
    page.get_by_role("banner").get_by_role("link", name="Jobs", exact=True).click()
    page.wait_for_url("**/jobs/")


def test_the_page_says_where_one_is_also_on_a_phone(open_page: Open, server: Server) -> None:
    page = open_page("grace", viewport=PHONE, has_touch=True, is_mobile=True)
    for address in ("/tokens/", f"/jobs/{server.jobs['chain']}/relations/"):
        page.goto(address)
        expect(page.locator("nav [aria-current=page]").last).to_be_in_viewport(ratio=0.95)


def test_what_is_asked_before_it_is_done_is_sound(open_page: Open, serious: Judge) -> None:
    """A sweep's jobs, the dialog before many are stopped, the menu of a row, the form with its errors."""
    page = open_page(viewport=PHONE, has_touch=True, is_mobile=True)
    page.goto("/new/?app=tests.browser.lab&template=forecast")
    page.get_by_text("A sweep: many jobs at once").click()
    page.get_by_role("button", name="Fill in as a table").click()
    assert (sideways(page), serious(page)) == (0, [])
    page.get_by_label("Ranges or a table").fill("days = 31:33\nmodel = coarse, fine")
    page.get_by_role("button", name="Save only").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("6 jobs of forecast")
    assert (sideways(page), serious(page)) == (0, [])
    page.goto("/jobs/")
    page.get_by_label("Choose job").first.check()
    page.get_by_label("What to do").select_option(label="Delete")
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_role("dialog")).to_contain_text("job")
    assert (sideways(page), serious(page)) == (0, [])
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Columns").click()
    expect(page.locator(".columns-menu")).to_be_visible()
    assert (sideways(page), serious(page)) == (0, [])
