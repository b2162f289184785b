"""The apps that use Roost: every AppBase subclass, found lazily in the `app.py` of each installed package."""

from __future__ import annotations

import functools
import importlib
import logging
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs_app.errors import Invalid, ScriptError, UnknownApp
from jobs_app.parameters import unknown

FOUND_WHEN = (
    "An app is found when its folder lies beside manage.py with an AppBase in its app.py, or when ROOST_APPS "
    "or INSTALLED_APPS names it. What runs already (serve, workers) finds a new one when it is started again."
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class App:
    """An app as Roost knows it. `label` scopes its jobs; `package` and `folder` are where its code lies."""

    label: str
    package: str
    folder: Path | None
    cls: type | None = None

    @property
    def job_scripts(self) -> Path | None:
        return self.folder / "job_scripts" if self.folder else None


_apps: dict[str, App] = {}
_doubles: dict[str, str] = {}  # labels that two classes claim, with what to say about it
_broken: dict[str, str] = {}  # packages whose app.py does not load, and why


def register(cls: type) -> None:
    """Called for each subclass of AppBase as it is defined. One defined anew (a reload) replaces itself."""
    app = _app_of(cls)
    former = _apps.get(app.label)
    if former and former.cls and _place(former.cls) != _place(cls):
        _doubles[app.label] = (
            f"Two apps have the label {app.label!r}: {_place(former.cls)} and {_place(cls)}. "
            "Give one of them another `package`."
        )
    _apps[app.label] = app


def forget(label: str) -> None:
    """For tests that define apps."""
    _apps.pop(label, None)
    _doubles.pop(label, None)
    _broken.pop(label, None)


def _place(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _app_of(cls: Any) -> App:
    module = sys.modules.get(cls.__module__)
    package = cls.__module__.rpartition(".")[0]
    file = getattr(module, "__file__", None)
    label = cls.label or cls.package or package or cls.__name__.lower()
    return App(label, package, Path(file).parent if file else None, cls)


def find(app: Any) -> App:
    """By AppBase subclass, instance of one, or label."""
    cls = app if isinstance(app, (type, str)) else type(app)
    if isinstance(cls, str):
        return _by_label(cls)
    label = _app_of(cls).label
    if label in _doubles:
        raise Invalid(_doubles[label])
    return _apps.get(label) or _app_of(cls)


def _by_label(label: str) -> App:
    if label not in _apps:
        discover()
    if label in _doubles:
        raise Invalid(_doubles[label])
    if label not in _apps:
        raise UnknownApp(_broken.get(label) or unknown_app(label))
    return _apps[label]


def unknown_app(label: str) -> str:
    return unknown("label", label, _apps, "an app") + " ".join(["", FOUND_WHEN, *_broken.values()])


def where_from() -> str:
    """Which apps are known, and how one becomes so."""
    known = ", ".join(sorted(app.label for app in apps())) or "none"
    return f"Known apps: {known}. {FOUND_WHEN}"


def apps() -> Iterator[App]:
    """Every app: those with an AppBase, and installed packages that have job scripts only."""
    discover()
    yield from list(_apps.values())


@functools.cache
def discover() -> None:
    """Imports each installed package's `app.py`, once. One that does not load stands in nobody's way."""
    from django.apps import apps as installed

    for config in installed.get_app_configs():
        if config.name != "jobs_app" and not config.name.startswith("django."):
            _import_app(config.name, Path(config.path))


def _import_app(package: str, folder: Path) -> None:
    if (folder / "app.py").exists():
        try:
            importlib.import_module(f"{package}.app")
        except Exception:  # noqa: BLE001 - an app of somebody else: reported, and the others go on
            _broken[package] = f"{package}/app.py does not load: {traceback.format_exc(limit=-1).strip()}"
            log.error("%s", _broken[package])
            return
    known = any(app.folder == folder for app in _apps.values())
    if not known and (folder / "job_scripts").is_dir():
        _apps[package] = App(package, package, folder)


def broken() -> list[ScriptError]:
    discover()
    return [ScriptError(why) for why in _broken.values()]
