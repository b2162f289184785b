"""What people do, from the first page to the result, against a server with its embedded pool."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import MANY, PATIENCE, PHONE, Open, Server, Watch
from .furnish import PASSWORD

FORECAST = "/new/?app=tests.browser.lab&template=forecast"
STORM = "/new/?app=tests.browser.lab&template=storm"
expect.set_options(timeout=PATIENCE)


@pytest.fixture
def signal(tmp_path: Path) -> Path:
    """Jobs that were told of it work until it is there."""
    path = tmp_path / "go on"
    yield path
    path.touch()


def fill(page: Page, **options: str) -> None:
    for name, text in options.items():
        page.locator(f"[name='options.{name.replace('_', ' ')}']").fill(text)


def run(page: Page) -> None:
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url(re.compile(r"/jobs/\d+/"))


def state(page: Page) -> Locator:
    return page.locator(".state").first


def do(page: Page, word: str) -> None:
    page.get_by_role("button", name=word, exact=True).first.click()


def confirm(page: Page, word: str) -> None:
    page.get_by_role("dialog").get_by_role("button", name=word, exact=True).click()


def tab_to(page: Page, target: Locator, most: int = 60) -> None:
    for _ in range(most):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError("the keyboard does not lead there")


def rows_named(page: Page, name: str) -> Locator:
    return page.locator("tr[data-job]").filter(has_text=name)


# --- one job --------------------------------------------------------------------------------------------


def test_alice_signs_in_makes_a_job_from_a_form_and_watches_it_to_its_result(
    open_page: Open, signal: Path
) -> None:
    page = open_page(user=None)
    page.goto("/jobs/")
    page.get_by_label("Name").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="New job").first.click()
    page.get_by_role("link", name="forecast").click()
    fill(page, days="3", wait_for=str(signal), stations="Oslo\nTromsø")
    page.locator("[name=slices]").fill("2")
    run(page)
    expect(state(page)).to_have_text("Running")
    expect(page.get_by_text("looks at ['Oslo', 'Tromsø']").first).to_be_visible()
    assert "The sky was looked at." not in page.content()
    signal.touch()
    expect(state(page)).to_have_text("Complete")
    expect(page.get_by_text("forecast.csv").first).to_be_visible()
    sky = page.locator("img[src*='sky.png']").first
    expect(sky).to_be_visible()
    assert sky.evaluate("image => image.decode().then(() => image.naturalWidth)") == 160


def test_each_of_its_pages_follows_a_job_without_a_reload(page: Page, signal: Path) -> None:
    page.goto(FORECAST)
    fill(page, days="3", wait_for=str(signal), stations="Bergen")
    page.locator("[name=slices]").fill("2")
    run(page)
    expect(state(page)).to_have_text("Running")
    address, shown = page.url, {}
    for tab in ("slices", "output", "files", "relations"):
        shown[tab] = page.context.new_page()
        shown[tab].goto(f"{address}{tab}/")
        shown[tab].evaluate("window.stays = true")
        expect(state(shown[tab])).to_have_text("Running")
    expect(shown["slices"].locator("table.slices")).to_contain_text("running")
    signal.touch()
    for tab in shown.values():
        expect(state(tab)).to_have_text("Complete")
    expect(shown["slices"].locator("table.slices tr", has_text="done")).to_have_count(2)
    expect(shown["output"].locator("#output")).to_contain_text("The sky was looked at.")
    expect(shown["files"].get_by_role("link", name="sky.png", exact=True)).to_be_visible()
    expect(shown["relations"].locator("#attempts")).to_contain_text("Complete")
    assert all(tab.evaluate("window.stays") for tab in shown.values())


def test_a_filtered_table_takes_in_what_comes_to_fit(page: Page, signal: Path) -> None:
    shown = {}
    for status in ("RUN", "COM"):
        shown[status] = page.context.new_page()
        shown[status].goto(f"/jobs/?status={status}")
    page.goto(FORECAST)
    page.locator("[name=form-name]").fill("a sky that comes later")
    fill(page, days="3", wait_for=str(signal), stations="Narvik")
    run(page)
    expect(rows_named(shown["RUN"], "a sky that comes later")).to_have_count(1)
    expect(rows_named(shown["COM"], "a sky that comes later")).to_have_count(0)
    signal.touch()
    expect(rows_named(shown["COM"], "a sky that comes later").locator(".state")).to_have_text("Complete")


def test_a_broken_job_is_run_again_and_deleted(page: Page) -> None:
    page.goto(STORM)
    run(page)
    expect(state(page)).to_have_text(re.compile("Error|Various-Complete"))
    assert page.evaluate("window.alerted === undefined")
    expect(page.get_by_text("broke the mast").first).to_be_visible()
    do(page, "Run again")
    expect(state(page)).to_have_text(re.compile("Error|Various-Complete"))
    expect(page.get_by_text(re.compile("attempt 2", re.IGNORECASE)).first).to_be_visible()
    do(page, "Delete")
    confirm(page, "Delete")
    page.wait_for_url("**/jobs/")


def test_what_was_computed_already_is_offered(page: Page) -> None:
    page.goto(FORECAST)
    fill(page, days="2")
    run(page)
    expect(state(page)).to_have_text("Complete")
    done = page.url
    page.goto(FORECAST)
    fill(page, days="2")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This was computed already")
    page.get_by_role("link", name=re.compile("^Open ")).click()
    assert page.url == done


def test_a_job_is_made_again_with_changes_that_are_marked(page: Page) -> None:
    page.goto("/new/from/4/")
    fill(page, strength="13")
    expect(page.get_by_text("was 12")).to_be_visible()
    page.get_by_role("button", name="Save only").click()
    expect(page.get_by_text("strength: 12 → 13")).to_be_visible()


# --- many jobs ------------------------------------------------------------------------------------------


def test_a_sweep_in_a_table_is_confirmed_run_and_stopped_together(page: Page, signal: Path) -> None:
    page.goto(FORECAST)
    page.get_by_label("Name", exact=True).fill("windy {days}")
    fill(page, wait_for=str(signal))
    page.get_by_text("A sweep: many jobs at once").click()
    do(page, "Fill in as a table")
    values = page.get_by_label("Value")
    values.first.fill("11")
    do(page, "Add a row")
    values.nth(1).fill("12")
    do(page, "Add a row")
    values.nth(2).fill("13")
    expect(page.get_by_text("3 jobs", exact=True)).to_be_visible()
    do(page, "Run")
    expect(page.get_by_role("heading", level=1)).to_have_text("3 jobs of forecast")
    do(page, "Run them")
    page.wait_for_url("**/jobs/")
    expect(rows_named(page, "windy")).to_have_count(3)
    expect(rows_named(page, "windy").filter(has_text="Running")).not_to_have_count(0)
    for box in rows_named(page, "windy").get_by_role("checkbox").all():
        box.check()
    expect(page.get_by_text("3 chosen")).to_be_visible()
    page.get_by_label("What to do").select_option(label="Stop")
    do(page, "Do it")
    expect(page.get_by_role("dialog")).to_contain_text("3 chosen jobs")
    confirm(page, "Stop")
    expect(rows_named(page, "windy").filter(has_text="Aborted")).to_have_count(3)


def first_number(page: Page) -> int:
    return int(page.locator("tr[data-job]").first.get_attribute("data-job") or 0)


def test_a_table_of_a_million_is_paged_sorted_and_filtered(open_page: Open) -> None:
    page = open_page("crowd")
    page.goto("/jobs/")
    rows = page.locator("tr[data-job]")
    expect(rows).to_have_count(50)
    expect(page.locator("#count")).to_contain_text(re.compile("000[+]|[+]$"))
    first = first_number(page)
    page.get_by_role("link", name="Next page").click()
    expect(rows).to_have_count(50)
    assert first_number(page) == first - 50
    page.get_by_role("link", name="Created").click()
    expect(rows).to_have_count(50)
    assert first_number(page) <= first - MANY
    page.get_by_role("link", name="Name", exact=True).click()
    expect(rows.first.get_by_role("link").first).to_have_text("one of many")
    page.locator("select[name=status]").select_option(label="Error")
    page.get_by_role("button", name="Find", exact=True).first.click()
    expect(page.get_by_text("No job matches.")).to_be_visible()


def test_one_job_is_found_among_a_million_by_a_word_of_its_description(open_page: Open) -> None:
    page = open_page("crowd")
    page.goto("/jobs/")
    search = page.get_by_label("Name, description or number")
    search.fill("needle")
    search.press("Enter")  # it is the oldest one: each request sees some of them, and the next one goes on
    expect(rows_named(page, "one of many")).to_have_count(1)
    expect(page.get_by_role("link", name="one of many", exact=True)).to_be_visible()


def test_a_search_is_stopped_and_goes_on(open_page: Open) -> None:
    page = open_page("crowd")
    page.goto("/jobs/?text=needle")
    stop = page.get_by_role("button", name="Stop searching")
    stop.click()
    further = page.get_by_role("link", name="Search further")
    expect(further).to_be_visible()
    expect(stop).to_have_count(0)
    before = page.url
    further.click()
    expect(page).not_to_have_url(before)


def test_what_fails_on_the_way_is_said_and_mends_itself(page: Page, watch: Watch) -> None:
    page.goto("/jobs/")
    table = page.locator("[data-jobs-table]")
    watch.expected = {502}
    page.route("**/tables/rows/", lambda route: route.fulfill(status=502, body=""))
    expect(table).to_have_class(re.compile("stale"))
    expect(table.locator(".said")).to_be_visible()
    page.unroute("**/tables/rows/")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(table).not_to_have_class(re.compile("stale"))
    expect(table.locator(".said")).to_be_hidden()


def test_a_form_that_is_sent_twice_makes_its_job_once(page: Page) -> None:
    page.goto(FORECAST)
    page.get_by_label("Name", exact=True).fill("pressed twice")
    fill(page, days="6")
    page.get_by_role("button", name="Save only").dblclick()
    page.wait_for_url(re.compile(r"/jobs/\d+/"))
    page.goto("/jobs/?text=pressed+twice")
    expect(rows_named(page, "pressed twice")).to_have_count(1)


def test_a_form_that_is_sent_twice_at_the_same_moment_leads_to_one_job(page: Page) -> None:
    page.goto(FORECAST)
    page.get_by_label("Name", exact=True).fill("at once")
    fill(page, days="7")
    ends = page.evaluate(
        """() => {
            const form = document.querySelector("form.new-job"), body = new FormData(form);
            body.set("form-go", "save");
            const send = () => fetch(form.action, {method: "POST", body}).then((answer) => answer.url);
            return Promise.all([send(), send(), send()]);
        }"""
    )
    assert len(set(ends)) == 1
    assert re.search(r"/jobs/\d+/$", ends[0])
    page.goto("/jobs/?text=at+once")
    expect(rows_named(page, "at once")).to_have_count(1)


# --- ways of using it -----------------------------------------------------------------------------------


def test_everything_is_reached_by_keyboard(open_page: Open) -> None:
    page = open_page(user=None)
    page.goto("/sign-in/")
    tab_to(page, page.get_by_label("Name"))
    page.keyboard.type("alice")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs/")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_text("1 chosen")).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/jobs/\d+/"))
    tab_to(page, page.get_by_role("link", name="New job").first)
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("link", name="forecast"))
    page.keyboard.press("Enter")
    tab_to(page, page.locator("[name='options.days']"))
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/jobs/\d+/"))
    expect(state(page)).to_have_text("Complete")


def test_what_is_wrong_is_said_at_its_field_and_the_keyboard_is_led_there(page: Page, watch: Watch) -> None:
    watch.expected = {422}
    page.goto(FORECAST)
    fill(page, days="many", stations="Oslo")
    do(page, "Run")
    expect(page.get_by_role("alert")).to_be_focused()
    days = page.locator("[name='options.days']")
    expect(days).to_have_attribute("aria-invalid", "true")
    expect(days).to_have_accessible_description(re.compile("A number is wanted here"))
    expect(days).to_have_value("many")
    expect(page.locator("[name='options.stations']")).to_have_value("Oslo")


def test_the_form_works_without_script(open_page: Open) -> None:
    page = open_page(java_script_enabled=False)
    page.goto(FORECAST)
    page.get_by_text("A sweep: many jobs at once").click()
    page.get_by_label("Ranges or a table").fill("days = 21:22")
    do(page, "Save only")
    do(page, "Save them")
    page.wait_for_url("**/jobs/")
    expect(page.get_by_role("status").first).to_contain_text("2 jobs. Saved.")


def test_a_job_is_made_on_a_phone(open_page: Open) -> None:
    page = open_page(viewport=PHONE, has_touch=True, is_mobile=True)
    page.goto("/new/")
    page.get_by_role("link", name="forecast").tap()
    fill(page, days="4")
    page.get_by_role("button", name="Run", exact=True).tap()
    page.wait_for_url(re.compile(r"/jobs/\d+/"))
    expect(state(page)).to_have_text("Complete")


def test_the_colours_are_switched_and_stay(page: Page) -> None:
    def paper() -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    page.goto("/jobs/")
    light = paper()
    switch = page.locator("[data-theme-switch]")
    switch.click()
    assert paper() == light
    switch.click()
    dark = paper()
    assert dark != light
    page.goto("/tokens/")
    assert paper() == dark


def test_times_are_shown_in_the_readers_zone(open_page: Open) -> None:
    page = open_page(timezone_id="Asia/Tokyo")
    for _ in range(2):  # mended by the script, then written so by the server
        page.goto("/jobs/?created_to=2026-03-15")
        expect(page.locator("time").first).to_have_text("2026-03-14 18:26")


def test_a_file_goes_with_a_program(page: Page, server: Server, tmp_path: Path) -> None:
    source = tmp_path / "words.txt"
    source.write_text("hello from a file\n")
    page.goto("/new/?app=tests.browser.lab&template=convert")
    field = page.get_by_label("Input files")
    field.evaluate("field => { field.dataset.largest = 3; }")
    field.set_input_files(source)
    assert "words.txt is too large" in field.evaluate("field => field.validationMessage")
    field.evaluate("field => { field.dataset.largest = 1000; }")
    field.set_input_files(source)
    do(page, "Save only")
    page.wait_for_url(re.compile(r"/jobs/\d+/"))
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert [path.read_text() for path in server.home.rglob("words.txt")] == ["hello from a file\n"]
