"""What a script said of results, done when its job has ended. It comes from a node, which may write
anything."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs_app.jobdir import files, manifest
from jobs_app.lifecycle.link_result import link_what_it_said
from jobs_app.models import Job, Project, ResultLink

PLOT = {"filename": "plot.png", "name": "plot.png", "header": "", "description": "", "job": ""}


@pytest.fixture
def ended(tmp_path: Any, alice: User) -> Any:
    project = Project.objects.create(name="lab", path=str(tmp_path / "lab"), app="lab")

    def make(links: Any = (), user: User = alice, **fields: Any) -> Job:
        number = Job.objects.count()
        known = {"type": "SCRIPT", "name": "j", "_status": "COM", "address": f"{number:032x}", **fields}
        job = Job.objects.create(project=project, app="lab", user=user, **known)
        job.directory.mkdir(parents=True)
        job.paths.private.mkdir()
        (job.directory / "plot.png").write_text("picture")
        manifest.write(job.paths, manifest.build(job.directory, ["plot.png"]))
        files.write_json(job.paths.post, {"links": links})
        return job

    return make


def linked() -> list[tuple[int, str, str]]:
    return list(ResultLink.objects.order_by("name").values_list("job_id", "filename", "name"))


def test_a_file_of_its_own_and_one_of_a_subjob_are_linked(ended: Any) -> None:
    sub = ended()
    job = ended([PLOT, {**PLOT, "name": "sub/p.png", "job": f"lab-{sub.pk}", "header": "Heat"}])
    link_what_it_said(job)
    link_what_it_said(job)  # the process died, and another one goes on
    assert linked() == [(job.pk, "plot.png", "plot.png"), (sub.pk, "plot.png", "sub/p.png")]
    assert ResultLink.objects.get(name="sub/p.png").header == "Heat"


def test_nobody_links_what_is_not_his_or_did_not_end_well(ended: Any, bob: User) -> None:
    others, failed = ended(user=bob), ended(_status="ERR")
    names = [f"lab-{others.pk}", f"lab-{failed.pk}", "lab-999999", "lab-" + "9" * 400, "x", "lab-٣"]
    link_what_it_said(ended([{**PLOT, "job": name} for name in names]))
    assert linked() == []


@pytest.mark.parametrize(
    "said",
    [
        {**PLOT, "filename": "../other/plot.png"},
        {**PLOT, "filename": "setup.json"},
        {**PLOT, "filename": "not there"},
        {**PLOT, "name": "/etc/passwd"},
        {**PLOT, "name": "a/../../b"},
        {**PLOT, "name": "n" * 256},
        {**PLOT, "name": 7},
        {"filename": "plot.png"},
        "plot.png",
        None,
    ],
)
def test_what_is_no_link_is_left_out_and_the_others_are_made(
    ended: Any, said: Any, caplog: pytest.LogCaptureFixture
) -> None:
    link_what_it_said(ended([said, PLOT]))
    assert [name for _, _, name in linked()] == ["plot.png"]
    assert "a result is not linked" in caplog.text


@pytest.mark.parametrize("links", ["x", {"a": 1}, 5, None])
def test_a_list_that_is_none_links_nothing(ended: Any, links: Any) -> None:
    link_what_it_said(ended(links))
    assert linked() == []


def test_long_and_odd_words_are_kept_as_far_as_they_can_be_stored(ended: Any) -> None:
    link_what_it_said(ended([{**PLOT, "header": "h\0" * 900, "description": "\ud800" + "d" * 20_000}]))
    link = ResultLink.objects.get()
    assert len(link.header) <= 255
    assert len(link.description) <= 10_000
