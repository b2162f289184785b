"""What belongs to the job page: its slices, why it is held, its output, its document."""

from __future__ import annotations

import html
import json
import re

import pytest
from django.contrib.auth.models import Group
from hypothesis import given
from hypothesis import strategies as st

from jobs_app import situation
from jobs_app.compute import embedded
from jobs_app.models import Attempt, AttemptPhase, Job, JobUse, SliceBlock
from jobs_app.situation import Slice
from jobs_app.states import SliceState
from jobs_app.web import ansi, slices
from jobs_app.web.ansi import Pen


@pytest.fixture
def with_slices(make_job):
    def make(states: bytes, **fields):
        job = make_job(
            _status="RUN", number_of_attempts=1, type="CONDORJOB", slices_total=len(states), **fields
        )
        attempt = Attempt.objects.create(
            job=job, number=1, token="a" * 32, reason=fields.get("status_message", "")
        )
        for first in range(0, len(states), SliceBlock.SIZE):
            part = states[first : first + SliceBlock.SIZE]
            counts = {
                "failed": part.count(3),
                "held": part.count(4),
                "running": part.count(1),
                "done": part.count(2),
            }
            SliceBlock.objects.create(attempt=attempt, step="run", first=first, states=part, **counts)
        return job

    return make


# --- colours ----------------------------------------------------------------------------------------------


def test_colours_become_classes_and_everything_else_goes():
    shown, pen = ansi.html(
        "\x1b[1;31mbad\x1b[0m \x1b]8;;http://evil\x07link\x1b]8;;\x07\x1b[2K\x1b[38;5;46mgreen"
    )
    assert shown == '<span class="f1 bt">bad</span> link<span class="f2">green</span>'.replace(
        "f2", f"f{pen.front}"
    )
    assert pen.front in (2, 10)


def test_a_colour_goes_on_in_the_next_piece():
    _, pen = ansi.html("\x1b[4;32mhalf")
    assert ansi.html(" done", Pen.read(str(pen)))[0] == '<span class="f2 ut"> done</span>'


def test_a_rewritten_line_shows_its_last_version_in_its_colour():
    assert (
        ansi.html("\x1b[33m10%\r100%\r\nnext")[0]
        == '<span class="f3">100%</span>\n<span class="f3">next</span>'
    )


@given(
    st.text(
        alphabet=st.sampled_from(
            ["\x1b", "[", "]", "m", ";", "3", "8", "<", ">", '"', "&", "\r", "\n", "\x07", "a"]
        )
    )
)
def test_nothing_that_is_printed_becomes_markup(text):
    shown, pen = ansi.html(text)
    plain = shown.replace("</span>", "")
    while (at := plain.find('<span class="')) >= 0:
        end = plain.index('">', at)
        assert set(plain[at + 13 : end]) <= set("fbduisrt 0123456789")
        plain = plain[:at] + plain[end + 2 :]
    assert not set('<>"\x1b\r\x07') & set(plain)
    assert Pen.read(str(pen)) == pen


def test_a_pen_from_a_browser_holds_only_what_we_know():
    assert str(Pen.read('f1 "><script> b99 bt f16 onclick')) == "f1 bt"


# --- slices -----------------------------------------------------------------------------------------------


def test_many_slices_are_drawn_as_blocks_and_a_rare_failure_is_seen(with_slices):
    job = with_slices(bytes([2]) * 9_999 + bytes([3]))
    grid = slices.grid(job)
    assert (grid.total, grid.each, len(grid.cells)) == (10_000, 50, 200)
    last = grid.cells[-1]
    assert (last.first, last.count, [level.name for level in last.levels]) == (9_950, 50, ["failed", "done"])
    assert last.levels[0].height >= 2
    assert slices.grid(job, "run", last.first, last.count).each == 1


def test_a_block_is_opened_by_its_link_down_to_single_slices(page_of, alice, with_slices):
    job = with_slices(bytes([2, 3, 1, 0]) * 1_000)
    client = page_of(alice)
    page = client.get(f"/jobs/{job.pk}/slices/?first=100&count=20")
    assert [row["number"] for row in page.context["rows"]] == list(range(100, 120))
    assert f"/jobs/{job.pk}/output/?part=101" in page.content.decode()
    failed = client.get(f"/jobs/{job.pk}/slices/?state=failed&first=3990")
    assert [row["number"] for row in failed.context["rows"]] == [3993, 3997]


