from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from jobs_app import tokens
from jobs_app.permissions import SCOPES


class ApiClient(Client):
    """Speaks JSON, with a token."""

    def __init__(self, token: str = "", **how: Any) -> None:
        super().__init__(raise_request_exception=False, **how)
        if token:
            self.defaults["HTTP_AUTHORIZATION"] = f"Bearer {token}"

    def call(self, method: str, path: str, body: Any = None, **headers: Any) -> Any:
        sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        return self.generic(method, f"/api/v1{path}", headers=headers, **sent)


@pytest.fixture
def api_of(db: None) -> Callable[..., ApiClient]:
    """A client with a new token of this person, with all scopes or some. None: a service's."""

    def make(user: User | None, scopes: Any = tuple(SCOPES), **how: Any) -> ApiClient:
        return ApiClient(tokens.make("for a test", user, scopes, **how)[1])

    return make


@pytest.fixture
def hydrology(alice: User, bob: User) -> Group:
    """Alice and Bob are both in it; Charlie is not."""
    group = Group.objects.get(name="hydrology")
    alice.groups.add(group)
    return group
