"""A job's states over time, as a bar."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs_app.models import History
from jobs_app.web.timeline import LEAST, WIDTH, line

BEGIN = timezone.now() - timedelta(hours=1)


@pytest.fixture
def went(make_job):
    """A job, and its line: each state with the minute at which it came."""

    def make(*turns):
        job = make_job(_status=turns[-1][1])
        rows = [History(at=BEGIN + timedelta(minutes=at), after=code, before="") for at, code in turns]
        return line(job, rows)

    return make


def test_each_state_is_as_wide_as_it_was_long(went):
    found = went((0, "SUB"), (10, "RUN"), (40, "COM"))
    assert [(each.code, each.label) for each in found.stretches] == [
        ("sub", "Submitted for 10:00"),
        ("run", "Running for 30:00"),
    ]
    submitted, running = found.stretches
    assert running.width == pytest.approx(3 * submitted.width, rel=0.01)
    assert running.x == pytest.approx(submitted.width, abs=0.02)
    assert (found.begin, found.end, found.total) == (BEGIN, BEGIN + timedelta(minutes=40), "40:00")


def test_a_state_that_was_short_is_seen_all_the_same(went):
    found = went((0, "SUB"), (0.001, "RUN"), (1000, "COM"))
    assert found.stretches[0].width >= LEAST * 0.99
    assert sum(each.width for each in found.stretches) == pytest.approx(WIDTH, abs=0.1)


def test_the_time_between_two_attempts_is_not_drawn_by_its_length(went):
    found = went((0, "RUN"), (10, "ERR"), (50, "RUN"), (60, "COM"))
    first, between, second = found.stretches
    assert between.width == pytest.approx(LEAST, rel=0.02)
    assert between.label == "Error; again after 40:00"
    assert first.width == pytest.approx(second.width, abs=0.1)


def test_what_goes_on_reaches_until_now(went):
    found = went((0, "SUB"), (30, "RUN"))
    assert [each.code for each in found.stretches] == ["sub", "run"]
    assert timezone.now() - found.end < timedelta(minutes=1)


def test_notes_and_steps_that_change_nothing_are_no_states(make_job):
    job = make_job(_status="RUN")
    known = [("", "SUB"), ("SUB", ""), ("SUB", "SUB"), ("SUB", "RUN")]
    rows = [
        History(at=BEGIN + timedelta(minutes=at), before=before, after=after)
        for at, (before, after) in enumerate(known)
    ]
    assert [each.code for each in line(job, rows).stretches] == ["sub", "run"]


def test_where_no_time_has_passed_there_is_no_line(went, make_job):
    assert line(make_job(), []) is None
    assert went((0, "COM")) is None