def test_each_slice_tells_where_and_when_it_ran_how_it_ended_and_what_it_used(
    page_of, alice, with_slices, monkeypatch
):
    begun = 1_780_000_000.0  # 2026-05-28 20:26:40 UTC
    known = [
        Slice(0, SliceState.DONE, "node <1>", begun, begun + 2.5, 1, 0, memory_used=48, memory=64),
        Slice(1, SliceState.FAILED, "node2", begun, begun + 1, 3, 7, memory_used=100, memory=64),
        Slice(2, SliceState.FAILED, "node2", begun, begun + 1, 1, signal=9, memory_used=10),
        Slice(3, SliceState.RUNNING, "node2", begun),
    ]
    monkeypatch.setattr(situation, "slices", lambda *_: known)
    job = with_slices(bytes([2, 3, 3, 1]))
    content = page_of(alice).get(f"/jobs/{job.pk}/slices/").content.decode()
    cells = re.findall(r"<td[^>]*>(.*?)</td>", content.partition('class="slices"')[2], re.DOTALL)
    rows = [[re.sub("<.*?>", "", cell) for cell in cells[place : place + 9]] for place in (0, 9, 18, 27)]
    assert rows == [
        ["0", "done", "node &lt;1&gt;", "2026-05-28 20:26:40", "2.5 s", "exit 0", "48 of 64 MB", "1", "log"],
        ["1", "failed", "node2", "2026-05-28 20:26:40", "1.0 s", "exit 7", "100 of 64 MB", "3", "log"],
        ["2", "failed", "node2", "2026-05-28 20:26:40", "1.0 s", "signal 9", "10 MB", "1", "log"],
        ["3", "running", "node2", "2026-05-28 20:26:40", "", "", "", "", "log"],
    ]
    assert re.findall(r'class="share".*?<rect width="(\d+)"', content) == ["75", "100"]
    assert f'href="/jobs/{job.pk}/output/?part=2" aria-label="Log of slice 2"' in content


@pytest.mark.parametrize(
    "query", ["first=99999999999999", "count=-1", "step=<b>", "state=nonsense", "first=a&count=b"]
)
def test_ranges_that_make_no_sense_are_mended(page_of, alice, with_slices, query):
    assert page_of(alice).get(f"/jobs/{with_slices(bytes(10)).pk}/slices/?{query}").status_code == 200


# --- why it is held ---------------------------------------------------------------------------------------


def held(with_slices):
    job = with_slices(
        bytes([4]) * 2, status_message="<b>too much</b> (hold code 34.0)", parameters={"memory": 100}
    )
    Job.objects.filter(pk=job.pk).update(_status="HLD", slices_held=2)
    return job


def test_a_held_job_offers_more_of_what_it_had_too_little_of(page_of, alice, with_slices):
    page = page_of(alice).get(f"/jobs/{held(with_slices).pk}/")
    cures = page.context["why"].cures
    assert [(cure.name, cure.limit, cure.value) for cure in cures] == [
        ("raise", "memory", "200"),
        ("release", "", ""),
        ("remove", "", ""),
    ]
    assert b"&lt;b&gt;too much" in page.content


def test_the_button_raises_and_lets_go_on(page_of, alice, with_slices, monkeypatch):
    said = []
    monkeypatch.setattr(Job, "resume", lambda job, **given: said.append(given))
    job = held(with_slices)
    page_of(alice).post(f"/jobs/{job.pk}/cures/raise/", {"limit": "memory", "value": "300"})
    page_of(alice).post(f"/jobs/{job.pk}/cures/raise/", {"limit": "user", "value": "bob"})
    page_of(alice).post(f"/jobs/{job.pk}/cures/raise/", {"limit": "cpus", "value": "4"})
    assert said == [{"user": alice, "memory": "300MB"}, {"user": alice}, {"user": alice, "cpus": 4}]


