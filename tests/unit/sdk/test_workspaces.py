from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from jobs_app import registry
from jobs_app.app_base import AppBase
from jobs_app.errors import BadParameter
from jobs_app.sdk.workspaces import get_app_workspace, get_user_workspace


@pytest.fixture
def app() -> Iterator[type[AppBase]]:
    yield type("App", (AppBase,), {"package": "my_app"})
    registry.forget("my_app")


def test_an_apps_folder_is_a_path_and_there(app: type[AppBase], home: Path) -> None:
    workspace = get_app_workspace(app)
    assert workspace == workspace.path == str(home / "workspaces" / "my_app" / "app")
    assert Path(workspace).is_dir()
    assert os.fspath(workspace) == workspace
    assert workspace / "a" == Path(workspace) / "a"
    assert get_app_workspace("my_app") == get_app_workspace(app()) == workspace


def test_each_user_has_a_folder_that_a_new_name_does_not_change(
    app: type[AppBase], alice: User, bob: User
) -> None:
    workspace = get_user_workspace(app, alice)
    assert workspace != get_user_workspace(app, bob)
    alice.username = "../.."
    assert get_user_workspace(app, alice) == workspace
    assert get_user_workspace(app, None).endswith("/users/nobody")


def test_a_label_cannot_lead_out_of_the_workspaces(home: Path) -> None:
    app = type("App", (AppBase,), {"package": "../../etc"})
    assert Path(get_app_workspace(app)).parent.parent == home / "workspaces"
    registry.forget("../../etc")


def test_files_and_directories_are_listed_and_removed(app: type[AppBase]) -> None:
    workspace = get_app_workspace(app)
    (workspace / "b.txt").touch()
    (workspace / "a.txt").touch()
    (workspace / "folder" / "inner").mkdir(parents=True)
    assert workspace.files() == ["a.txt", "b.txt"]
    assert workspace.files(full_path=True)[0] == f"{workspace}/a.txt"
    assert workspace.directories() == ["folder"]
    workspace.remove("folder")
    workspace.remove("a.txt")
    assert (workspace.files(), workspace.directories()) == (["b.txt"], [])


@pytest.mark.parametrize("item", ["..", "../app", "/etc/passwd", "door/x", ""])
def test_nothing_outside_is_removed(item: str, app: type[AppBase], tmp_path: Path) -> None:
    workspace = get_app_workspace(app)
    (workspace / "door").symlink_to(tmp_path)
    (tmp_path / "x").touch()
    with pytest.raises(BadParameter):
        workspace.remove(item)
    assert (tmp_path / "x").exists()
    assert Path(workspace).is_dir()
