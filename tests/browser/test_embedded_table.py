"""The jobs table in a page of an app that has a style of its own: neither changes how the other looks."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from .conftest import PHONE, Judge, Open
from .test_every_page import sideways

LOOKS = (
    *("color", "backgroundColor", "fontFamily", "fontSize", "fontWeight", "fontStyle", "lineHeight"),
    *("letterSpacing", "textTransform", "textAlign", "textDecorationLine", "boxShadow", "float", "display"),
    *("position", "captionSide", "borderTopWidth", "borderLeftWidth", "borderTopStyle", "borderTopColor"),
    *("paddingTop", "paddingLeft", "marginTop", "marginLeft", "borderTopLeftRadius"),
)
THEIRS = ("body", "h1", ".note", ".note a", ".note .state", "form.menu", "label", "input[name=word]")
THEIRS += ("button.main", ".card", ".card h2", "dt", "table.table", "table.table caption", "table.table td")
OURS = ("", "form", "table", "caption", "thead th", "tbody tr", ".name", ".name a", ".number", ".number a")
OURS += ("time", ".state", ".slices svg", ".slices small", ".dots", ".menu", ".menu button", ".menu a")


def looks(page: Page, *places: str) -> dict[str, Any]:
    """Of the first element at each place: how it is drawn."""
    found = page.evaluate(
        """([places, names]) => Object.fromEntries(places.map((place) => {
            const element = document.querySelector(place);
            const style = element && getComputedStyle(element);
            return [place, style && Object.fromEntries(names.map((name) => [name, style[name]]))];
        }))""",
        [places, LOOKS],
    )
    assert None not in found.values(), [place for place, look in found.items() if look is None]
    return dict(found)


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return [
        f"{place} {name}: {look[name]} is {other[place][name]}"
        for place, look in one.items()
        for name in look
        if look[name] != other[place][name]
    ]


def test_neither_changes_how_the_other_looks(page: Page) -> None:
    ours = [f".jobs-table {place}".strip() for place in OURS]
    page.goto("/apps/lab/?part=style")
    alone = looks(page, *THEIRS)
    page.goto("/apps/lab/?part=table")
    table = looks(page, *ours)
    page.goto("/apps/lab/?part=style&part=table")
    assert differences(alone, looks(page, *THEIRS)) == []
    assert differences(table, looks(page, *ours)) == []


def test_it_works_there_as_it_does_at_home(open_page: Open, serious: Judge) -> None:
    page = open_page(color_scheme="dark")
    page.goto("/apps/lab/?part=table")
    expect(page.locator("tr[data-job]")).to_have_count(5)
    row = page.locator("tr[data-job]").last
    row.locator(".dots").click()
    menu = page.locator(".menu:popover-open")
    expect(menu).to_be_visible()
    assert serious(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("link", name="More", exact=True).click()
    expect(page).to_have_url(re.compile("jobs-1-from="))
    expect(page.locator("tr[data-job]")).not_to_have_count(0)


def test_it_fits_a_phone_there(open_page: Open) -> None:
    page = open_page(viewport=PHONE, has_touch=True, is_mobile=True)
    page.goto("/apps/lab/?part=table")
    expect(page.locator("tr[data-job]")).to_have_count(5)
    assert sideways(page) == 0
