"""Whose share of a pool a job may use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User

from jobs_app.errors import NotAllowed
from jobs_app.models import Job

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
