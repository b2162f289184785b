from __future__ import annotations

import ast

import pytest

from jobs_app import registry
from jobs_app.management.commands import startjobapp

from .conftest import manage


@pytest.mark.parametrize(
    "name",
    [
        "Darts",
        "1darts",
        "dar ts",
        "dar-ts",
        "../darts",
        "da/rts",
        "class",
        "",
        "_darts",
        "därts",
        "a" * 51,
        "x\n",
        "x\0",
    ],
)
def test_a_name_that_cannot_be_one_is_refused(tmp_path, name):
    said = manage("startjobapp", name, str(tmp_path))
    assert said.code == 2
    assert "cannot be an app's name" in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["json", "django", "examples", "jobs_app"])
def test_a_name_that_is_taken_is_refused(tmp_path, name):
    assert "there already" in manage("startjobapp", name, str(tmp_path)).err


def test_nothing_that_is_there_is_overwritten(tmp_path):
    (tmp_path / "darts").mkdir()
    (tmp_path / "darts" / "mine").write_text("mine")
    assert manage("startjobapp", "darts", str(tmp_path)).code == 2
    assert [path.name for path in (tmp_path / "darts").iterdir()] == ["mine"]


def test_a_link_that_leads_nowhere_is_not_written_through(tmp_path):
    (tmp_path / "darts").symlink_to(tmp_path / "elsewhere")
    assert manage("startjobapp", "darts", str(tmp_path)).code == 2
    assert not (tmp_path / "elsewhere").exists()


def test_all_files_are_written_with_the_name_filled_in(tmp_path):
    said = manage("startjobapp", "water_levels", str(tmp_path))
    app = tmp_path / "water_levels"
    assert said.code == 0
    for file in ("__init__.py", "app.py", "README.md", "job_scripts/a_water_levels.py"):
        assert (app / file).exists(), file
    for file in ("condor_templates/water_levels.sub", "tests/test_water_levels.py"):
        assert (app / file).exists(), file
    for file in app.rglob("*.py"):
        ast.parse(file.read_text())
        assert "${" not in file.read_text()
    assert "jobs run water_levels" in said.out


def test_a_disk_that_fills_up_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(text, name):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(startjobapp, "_filled", full)
    said = manage("startjobapp", "darts", str(tmp_path))
    assert "No space left on device" in said.err
    assert list(tmp_path.iterdir()) == []


def test_an_app_that_the_project_would_not_find_is_made_known_by_hand(tmp_path):
    said = manage("startjobapp", "darts", str(tmp_path))
    assert "INSTALLED_APPS" in said.out
    assert f"PYTHONPATH={tmp_path}" in said.out


def test_an_app_that_is_there_already_is_called_yours(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(registry._apps, "darts", registry.App("darts", "darts", tmp_path / "darts"))
    said = manage("startjobapp", "darts")
    assert said.code == 2
    assert said.err.startswith("Your app darts is there already: darts/. ")


def test_an_app_in_the_project_s_own_folder_needs_no_line(tmp_path, monkeypatch, settings):
    monkeypatch.delenv("ROOST_APPS", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    settings.BASE_DIR, settings.ROOST_APPS_FILE = tmp_path, tmp_path / "home" / "apps"
    assert "INSTALLED_APPS" not in manage("startjobapp", "darts", str(tmp_path)).out
    assert not settings.ROOST_APPS_FILE.exists()


def test_where_the_apps_are_named_a_new_one_has_to_be_named_too(tmp_path, monkeypatch, settings):
    monkeypatch.setenv("ROOST_APPS", "examples.ising")
    monkeypatch.syspath_prepend(tmp_path)
    settings.BASE_DIR, settings.ROOST_APPS_FILE = tmp_path, tmp_path / "home" / "apps"
    assert "ROOST_APPS=" in manage("startjobapp", "darts", str(tmp_path)).out


def test_an_app_on_the_path_is_remembered(tmp_path, monkeypatch, settings):
    monkeypatch.delenv("ROOST_APPS", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    settings.ROOST_APPS_FILE = tmp_path / "home" / "apps"
    said = manage("startjobapp", "darts", str(tmp_path))
    assert settings.ROOST_APPS_FILE.read_text() == "darts\n"
    assert "INSTALLED_APPS" not in said.out
