"""The pictures of the pages in the documentation.

pytest tests/browser/test_pictures.py --pictures     # writes them to docs/images
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .conftest import PATIENCE, Open
from .furnish import NOW

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
SIZE = {"width": 1280, "height": 800}
LEAST = 10_000  # bytes: what is drawn is no empty page
LATER = NOW + datetime.timedelta(minutes=61, seconds=25)

Take = Callable[[Page, str], None]


@pytest.fixture
def take(request: pytest.FixtureRequest, tmp_path: Path) -> Take:
    def shoot(page: Page, name: str) -> None:
        picture = page.screenshot(animations="disabled", caret="hide")
        assert len(picture) > LEAST
        folder = IMAGES if request.config.getoption("--pictures") else tmp_path
        (folder / f"web-{name}.png").write_bytes(picture)

    return shoot


def look(open_page: Open, address: str, **how: Any) -> Page:
    page = open_page("ada", viewport=how.pop("viewport", SIZE), **how)
    page.clock.set_fixed_time(LATER)
    page.goto(address)
    expect(page.locator("[data-since]").first).not_to_contain_text(" d ")  # counted by the page's own clock
    return page


def test_the_jobs_are_pictured_in_light_and_dark(open_page: Open, take: Take) -> None:
    for colours in ("light", "dark"):
        page = look(open_page, "/jobs/", color_scheme=colours)
        expect(page.locator("tr[data-job]")).not_to_have_count(0)
        take(page, f"jobs-{colours}")


def test_a_phone_is_pictured(open_page: Open, take: Take) -> None:
    phone = {"width": 390, "height": 760}
    take(look(open_page, "/jobs/", viewport=phone, is_mobile=True, device_scale_factor=1.5), "phone")


def test_a_form_and_the_job_that_it_makes_are_pictured(open_page: Open, take: Take) -> None:
    page = open_page("ada", viewport=SIZE)
    page.goto("/new/?app=examples.ising&template=ising")
    for name, text in {"size": "64", "sweeps": "2000", "tolerance": "1.0"}.items():
        page.locator(f"[name='options.{name}']").fill(text)
    page.locator("[name=slices]").fill("8")
    page.get_by_text("A sweep: many jobs at once").click()
    sweep = page.get_by_label("Ranges or a table")
    sweep.fill("size = 32, 64, 128\nseed = 1:5")
    sweep.blur()
    page.get_by_text("What it is given").scroll_into_view_if_needed()
    take(page, "form")
    sweep.clear()
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url(re.compile(r"/jobs/\d+/"))
    expect(page.locator(".state").first).to_have_text("Complete", timeout=3 * PATIENCE)
    page.goto(page.url)  # without what was said of its making
    picture = page.locator("img[src*='magnet.png']").first
    expect(picture).to_be_visible()
    picture.evaluate("image => image.decode()")
    take(page, "job")
