from __future__ import annotations

import io
import itertools
from typing import Any

import pytest
from django.utils import timezone

from jobs_app.terminal import progress
from jobs_app.terminal.output import Output


def test_the_time_that_is_shown_never_goes_back_when_the_job_begins_to_run(
    make_job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(100, 5)
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    job = make_job(_status="SUB", slices_total=2)
    became: list[dict[str, Any]] = [
        {},
        {"_status": "RUN", "start_time": timezone.now()},
        {"_status": "COM", "completion_time": timezone.now(), "slices_done": 2},
    ]

    def wait(_: float) -> bool:
        for name, value in became.pop(0).items():
            setattr(job, name, value)
        return not became

    said = io.StringIO()
    assert progress.Progress(Output(said, io.StringIO()), job).watch(wait)
    lines = said.getvalue().splitlines()
    assert [line.split(":")[0].split()[-1] for line in lines] == ["Submitted", "Running", "Complete"]
    times = [float(line.split()[0]) for line in lines]
    assert times == sorted(times)
