"""What HTCondor would not be asked is refused while its caller listens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs_app.compute import create_scheduler, embedded
from jobs_app.errors import BadParameter
from jobs_app.models import CondorJob, CondorWorkflow, Job

NewJob = Callable[..., Any]


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("+Owner", '"root"', "is kept by HTCondor or Roost"),
        ("+RunAsOwner", "true", "is kept by HTCondor or Roost"),
        ("getenv", True, "surroundings"),
        ("rank", "$ENV(HOME)", "'rank' uses"),
        ("condor_template", "nope", "no submit description 'nope'"),
        ("attributes", {"initialdir": "/"}, "keeps the folders"),
    ],
)
def test_a_job_is_not_changed_by_what_is_refused(new_job: NewJob, name: str, value: Any, why: str) -> None:
    job = new_job()
    with pytest.raises(BadParameter, match=why):
        job.set_attribute(name, value)
    assert job.parameters == {"executable": "/bin/true"}


def test_a_row_that_says_it_already_is_refused_before_anything_is_made(new_job: NewJob) -> None:
    job = new_job(attributes={"getenv": True})
    with pytest.raises(BadParameter, match="surroundings"):
        job.execute()
    assert (job.status, job.address) == ("Pending", None)


def test_a_node_may_not_say_more_than_a_job(new_job: NewJob) -> None:
    job = new_job(model=CondorWorkflow)
    job.add_node("a", executable="true")
    with pytest.raises(BadParameter, match="node 'a': The submit attribute 'getenv'"):
        job.node("a").set_attribute("getenv", True)
    with pytest.raises(BadParameter, match="node 'b': There is no submit description 'nope'"):
        job.add_node("b", condorpy_template_name="nope")
    assert [node.name for node in job.nodes] == ["a"]


def test_variables_of_jobs_and_nodes_are_no_macros_of_htcondors(new_job: NewJob) -> None:
    job = new_job()
    job.set_attribute("batch_name", "$(JOB_ID) in $(JOB_WORKSPACE), $(Process) of $(Cluster)")
    flow = new_job(model=CondorWorkflow)
    flow.add_node("a", variables={"site": "AGLT2"}, attributes={"+DESIRED_Sites": '"$(site) $(NODE)"'})


def test_where_no_htcondor_reads_it_anything_may_stand(new_job: NewJob) -> None:
    """Templates that were written for another manager of jobs still run on this machine."""
    job = new_job()
    job.scheduler = embedded()
    job.set_attribute("transfer_output_files", ["a", "b"])
    job.execute()
    other = new_job()
    other.scheduler = create_scheduler("real", host="ap.example", username="roost")
    with pytest.raises(BadParameter, match="files travel"):
        other.set_attribute("transfer_output_files", ["a", "b"])


def test_a_description_of_the_project_s_own_is_found_as_when_it_is_sent(
    new_job: NewJob, tmp_path: Path, settings: Any
) -> None:
    settings.BASE_DIR = tmp_path
    (tmp_path / "condor_templates").mkdir()
    (tmp_path / "condor_templates" / "mine.sub").write_text("rank = 1\n")
    (tmp_path / "condor_templates" / "bad.sub").write_text("queue 7\n")
    job: CondorJob = new_job()
    job.set_attribute("condor_template", "mine")
    assert job.get_attribute("condor_template") == "mine"
    with pytest.raises(BadParameter, match="has a queue statement"):
        job.set_attribute("condor_template", "bad")


@pytest.mark.parametrize(
    ("name", "value"), [("memory", 512), ("num_jobs", 3), ("retries", 2), ("wall_time", 60)]
)
def test_parameters_are_set_and_read_as_attributes_are(new_job: NewJob, name: str, value: int) -> None:
    job: Job = new_job()
    job.set_attribute(name, value)
    assert (job.parameters[name], job.get_attribute(name)) == (value, value)
    job.set_attribute(name, None)
    assert name not in job.parameters
