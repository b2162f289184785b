"""list_jobs, get_job, find_jobs."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from jobs_app.errors import Invalid
from jobs_app.manager import JobManager
from jobs_app.models import Job

from .conftest import NewApp

pytestmark = pytest.mark.django_db


def names(jobs: Any) -> list[str]:
    return [job.name for job in jobs]


@pytest.fixture
def jobs(manager: JobManager, alice: User, bob: User) -> dict[str, Job]:
    rivers, lakes = Group.objects.create(name="rivers"), Group.objects.create(name="lakes")
    manager.create_job("hers", alice, job_type="BASIC", groups=[rivers, lakes])
    manager.create_job("his", bob, job_type="BASIC", groups=rivers)
    manager.create_job("nobody's", None, job_type="BASIC").save()
    return {job.name: job for job in Job.objects.all()}


def test_jobs_are_those_of_the_app_in_the_order_of_their_ids(
    manager: JobManager, jobs: dict[str, Job], new_app: NewApp
) -> None:
    other = new_app().get_job_manager()
    other.create_job("other", None, job_type="BASIC").save()
    assert names(manager.list_jobs()) == ["hers", "his", "nobody's"]
    assert names(other.list_jobs()) == ["other"]


def test_jobs_of_a_user_and_in_another_order(manager: JobManager, jobs: dict[str, Job], alice: User) -> None:
    assert names(manager.list_jobs(alice)) == ["hers"]
    assert names(manager.list_jobs(order_by="-id"))[0] == "nobody's"
    assert names(manager.list_jobs(order_by=("description", "-name")))[0] == "nobody's"


def test_a_job_in_two_groups_is_listed_once(manager: JobManager, jobs: dict[str, Job]) -> None:
    both = Group.objects.all()
    assert names(manager.list_jobs(groups=both)) == ["hers", "his"]
    assert names(manager.list_jobs(groups=Group.objects.get(name="lakes"))) == ["hers"]
    assert names(manager.list_jobs(groups=[])) == []


def test_user_and_groups_together_are_refused(manager: JobManager, jobs: dict[str, Job], alice: User) -> None:
    with pytest.raises(Invalid, match="not both"):
        manager.list_jobs(user=alice, groups=Group.objects.all())


def test_filters_are_the_orms_and_stay_as_they_are(manager: JobManager, jobs: dict[str, Job]) -> None:
    filters = {"name__startswith": "h", "status": "PEN", "status__in": ["PEN", "RUN"]}
    assert names(manager.list_jobs(filters=filters)) == ["hers", "his"]
    assert filters == {"name__startswith": "h", "status": "PEN", "status__in": ["PEN", "RUN"]}


def test_a_filter_cannot_reach_another_apps_jobs(
    manager: JobManager, jobs: dict[str, Job], new_app: NewApp
) -> None:
    other = new_app().get_job_manager()
    assert names(other.list_jobs(filters={"label": manager.label})) == []


def test_get_job_answers_with_none_what_is_not_there(
    manager: JobManager, jobs: dict[str, Job], alice: User, bob: User, new_app: NewApp
) -> None:
    hers = jobs["hers"]
    assert manager.get_job(job_id=hers.pk) == hers
    assert manager.get_job(hers.pk, user=alice) == hers
    assert manager.get_job(hers.pk, user=bob) is None
    assert manager.get_job(hers.pk, filters={"name": "his"}) is None
    assert new_app().get_job_manager().get_job(hers.pk) is None


@pytest.mark.parametrize("job_id", ["abc", "", None, [], 1.5e400, 2**80, -1])
def test_what_cannot_be_an_id_is_the_id_of_no_job(
    manager: JobManager, jobs: dict[str, Job], job_id: Any
) -> None:
    assert manager.get_job(job_id) is None


class TestByStatePoint:
    POINTS = (
        {"a": 1, "b": {"c": 1.5}, "tag": "x"},
        {"a": 2, "b": {"c": 2.5}, "tag": "y"},
        {"a": 3, "deep": {"er": {"est": None}}},
    )

    @pytest.fixture(autouse=True)
    def made(self, manager: JobManager) -> None:
        for point in self.POINTS:
            manager.create_job(f"job {point['a']}", None, job_type="BASIC", statepoint=point).save()
        manager.create_job("without", None, job_type="BASIC").save()

    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            ({"a": 2}, [2]),
            ({"a": 9}, []),
            ({"a": "2"}, []),
            ({"a": {"$lt": 3}}, [1, 2]),
            ({"a": {"$gte": 2, "$lt": 3}}, [2]),
            ({"a": {"$in": [1, 3]}}, [1, 3]),
            ({"a": {"$ne": 2}}, [1, 3]),
            ({"tag": {"$ne": "x"}}, [2]),
            ({"a": {"$nin": [1, 3]}}, [2]),
            ({"b.c": 1.5}, [1]),
            ({"b": {"c": {"$gt": 2}}}, [2]),
            ({"b": {"c": 2.5}, "tag": "y"}, [2]),
            ({"tag": {"$exists": True}}, [1, 2]),
            ({"tag": {"$exists": False}}, [3]),
            ({"b.c": {"$exists": True}}, [1, 2]),
            ({"deep.er.est": None}, [3]),
            ({}, [1, 2, 3]),
            (None, [1, 2, 3]),
        ],
    )
    def test_jobs_are_found(self, manager: JobManager, wanted: Any, found: list[int]) -> None:
        assert names(manager.find_jobs(wanted)) == [f"job {number}" for number in found]

    @pytest.mark.parametrize("wanted", [{"a": {"$near": 1}}, {"a__b": 1}, {"": 1}, {"a..b": 1}])
    def test_what_cannot_be_searched_for_is_refused(self, manager: JobManager, wanted: Any) -> None:
        with pytest.raises(Invalid):
            manager.find_jobs(wanted)