def test_what_cannot_be_done_is_said_and_what_is_no_cure_is_not_found(page_of, alice, with_slices):
    client, job = page_of(alice), held(with_slices)
    wrong = client.post(f"/jobs/{job.pk}/cures/raise/", {"limit": "memory", "value": "lots"}, follow=True)
    assert [message.level_tag for message in wrong.context["messages"]] == ["error"]
    assert client.post(f"/jobs/{job.pk}/cures/delete/").status_code == 404
    assert client.get(f"/jobs/{job.pk}/cures/release/").status_code == 405


def test_bob_sees_why_but_gets_no_button(page_of, bob, with_slices):
    job = held(with_slices)
    job.groups.add(Group.objects.get(name="hydrology"))
    client = page_of(bob)
    assert client.get(f"/jobs/{job.pk}/").context["why"].cures == []
    assert client.post(f"/jobs/{job.pk}/cures/release/").status_code == 403


# --- why it waits -----------------------------------------------------------------------------------------

TOO_LARGE = "No machine has 64 GB of memory; the largest has 2 GB."


@pytest.fixture
def idle(with_slices):
    def make(why: str) -> Job:
        job = with_slices(bytes(2), parameters={"memory": 65536})
        Attempt.objects.filter(job=job).update(idle=why, phase=AttemptPhase.SENT, scheduler=embedded())
        Job.objects.filter(pk=job.pk).update(_status="SUB")
        return job

    return make


def test_a_job_that_is_too_large_for_any_machine_may_ask_for_less(page_of, alice, idle):
    job = idle(TOO_LARGE)
    page = page_of(alice).get(f"/jobs/{job.pk}/")
    assert TOO_LARGE in page.content.decode()
    (cure,) = page.context["why"].cures
    assert (cure.name, cure.limit, cure.value, cure.unit) == ("less", "memory", "2027", "MB")
    page_of(alice).post(f"/jobs/{job.pk}/cures/less/", {"limit": "memory", "value": "2027"})
    attempt = Attempt.objects.get(job=job)
    assert [(wish["verb"], wish["resources"]["memory_mb"]) for wish in attempt.wishes] == [("change", 2027)]
    assert Job.objects.get(pk=job.pk).parameters == {"memory": 2027}
    assert page_of(alice).get(f"/jobs/{job.pk}/").context["why"] is None


def test_a_job_that_waits_for_its_turn_has_nothing_to_be_cured(page_of, alice, idle):
    job = idle("All 12 machines that would do are busy.")
    assert page_of(alice).get(f"/jobs/{job.pk}/").context["why"] is None


# --- it stays current -------------------------------------------------------------------------------------


@pytest.mark.parametrize("tab", ["", "slices/", "output/", "files/", "relations/"])
def test_a_page_that_has_not_changed_is_not_sent_again(page_of, alice, make_job, tab):
    client, job = page_of(alice), make_job(_status="RUN")
    address = f"/jobs/{job.pk}/{tab}"
    page = client.get(address)
    etag = page.headers["ETag"]
    assert f'data-job data-etag="{html.escape(etag)}" data-active' in page.content.decode()
    same = client.get(address, headers={"If-None-Match": etag})
    assert (same.status_code, same.content) == (304, b"")
    Job.objects.filter(pk=job.pk).update(_status="COM", slices_done=1)
    last = client.get(address, headers={"If-None-Match": etag})
    assert last.status_code == 200
    assert "data-active" not in last.content.decode()


def test_relations_are_followed_while_one_of_them_is_active(page_of, alice, make_job):
    client, job, last = page_of(alice), make_job(_status="COM"), make_job(_status="RUN")
    JobUse.objects.create(job=last, used=job, role="previous")
    page = client.get(f"/jobs/{job.pk}/relations/")
    assert "data-active" in page.content.decode()
    Job.objects.filter(pk=last.pk).update(_status="ERR")
    page = client.get(f"/jobs/{job.pk}/relations/", headers={"If-None-Match": page.headers["ETag"]})
    assert page.status_code == 200
    assert "data-active" not in page.content.decode()


# --- output -----------------------------------------------------------------------------------------------


