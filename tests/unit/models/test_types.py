"""A type is a name and a proxy model; rows come back as the proxy of their type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from jobs_app import parameters as check
from jobs_app.errors import BadParameter, Invalid, UnknownJobType, UnknownParameter, WrongState
from jobs_app.job_types import JOB_TYPES, checked_parameters, register_type, type_name
from jobs_app.models import BasicJob, CondorJob, CondorWorkflow, ExternalJob, Job, ScriptJob

from .conftest import NewJob


@pytest.fixture
def matlab() -> Iterator[type[Job]]:
    class MatlabJob(CondorJob):
        PARAMETERS: ClassVar = {**CondorJob.PARAMETERS, "release": check.line}

        class Meta:
            proxy = True
            app_label = "jobs_app"

    yield MatlabJob
    Job.types.pop("MATLAB", None)
    MatlabJob._meta.apps.all_models["jobs_app"].pop("matlabjob")
    MatlabJob._meta.apps.clear_cache()


def test_the_known_types_are_there_in_both_spellings() -> None:
    assert dict(JOB_TYPES) == {
        "BASIC": BasicJob,
        "CONDOR": CondorJob,
        "CONDORJOB": CondorJob,
        "SCRIPT": ScriptJob,
        "CONDORWORKFLOW": CondorWorkflow,
        "EXTERNAL": ExternalJob,
    }
    assert len(JOB_TYPES) == 6
    assert "CONDOR" in JOB_TYPES
    assert "DASK" not in JOB_TYPES


def test_a_type_is_named_by_its_name_its_spelling_or_its_model() -> None:
    assert [type_name(kind) for kind in ("condor", "CONDORJOB", CondorJob, None)] == [
        *["CONDORJOB"] * 3,
        "BASIC",
    ]


@pytest.mark.parametrize("kind", ["DASK", "", 3, dict])
def test_an_unknown_type_is_named_with_all(kind: Any) -> None:
    with pytest.raises(UnknownJobType, match="There are: BASIC, CONDOR, CONDORJOB, CONDORWORKFLOW, EXTERNAL"):
        type_name(kind)


@pytest.mark.django_db
def test_rows_come_back_as_the_model_of_their_type(new_job: NewJob) -> None:
    for model in (BasicJob, CondorJob, ScriptJob, CondorWorkflow, ExternalJob):
        job = new_job(model)
        found = Job.objects.get(pk=job.pk)
        assert type(found) is model
        assert found == job
        found.refresh_from_db()
    assert {type(job) for job in Job.objects.only("type", "name")} == set(Job.types.values())
    assert type(Job.objects.defer("type").first()) is Job


@pytest.mark.django_db
def test_a_type_may_be_added_with_parameters_of_its_own(matlab: type[Job], new_job: NewJob) -> None:
    register_type("MATLAB", matlab)
    job = new_job(matlab)
    assert job.type == "MATLAB"
    assert type(Job.objects.get(pk=job.pk)) is matlab
    assert checked_parameters("MATLAB", {"release": "R2026a", "memory": 1})["release"] == "R2026a"
    with pytest.raises(UnknownParameter):
        checked_parameters("CONDORJOB", {"release": "R2026a"})


@pytest.mark.parametrize("name", ["matlab", "MAT LAB", "CONDOR", "BASIC", "", "X" * 33])
def test_a_name_that_cannot_be_a_types_is_refused(name: str, matlab: type[Job]) -> None:
    with pytest.raises(Invalid):
        register_type(name, matlab)


@pytest.mark.parametrize("model", [Job, dict, "CondorJob"])
def test_what_is_no_proxy_of_job_cannot_be_a_type(model: Any) -> None:
    with pytest.raises(Invalid, match="must be a proxy model"):
        register_type("OTHER", model)


def test_condorpys_spellings_reach_the_same_parameters() -> None:
    found = checked_parameters(
        "CONDOR",
        {
            "condorpy_template_name": "vanilla",
            "attributes": {"executable": "x", "arguments": "a b", "request_disk": 5},
            "memory": "1 GB",
        },
    )
    assert found == {
        "condor_template": "vanilla",
        "executable": "x",
        "arguments": "a b",
        "attributes": {"request_disk": 5},
        "memory": 1024,
    }


@pytest.mark.parametrize("scheduler", [3, "", object()])
def test_what_is_no_scheduler_is_refused(scheduler: Any) -> None:
    with pytest.raises(BadParameter, match=r"scheduler: .* is not a scheduler"):
        checked_parameters("BASIC", {"scheduler": scheduler})


@pytest.mark.django_db
def test_a_job_of_a_type_that_nobody_registered_here_can_be_looked_at_but_not_run(new_job: NewJob) -> None:
    job = new_job()
    Job.objects.filter(pk=job.pk).update(type="GONE")
    job = Job.objects.get(pk=job.pk)
    assert (type(job), job.status) == (Job, "Pending")
    with pytest.raises(WrongState, match="nothing here runs jobs of the type 'GONE'"):
        job.execute()
