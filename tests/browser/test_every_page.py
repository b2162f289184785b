"""Every page: nothing serious to the accessibility engine, in light and in dark, at a desk and on a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from .conftest import PHONE, Judge, Open, Watch

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"

PAGES = {
    "the jobs": "/jobs/",
    "no jobs": "/jobs/?status=EXT",
    "a draft": "/jobs/1/",
    "a held job": "/jobs/2/",
    "a paused job": "/jobs/3/",
    "a broken job": "/jobs/4/",
    "a half done job": "/jobs/5/",
    "a finished job": "/jobs/7/",
    "choosing a template": "/new/",
    "a form": "/new/?app=tests.browser.lab&template=forecast",
    "a form with files": "/new/?app=tests.browser.lab&template=convert",
    "again with changes": "/new/from/4/",
    "the tokens": "/tokens/",
}


def sideways(page: Page) -> int:
    """How many pixels of the page lie beyond the window's edge."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_nothing_serious_is_found_on_any_page(open_page: Open, serious: Judge, colours: str) -> None:
    page = open_page(color_scheme=colours)
    found = {}
    for name, address in PAGES.items():
        page.goto(address)
        found[name] = serious(page)
    assert {name: each for name, each in found.items() if each} == {}


def test_no_page_is_wider_than_a_phone(open_page: Open, serious: Judge) -> None:
    page = open_page(viewport=PHONE, has_touch=True, is_mobile=True)
    found = {}
    for name, address in PAGES.items():
        page.goto(address)
        found[name] = (sideways(page), serious(page))
    assert {name: each for name, each in found.items() if each != (0, [])} == {}


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
    page.route("**/boom", lambda route: route.fulfill(status=500, path=TEMPLATES / "500.html"))
    page.goto("/boom")
    assert serious(page) == []


def test_the_page_to_try_the_api_is_sound(open_page: Open) -> None:
    page = open_page()
    page.goto("/api/v1/docs")
    page.get_by_text("Make one job or many").first.wait_for()
