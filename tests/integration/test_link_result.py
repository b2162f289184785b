"""Results that job scripts link while they run: on this machine, and on a real HTCondor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from jobs_app.models import Job, ResultLink, Scheduler
from jobs_app.pools.embedded.client import EmbeddedPool
from tests.embedded import end_all
from tests.unit.manager.conftest import NewApp, new_app

from .test_condor_courier import real

__all__ = ["new_app", "real"]

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 120.0

PLOT = """
options = {"text": ""}

def synthesis(job, options):
    with job.open("plot.svg", "w") as file:
        file.write(options.text)
"""

LINKING = """
from jobs_app.script.subjobs import build

def prepare(job):
    with job.open("draft.txt", "w", temp=True) as file:
        file.write("a draft")
    job.link_result("draft.txt", header="Draft")

def analysis(sliceno, job):
    with job.open("part", "w", sliceno) as file:
        file.write(str(sliceno))
    if sliceno == 1:
        job.link_result("part.1", "parts/", description="The second part")

def synthesis(job):
    plot = build("plot", text="<svg/>")
    plot.link_result("plot.svg", linkname="weather/today.svg", header="Wind", description="Gusts")
    return 42
"""

FAILING = """
def prepare(job):
    job.save(1)
    job.link_result(header="Never")

def synthesis():
    raise ValueError("not today")
"""

LINKED = [
    ("draft.txt", "draft.txt", "Draft", ""),
    ("parts/part.1", "part.1", "", "The second part"),
    ("weather/today.svg", "plot.svg", "Wind", "Gusts"),
]


@pytest.fixture
def home(tmp_path: Path, settings: Any) -> Iterator[Path]:
    settings.ROOST_HOME = tmp_path / "home"
    yield settings.ROOST_HOME
    end_all(tmp_path, EmbeddedPool(settings.ROOST_HOME / "pool"))


@pytest.fixture
def run(home: Path, new_app: NewApp, alice: User) -> Any:
    manager = new_app(
        scripts={"a_plot.py": PLOT, "a_linking.py": LINKING, "a_failing.py": FAILING}
    ).get_job_manager()

    def run(method: str, scheduler: Scheduler | None = None) -> Job:
        slices = 2 if method == "linking" else 1
        known: Any = {"method": method, "slices": slices, "scheduler": scheduler}
        job = manager.create_job(method, alice, job_type="SCRIPT", **known)
        job.save()
        job.execute()
        assert job.wait(timeout=SECONDS)
        return job

    return run


def linked() -> list[tuple[str, ...]]:
    rows = ResultLink.objects.order_by("name").select_related("job")
    return [(row.name, row.filename, row.header, row.description) for row in rows]


def test_what_a_script_links_is_among_the_results_when_it_has_ended_well(run: Any, alice: User) -> None:
    job = run("linking")
    assert (job.cached_status, job.status_message) == ("Complete", "")
    assert linked() == LINKED
    assert (job.directory / "draft.txt").read_text() == "a draft"
    client = Client()
    client.force_login(alice)
    content = client.get("/results/").content.decode()
    assert "Wind" in content
    assert "The second part" in content
    (plot,) = ResultLink.objects.filter(name="weather/today.svg")
    assert plot.job_id != job.pk
    answer = client.get(f"/jobs/{plot.job_id}/files/plot.svg")
    assert b"".join(answer.streaming_content) == b"<svg/>"  # type: ignore[attr-defined]


def test_a_script_that_failed_has_no_results(run: Any) -> None:
    assert run("failing").cached_status == "Error"
    assert linked() == []


@pytest.mark.pool
@pytest.mark.parametrize(("one_proc_slices", "form"), [(8, "one-proc"), (0, "own-dag")])
def test_it_is_the_same_on_htcondor_in_one_proc_and_as_a_dag(
    run: Any, real: Scheduler, settings: Any, one_proc_slices: int, form: str
) -> None:
    settings.ROOST_ONE_PROC_SLICES = one_proc_slices
    job = run("linking", real)
    assert (job.cached_status, job.status_message) == ("Complete", "")
    assert job.attempts.get().form == form
    assert linked() == LINKED
    assert (job.directory / "draft.txt").read_text() == "a draft"
