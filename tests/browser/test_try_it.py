"""The page to try the API: calls go out from it under its strict policy, as the person who has signed in."""

from __future__ import annotations

import json

from playwright.sync_api import Locator, Page, expect

from .conftest import Open, Watch


def opened(page: Page, operation: str) -> Locator:
    """The operation, with its button to try it pressed."""
    page.goto("/api/v1/docs")
    block = page.locator(f"[id$=-{operation}]")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    return block


def answer(block: Locator, status: int) -> str:
    block.get_by_role("button", name="Execute").click()
    found = block.locator(".live-responses-table tr.response")
    expect(found.locator(".response-col_status").first).to_contain_text(str(status))
    return found.locator(".response-col_description .highlight-code").first.inner_text()


def test_what_is_read_comes(page: Page) -> None:
    assert '"app"' in answer(opened(page, "apps_apps"), 200)


def test_what_changes_something_is_sent_as_this_person(page: Page, watch: Watch) -> None:
    watch.expected.add(404)
    block = opened(page, "jobs_create")
    order = {"app": "tests.browser.lab", "template": "none such", "name": "from the page"}
    block.locator("textarea.body-param__text").fill(json.dumps(order))
    assert "none such" in answer(block, 404)


def test_nobody_reads_without_signing_in(open_page: Open, watch: Watch) -> None:
    watch.expected.add(401)
    page = open_page(None)
    assert "Sign in" in answer(opened(page, "apps_apps"), 401)
