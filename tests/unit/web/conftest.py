from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client


@pytest.fixture
def bob(bob: User) -> User:
    """In the group that alice may share with."""
    bob.groups.add(Group.objects.create(name="hydrology"))
    return bob


@pytest.fixture
def page_of(client: Client) -> Callable[[User], Client]:
    def sign_in(user: User) -> Client:
        client.force_login(user)
        return client

    return sign_in
