"""What stands on a job's pages: a million slices, a workflow's nodes, previews, the document."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, Response, expect

from .conftest import Open, Server, Watch

LIGHTEST = 150_000  # bytes of a page with all that it needs, at the first visit


@pytest.fixture
def grace(open_page: Open) -> Page:
    return open_page("grace")


def of(server: Server, name: str, rest: str = "") -> str:
    return f"/jobs/{server.jobs[name]}/{rest}"


def weight(page: Page, address: str) -> int:
    """Bytes that come over the wire for a visitor who was never here."""
    answers: list[Response] = []

    def keep(answer: Response) -> None:  # Playwright takes no built-in method
        answers.append(answer)

    page.on("response", keep)
    page.goto(address, wait_until="load")
    sizes = [answer.request.sizes() for answer in answers]
    return sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)


def fill_colour(part: Locator) -> str:
    return str(part.evaluate("element => getComputedStyle(element).fill"))


# --- slices -----------------------------------------------------------------------------------------------


def test_a_million_slices_are_seen_at_once_and_zoomed_into(grace: Page, server: Server) -> None:
    grace.goto(of(server, "million"))
    cells = grace.locator("svg.grid a")
    assert 1 < cells.count() <= 256
    assert grace.locator("svg.grid rect.failed").count() > 10
    grace.get_by_role("link", name="slices 300000 to 304999", exact=False).click()
    expect(grace.get_by_text("Slices 300 000 to 304 999 of 1 000 000")).to_be_visible()
    grace.locator("svg.grid a").nth(3).click()
    expect(grace.locator("svg.grid a")).to_have_count(20)
    expect(grace.locator("table.slices tbody tr")).to_have_count(20)
    first = grace.locator("table.slices tbody tr").first
    expect(first).to_contain_text("300060")
    first.get_by_role("link", name="Log of slice 300060").click()
    expect(grace.get_by_label("Slice")).to_have_value("300060")


def test_those_that_failed_are_found_among_a_million(grace: Page, server: Server) -> None:
    grace.goto(of(server, "million", "slices/"))
    grace.get_by_role("link", name=re.compile("^failed")).click()
    rows = grace.locator("table.slices tbody tr")
    expect(rows).to_have_count(50)
    expect(rows.filter(has_text="failed")).to_have_count(50)
    grace.get_by_role("link", name="More", exact=True).click()
    expect(grace.locator("table.slices tbody tr").filter(has_text="failed")).to_have_count(50)
    grace.get_by_role("link", name=re.compile("^failed")).click()  # again: all of them
    expect(grace.locator("table.slices tbody tr").first).to_contain_text("done")


@pytest.mark.parametrize("address", ["/jobs/", "million"])
def test_a_first_visit_weighs_little(open_page: Open, server: Server, address: str) -> None:
    page = open_page("crowd" if address == "/jobs/" else "grace")
    assert weight(page, address if address == "/jobs/" else of(server, address)) < LIGHTEST


# --- nodes, relations --------------------------------------------------------------------------------------


def test_the_nodes_of_a_workflow_that_ran_are_coloured_and_listed(grace: Page, server: Server) -> None:
    grace.goto(of(server, "real flow"))
    expect(grace.locator("#job-head .state")).to_have_text("Various-Complete")
    grace.goto(of(server, "real flow", "relations/"))
    graph = grace.locator("svg.graph")
    said = {name: graph.locator("a", has_text=name) for name in ("fetch", "south", "join")}
    for name, word in {"fetch": "done", "south": "failed", "join": "skipped"}.items():
        expect(said[name].locator(".state-word")).to_have_text(word)
    assert len({fill_colour(node.locator(".mark")) for node in said.values()}) == 3
    grace.get_by_text("As a list").click()
    expect(grace.get_by_role("row", name=re.compile("^join"))).to_contain_text("north, south")


def test_one_walks_along_a_chain(grace: Page, server: Server) -> None:
    grace.goto(of(server, "chain", "relations/"))
    grace.locator("svg.graph").get_by_role("link", name=re.compile("first of a chain, Complete")).click()
    expect(grace.get_by_role("heading", level=1)).to_contain_text("first of a chain")
    grace.locator("svg.graph").get_by_role("link", name=re.compile("second of a chain, Running")).click()
    expect(grace.get_by_role("heading", name="Built by it")).to_be_visible()


# --- files --------------------------------------------------------------------------------------------------


@pytest.fixture
def gallery(grace: Page, server: Server) -> Page:
    grace.goto(of(server, "gallery"))
    expect(grace.locator("#job-head .state")).to_have_text("Complete")
    grace.goto(of(server, "gallery", "files/"))
    return grace


@pytest.mark.parametrize(
    ("name", "place", "words"),
    [
        ("field.h5", "table.data", None),
        ("field.h5", "polyline.line", None),
        ("waves.parquet", "polyline.line", None),
        ("waves.parquet", "table.data", "Tromsø"),
        ("notes.md", ".prose table", "Bergen"),
        ("deep.json", ".tree", "stations"),
        ("log.txt", "pre .f1", "line 1"),
        ("sky.png", "main img", None),
        ("thing.bin", ".empty", "It cannot be shown here."),
    ],
)
def test_a_file_is_looked_at(gallery: Page, name: str, place: str, words: str | None) -> None:
    gallery.get_by_role("link", name=name, exact=True).click()
    part = gallery.locator(place).first
    expect(part).to_be_visible()
    if words:
        expect(part).to_contain_text(words)
    gallery.get_by_role("link", name=re.compile("^Folder")).click()
    expect(gallery.get_by_role("link", name=name, exact=True)).to_be_visible()


def test_some_files_are_downloaded_as_one(gallery: Page) -> None:
    gallery.get_by_label("Choose notes.md").check()
    gallery.get_by_label("Choose log.txt").check()
    with gallery.expect_download() as coming:
        gallery.get_by_role("button", name="Download as zip").click()
    assert coming.value.suggested_filename.endswith(".zip")


def test_results_are_found_by_people_who_do_not_know_the_job(gallery: Page) -> None:
    gallery.goto("/results/")
    gallery.get_by_label("Find a result").fill("mast")
    gallery.get_by_role("button", name="Find").click()
    expect(gallery.locator(".result")).to_have_count(2)
    gallery.get_by_role("link", name="What was measured").click()
    expect(gallery.locator(".prose")).to_contain_text("What was measured, and how")


# --- the document -------------------------------------------------------------------------------------------


def test_a_document_is_edited_and_what_another_wrote_meanwhile_is_not_lost(
    gallery: Page, server: Server, watch: Watch
) -> None:
    watch.expected = {412}
    other = gallery.context.new_page()
    for page, text in ((gallery, '{"looked at": "by me"}'), (other, '{"looked at": "by another"}')):
        page.goto(of(server, "gallery", "document/"))
        page.get_by_label("A JSON object").fill(text)
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_text("The document is saved.")).to_be_visible()
    page = gallery
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody has changed it meanwhile")
    expect(page.get_by_label("A JSON object")).to_have_value('{"looked at": "by me"}')
    expect(page.locator("pre")).to_contain_text("by another")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".tree").last).to_contain_text("by me")
