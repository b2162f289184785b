"""What a CONDORJOB takes, in both spellings."""

from __future__ import annotations

from typing import Any

import pytest

from jobs_app.errors import BadParameter
from jobs_app.job_types import checked_parameters
from jobs_app.lifecycle.task import attributes_of
from jobs_app.models import CondorJob


def job(**given: Any) -> CondorJob:
    made = CondorJob(type="CONDORJOB", name="x")
    made.complete(checked_parameters("CONDORJOB", {"executable": "x", **given}))
    return made


@pytest.mark.parametrize(
    ("attribute", "parameter"),
    [
        (("request_memory", 512), ("memory", 512)),
        (("request_memory", "2 GB"), ("memory", 2048)),
        (("request_memory", "512"), ("memory", 512)),
        (("request_disk", 4096), ("disk", 4)),
        (("request_disk", "1 GB"), ("disk", 1024)),
        (("request_cpus", 4), ("cpus", 4)),
        (("request_gpus", 1), ("gpus", 1)),
        (("max_idle", 10), ("max_idle", 10)),
        (("max_retries", 3), ("retries", 3)),
        (("container_image", "docker://x"), ("container_image", "docker://x")),
        (("accounting_group", "physics"), ("accounting_group", "physics")),
    ],
)
def test_an_attribute_that_is_a_parameter_is_one(
    attribute: tuple[str, Any], parameter: tuple[str, Any]
) -> None:
    made = job(attributes=dict([attribute]))
    assert made.parameters["attributes"] == {}
    assert made.parameters[parameter[0]] == parameter[1]


@pytest.mark.parametrize(
    ("name", "value"),
    [("request_memory", "2 * MemoryUsage"), ("request_disk", 5), ("request_cpus", "MY.Cores"), ("rank", "1")],
)
def test_an_expression_stays_an_attribute(name: str, value: Any) -> None:
    assert job(attributes={name: value}).parameters["attributes"] == {name: value}


def test_an_attribute_is_set_read_and_removed_by_its_own_name() -> None:
    made = job()
    made.set_attribute("request_disk", 2048)
    made.set_attribute("rank", "Memory")
    assert made.parameters["disk"] == 2
    assert made.get_attribute("request_disk") == 2048
    assert made.attributes == {"executable": "x", "request_disk": 2048, "rank": "Memory"}
    made.set_attribute("request_disk", None)
    assert made.get_attribute("request_disk") is None
    assert "disk" not in made.parameters


def test_what_stands_among_the_parameters_is_said_to_htcondor() -> None:
    made = job(container_image="docker://x", accounting_group="physics", attributes={"rank": "1"})
    wanted = {"rank": "1", "container_image": "docker://x", "accounting_group": "physics"}
    assert attributes_of(made.parameters) == wanted


def test_a_table_of_arguments_makes_a_slice_of_each_row() -> None:
    made = job(arguments=[["a", 1], ["b", 2], ["c", 3]])
    assert (made.num_jobs, made.slices_total) == (3, 3)
    made.set_attribute("arguments", [["a"], ["b"]])
    assert made.slices_total == 2


def test_a_table_that_does_not_fit_the_number_of_slices_is_refused() -> None:
    with pytest.raises(BadParameter, match="a table of 2 rows is given for 3 slices"):
        job(arguments=[["a"], ["b"]], num_jobs=3)


def test_one_row_serves_all_slices() -> None:
    assert job(arguments=[["a"]], num_jobs=3).num_jobs == 3


@pytest.mark.parametrize(
    ("name", "value", "home", "wanted"),
    [
        ("request_cpus", 2, "cpus", 2),
        ("request_cpus", "2", "cpus", 2),
        ("request_gpus", 1, "gpus", 1),
        ("request_memory", 512, "memory", 512),
        ("request_memory", "2 GB", "memory", 2048),
        ("request_disk", 4096, "disk", 4),
        ("request_disk", 5000, "disk", 5),
        ("request_disk", "1 GB", "disk", 1024),
    ],
)
def test_htcondors_name_of_a_request_is_a_parameter_too(
    name: str, value: Any, home: str, wanted: int
) -> None:
    assert job(**{name: value}).parameters == {"executable": "x", home: wanted}


def test_requests_are_read_and_set_by_htcondors_names_in_its_units() -> None:
    made = job(cpus=2, memory="1 GB", disk=3)
    assert (made.request_cpus, made.request_memory, made.request_disk) == (2, 1024, 3072)
    assert made.request_gpus is None
    made.request_disk = 2048
    made.request_memory = "2 GB"
    assert (made.parameters["disk"], made.parameters["memory"]) == (2, 2048)


def test_a_request_leaves_the_templates_attributes_alone() -> None:
    assert "attributes" not in checked_parameters("CONDORJOB", {"request_cpus": 2, "request_disk": None})


@pytest.mark.parametrize("value", ["2 * MemoryUsage", 1.5, True, [1]])
def test_an_expression_is_no_request_by_itself(value: Any) -> None:
    with pytest.raises(BadParameter, match=r"request_memory: .* goes among the attributes"):
        job(request_memory=value)


def test_one_request_is_said_once() -> None:
    with pytest.raises(BadParameter, match="request_cpus and cpus are one parameter"):
        job(request_cpus=2, cpus=3)
