"""Whose share of a pool a job may use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User

from jobs_app.errors import BadParameter, NotAllowed
from jobs_app.job_types import checked_parameters
from jobs_app.models import CondorJob, Job

NewJob = Callable[..., Job]
Execute = Callable[..., None]


@pytest.fixture
def execute(new_job: NewJob) -> Execute:
    def execute(user: User, **parameters: Any) -> None:
        job = new_job(**parameters)
        job.user = user
        job.execute()

    return execute


def test_any_group_may_be_named_where_no_setting_says_who(new_job: NewJob) -> None:
    new_job(accounting_group="physics").execute()


def test_a_group_is_for_those_that_the_setting_names(
    execute: Execute, alice: User, bob: User, settings: Any
) -> None:
    settings.ROOST_ACCOUNTING_GROUPS = {"Physics": ["physicists"], "guests": ["*"]}
    alice.groups.add(Group.objects.create(name="physicists"))
    execute(alice, attributes={"accounting_group": "physics"})
    execute(bob, accounting_group="guests")
    with pytest.raises(NotAllowed, match="may not use the accounting group 'physics'"):
        execute(bob, accounting_group="physics")
    with pytest.raises(NotAllowed, match="may not use the accounting group 'chemistry'"):
        execute(alice, accounting_group="chemistry")


def test_nobody_charges_somebody_else(execute: Execute, alice: User) -> None:
    execute(alice, accounting_group_user="Alice")
    with pytest.raises(NotAllowed, match="cannot charge jobs to 'bob'"):
        execute(alice, attributes={"accounting_group_user": "bob"})


def test_who_may_choose_chooses(execute: Execute, alice: User, settings: Any) -> None:
    settings.ROOST_ACCOUNTING_GROUPS = {}
    alice.user_permissions.add(Permission.objects.get(codename="choose_accounting"))
    execute(User.objects.get(pk=alice.pk), accounting_group="x", accounting_group_user="bob")


# --- in whatever letters it is said -------------------------------------------------------------------------

USERS = ["accounting_group_user", "Accounting_Group_User", "ACCOUNTING_GROUP_USER"]
GROUPS = ["accounting_group", "Accounting_Group", "ACCOUNTING_GROUP"]


def given(name: str, value: str) -> dict[str, Any]:
    """As create_job takes it."""
    return checked_parameters("CONDORJOB", {"attributes": {name: value}})


@pytest.mark.parametrize("name", USERS)
def test_capitals_charge_nobody_else(execute: Execute, new_job: NewJob, alice: User, name: str) -> None:
    with pytest.raises(NotAllowed, match="cannot charge jobs to 'bob'"):
        execute(alice, **given(name, "bob"))
    job = new_job()
    assert isinstance(job, CondorJob)
    job.set_attribute(name, "bob")
    with pytest.raises(NotAllowed, match="cannot charge jobs to 'bob'"):
        job.execute()


@pytest.mark.parametrize("name", GROUPS)
def test_capitals_open_no_group(
    execute: Execute, new_job: NewJob, alice: User, settings: Any, name: str
) -> None:
    settings.ROOST_ACCOUNTING_GROUPS = {"physics": ["physicists"]}
    with pytest.raises(NotAllowed, match="may not use the accounting group 'physics'"):
        execute(alice, **given(name, "physics"))
    job = new_job()
    assert isinstance(job, CondorJob)
    job.set_attribute(name, "physics")
    with pytest.raises(NotAllowed, match="may not use the accounting group 'physics'"):
        job.execute()


@pytest.mark.parametrize("name", USERS)
def test_a_row_that_was_written_before_is_looked_at_in_all_letters(
    execute: Execute, alice: User, name: str
) -> None:
    with pytest.raises(NotAllowed, match="cannot charge jobs to 'bob'"):
        execute(alice, attributes={name: "bob"}, accounting_group="physics")


def test_an_attribute_that_is_said_twice_is_refused() -> None:
    with pytest.raises(BadParameter, match="attributes: 'Rank' and 'rank' are one attribute"):
        checked_parameters("CONDORJOB", {"attributes": {"Rank": "1", "rank": "2"}})
    with pytest.raises(BadParameter, match=r"'\+Colour' and 'MY.colour' are one attribute"):
        checked_parameters("CONDORJOB", {"attributes": {"+Colour": "1", "MY.colour": "2"}})


def test_custom_attributes_keep_their_spelling_and_are_found_in_any(new_job: NewJob) -> None:
    job = new_job()
    assert isinstance(job, CondorJob)
    job.set_attribute("+ProjectName", '"rivers"')
    job.set_attribute("MY.projectname", '"lakes"')
    assert job.parameters["attributes"] == {"MY.projectname": '"lakes"'}
    assert job.get_attribute("+PROJECTNAME") == '"lakes"'
