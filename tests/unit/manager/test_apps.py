"""Apps are found by their classes, instances and labels; one that does not load stands in nobody's way."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs_app import registry
from jobs_app.app_base import AppBase
from jobs_app.errors import Invalid, UnknownApp
from jobs_app.manager import JobManager

from .conftest import NewApp


def test_a_manager_is_got_from_the_class_an_instance_or_a_label(new_app: NewApp) -> None:
    app = new_app()
    managers = [app.get_job_manager(), app().get_job_manager(), JobManager(app), JobManager(app())]
    managers.append(JobManager(managers[0].label))
    assert len({manager.label for manager in managers}) == 1


def test_the_label_is_package_or_label_or_the_python_package(new_app: NewApp) -> None:
    assert new_app("first", package="my_package").get_job_manager().label == "my_package"
    assert new_app("second", label="my_label").get_job_manager().label == "my_label"
    assert new_app("third.place").get_job_manager().label == "third.place"
    for label in ("my_package", "my_label"):
        registry.forget(label)


def test_two_apps_of_one_label_are_refused_when_one_is_used(new_app: NewApp) -> None:
    one = new_app("left", package="same")
    two = new_app("right", package="same")
    for app in (one, two, "same"):
        with pytest.raises(Invalid, match=r"'same': left\.app\.App and right\.app\.App"):
            JobManager(app)
    registry.forget("same")


def test_a_class_that_is_defined_again_replaces_itself(new_app: NewApp) -> None:
    one = new_app("again")
    two = type("App", (AppBase,), {"__module__": one.__module__})
    assert registry.find("again").cls is two
    assert JobManager(two).label == "again"


def test_an_unknown_label_is_named_with_the_nearest(new_app: NewApp) -> None:
    new_app("weather")
    with pytest.raises(UnknownApp, match="Did you mean 'weather'"):
        JobManager("wether")


class TestDiscovery:
    @pytest.fixture
    def packages(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Path]:
        monkeypatch.syspath_prepend(str(tmp_path))
        for name, source in {
            "fine_app": FINE,
            "broken_app": "import nowhere_at_all\n",
            "bare_app": "",
        }.items():
            (tmp_path / name / "job_scripts").mkdir(parents=True)
            (tmp_path / name / "__init__.py").touch()
            if source:
                (tmp_path / name / "app.py").write_text(source)
            settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, name]
        registry.discover.cache_clear()
        yield tmp_path
        for label in ("fine_app", "broken_app", "bare_app"):
            registry.forget(label)
            sys.modules.pop(f"{label}.app", None)
        registry.discover.cache_clear()

    def test_the_app_py_of_each_installed_package_is_imported_when_needed(self, packages: Path) -> None:
        assert "fine_app.app" not in sys.modules
        assert JobManager("fine_app").app.folder == packages / "fine_app"
        assert {"fine_app", "bare_app"} <= {app.label for app in registry.apps()}

    def test_an_app_that_does_not_load_says_why_and_the_others_work(
        self, packages: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        JobManager("fine_app")
        with pytest.raises(UnknownApp, match="No module named 'nowhere_at_all'"):
            JobManager("broken_app")
        assert "nowhere_at_all" in str(registry.broken()[0])
        assert "nowhere_at_all" in caplog.text


FINE = "from jobs_app.sdk.base import TethysAppBase\n\nclass Fine(TethysAppBase):\n    name = 'Fine'\n"