def test_output_is_followed_from_where_one_is(page_of, alice, make_job):
    job = make_job(_status="RUN", number_of_attempts=1, files={"OUTPUT/0": b"one\ntw"}, type="CONDORJOB")
    client, address = page_of(alice), f"/jobs/{job.pk}/output/news/?part=0&offset="
    first = client.get(f"{address}0")
    assert (first.json()["lines"], first.json()["rest"], first.json()["offset"]) == ("one\n", "tw", 4)
    seen = client.get(f"{address}4")
    again = client.get(f"{address}4", headers={"If-None-Match": seen.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    (job.directory / "OUTPUT/0").write_bytes(b"one\ntwo\n<i>")
    more = client.get(f"{address}4", headers={"If-None-Match": seen.headers["ETag"]}).json()
    assert (more["lines"], more["rest"], more["offset"]) == ("two\n", "&lt;i&gt;", 8)


@pytest.mark.parametrize("part", ["../setup.json", "", "prepare/../x", "-1", "9" * 30, "nonsense"])
def test_no_part_leads_to_another_file(page_of, alice, make_job, part):
    job = make_job(files={"OUTPUT/0": b"x", "setup.json": b"secret"})
    client = page_of(alice)
    for place in ("output/news/", "output/file/"):
        assert client.get(f"/jobs/{job.pk}/{place}", {"part": part}).status_code == 404
    assert b"secret" not in client.get(f"/jobs/{job.pk}/output/", {"part": part}).content


def test_lines_are_found_and_shown_as_text(page_of, alice, make_job):
    job = make_job(files={"OUTPUT/0": b"a\n<u>Needle</u>\nb\n"}, type="CONDORJOB")
    page = page_of(alice).get(f"/jobs/{job.pk}/output/?part=0&find=needle")
    assert [line["offset"] for line in page.context["found"]] == [2]
    assert b"&lt;u&gt;Needle" in page.content


def test_a_long_output_shows_its_end_and_is_downloaded_whole(page_of, alice, make_job):
    job = make_job(files={"OUTPUT/0": b"x" * 99 + b"\n" + b"line\n" * 40_000}, type="CONDORJOB")
    client = page_of(alice)
    page = client.get(f"/jobs/{job.pk}/output/?part=0")
    assert page.context["view"]["start"] == 200_100 - (64 << 10)
    saved = client.get(f"/jobs/{job.pk}/output/file/?part=0")
    assert len(b"".join(saved.streaming_content)) == 200_100
    assert saved.headers["Content-Disposition"].startswith("attachment")


# --- what was asked for; the document -----------------------------------------------------------------------


def test_what_was_asked_for_is_shown_as_text(page_of, alice, make_job):
    job = make_job(parameters={"options": {"<b>": "<script>"}}, statepoint={"a": [1, {"b": None}]})
    content = page_of(alice).get(f"/jobs/{job.pk}/asked/").content.decode()
    assert "&lt;script&gt;" in content
    assert "<script>" not in content


def test_two_who_edit_the_document_do_not_overwrite_each_other(page_of, alice, make_job):
    client, job = page_of(alice), make_job(files={"signac_job_document.json": b'{"note": 1}'})
    address = f"/jobs/{job.pk}/document/"
    mine, theirs = (client.get(address).context["version"] for _ in range(2))
    assert client.post(address, {"text": '{"note": 2}', "version": theirs}).status_code == 302
    second = client.post(address, {"text": '{"note": 3}', "version": mine})
    assert second.status_code == 412
    assert '"note": 2' in second.context["theirs"]
    assert second.context["text"] == '{"note": 3}'
    assert json.loads((job.directory / "signac_job_document.json").read_text()) == {"note": 2}
    client.post(address, {"text": '{"note": 3}', "version": second.context["version"]})
    assert json.loads((job.directory / "signac_job_document.json").read_text()) == {"note": 3}


@pytest.mark.parametrize("text", ["[1]", "{", "1", "[" * 100_000])
def test_what_is_no_object_is_not_saved(page_of, alice, make_job, text):
    job = make_job(files={"a": b""})
    client = page_of(alice)
    version = client.get(f"/jobs/{job.pk}/document/").context["version"]
    assert client.post(f"/jobs/{job.pk}/document/", {"text": text, "version": version}).status_code == 422
    assert not (job.directory / "signac_job_document.json").exists()


def test_bob_may_not_edit_the_document(page_of, bob, make_job):
    job = make_job(files={"a": b""})
    job.groups.add(Group.objects.get(name="hydrology"))
    assert page_of(bob).post(f"/jobs/{job.pk}/document/", {"text": "{}", "version": ""}).status_code == 403
