"""Nothing breaks, whatever comes in: every operation is fed with what fits its description, and with what
does not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator

from jobs_app.models import Attempt, SliceBlock
from jobs_app.web.api import problems

from . import openapi
from .openapi import OPERATIONS, SCHEMA, Operation

UNDOCUMENTED = {400, 404, 405}  # what any server may say of any request


@pytest.fixture
def known(make_job, alice, bob):
    """Jobs of several kinds and people, with files, output and slices."""
    files = {"result.json": b"{}", "sub/x.txt": b"text", "OUTPUT/0": b"line\n", ".roost/manifest.json": b"{"}
    jobs = [
        make_job("mine", files, user=alice, _status="COM", number_of_attempts=1),
        make_job("broken", files, user=bob, _status="ERR", number_of_attempts=1, frozen=True),
        make_job("new", user=alice, type="CONDORJOB", address=None, parameters={"executable": "x"}),
    ]
    attempt = Attempt.objects.create(job=jobs[0], number=1, token="t")
    kept = {".roost/attempts/1/kept/left.txt": b"x", ".roost/attempts/1/kept/OUTPUT/0": b"line\n"}
    jobs.append(make_job("again", kept, user=alice, _status="ERR", number_of_attempts=2))
    for number in (1, 2):
        Attempt.objects.create(job=jobs[-1], number=number, token=f"again{number}")
    SliceBlock.objects.create(attempt=attempt, step="analysis", first=0, done=3, states=bytes([2, 2, 2]))
    return {
        "pk": [*(job.pk for job in jobs), 999],
        "number": [1, 1, 2],
        "name": ["result.json", "sub/x.txt", "left.txt", "ising", "embedded"],
        "app": ["examples.ising"],
        "part": ["0", "prepare", "x"],
        "action": ["stop", "pause", "resume", "rerun", "delete"],
        "prefix": ["0123456789"],
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_nothing_breaks(operation: Operation, data: Any, api_of: Any, admin_user: Any, known: Any) -> None:
    client = api_of(admin_user)
    request = data.draw(openapi.requests(operation, known))
    sent = {"data": request["body"], "content_type": "application/json"} if request["body"] else {}
    answer = client.generic(operation.method, request["path"], headers=request["headers"], **sent)
    content = b"".join(answer)  # of a stream too, which is closed by being read
    assert answer.status_code < 500 or answer.status_code == 501, (request, content[:2000])
    if answer.status_code >= 400:
        assert answer.headers["Content-Type"] == problems.TYPE or answer.status_code == 416
    _fits(operation, answer, content)


def _fits(operation: Operation, answer: Any, content: bytes) -> None:
    """It is one of the answers that the description tells of, and looks as it says."""
    told = operation.about["responses"].get(str(answer.status_code))
    assert told is not None or answer.status_code in UNDOCUMENTED, (answer.status_code, content[:500])
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    schema = (told or {}).get("content", {}).get(kind, {}).get("schema")
    if schema and kind in ("application/json", problems.TYPE):
        whole = {**schema, "components": SCHEMA["components"]}
        OAS31Validator(whole).validate(json.loads(content))
