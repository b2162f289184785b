"""Which apps the project takes without being told."""

from __future__ import annotations

from pathlib import Path

import pytest

from config import environment

APP = "from jobs_app.sdk.base import AppBase\n\n\nclass App(AppBase):\n    pass\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("ROOST_APPS", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def write(project: Path, name: str, source: str) -> None:
    (project / name).mkdir()
    (project / name / "__init__.py").touch()
    (project / name / "app.py").write_text(source)


def found(project: Path) -> list[str]:
    return environment.apps(project, project / ".roost" / "apps")


def test_an_app_in_the_project_s_folder_is_taken_by_itself(project: Path) -> None:
    write(project, "roost_darts", APP)
    write(project, "roost_many", "class App(\n    Mixin,\n    base.AppBase,\n):\n    pass\n")
    assert found(project) == ["examples.ising", "roost_darts", "roost_many"]


def test_it_is_not_imported_for_that_and_may_be_broken(project: Path) -> None:
    write(project, "roost_broken", f"{APP}1 / 0\ndef (:\n")
    assert found(project) == ["examples.ising", "roost_broken"]


def test_other_packages_are_left_alone(project: Path) -> None:
    write(project, "roost_other", 'class App:\n    "No AppBase."\n')
    write(project, "no-name", APP)
    write(project, "json", APP)  # another module goes before it
    (project / "roost_empty").mkdir()
    assert found(project) == ["examples.ising"]


def test_a_written_name_is_taken_once_and_only_where_it_leads_somewhere(project: Path) -> None:
    write(project, "roost_darts", APP)
    (project / ".roost").mkdir()
    (project / ".roost" / "apps").write_text("roost_darts\nroost_gone\n")
    assert found(project) == ["examples.ising", "roost_darts"]


def test_whoever_names_the_apps_gets_those_alone(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, "roost_darts", APP)
    monkeypatch.setenv("ROOST_APPS", "one, two.three,")
    assert found(project) == ["one", "two.three"]
