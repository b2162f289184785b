"""Log lines say what they are about."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from jobs_app import logs


def record(text: str, *values: object, trouble: Any = None) -> logging.LogRecord:
    return logging.LogRecord("jobs_app.courier", logging.WARNING, "courier.py", 1, text, values, trouble)


@pytest.fixture
def as_json() -> logging.Formatter:
    return logs.JsonLine()


def test_a_line_for_programs_names_scheduler_and_job(as_json: logging.Formatter) -> None:
    with logs.about(scheduler="ncar"), logs.about(job=42):
        told = json.loads(as_json.format(record("no answer from %s", "ncar")))
    assert (told["scheduler"], told["job"]) == ("ncar", 42)
    assert (told["level"], told["logger"], told["message"]) == (
        "WARNING",
        "jobs_app.courier",
        "no answer from ncar",
    )
    assert told["time"].endswith("+00:00")


def test_what_it_was_about_ends_with_the_block(as_json: logging.Formatter) -> None:
    with logs.about(job=1):
        pass
    assert "job" not in json.loads(as_json.format(record("x")))


def test_an_exception_stays_on_its_line(as_json: logging.Formatter) -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        line = as_json.format(record("it failed", trouble=(type(error), error, error.__traceback__)))
    assert "\n" not in line
    assert "ValueError: two\nlines" in json.loads(line)["exception"]


def test_a_line_for_people_says_it_too() -> None:
    known = logs.settings("WARNING", "line")["formatters"]["line"]
    line = logs.Line(known["format"], style=known["style"])
    with logs.about(scheduler="ncar"):
        assert line.format(record("hello")).endswith("jobs_app.courier: [scheduler ncar] hello")
    assert line.format(record("hello")).endswith("jobs_app.courier: hello")


@pytest.mark.parametrize(("error", "shown"), [(PermissionDenied("no"), False), (ValueError("no"), True)])
def test_a_refusal_needs_no_traceback(error: Exception, shown: bool) -> None:
    refused = record("Forbidden: /audit/", trouble=(type(error), error, None))
    assert logs.without_traceback(refused)
    assert bool(refused.exc_info) is shown
