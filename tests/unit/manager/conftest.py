from __future__ import annotations

import itertools
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs_app import methods, registry
from jobs_app.app_base import AppBase
from jobs_app.manager import JobManager

_numbers = itertools.count(1)

NewApp = Callable[..., type[AppBase]]


@pytest.fixture
def new_app(tmp_path: Path) -> Iterator[NewApp]:
    """An app with a folder and a package of its own; `body` is that of its class."""
    labels: list[str] = []

    def new(place: str = "", scripts: dict[str, str] | None = None, **body: Any) -> type[AppBase]:
        place = place or f"app{next(_numbers)}"
        module = types.ModuleType(f"{place}.app")
        folder = tmp_path / "apps" / place
        (folder / "job_scripts").mkdir(parents=True)
        module.__file__ = str(folder / "app.py")
        sys.modules[module.__name__] = module
        for name, source in (scripts or {}).items():
            (folder / "job_scripts" / name).write_text(source)
        labels.append(place)
        return type("App", (AppBase,), {"__module__": module.__name__, **body})

    yield new
    for label in labels:
        registry.forget(label)
        sys.modules.pop(f"{label}.app", None)
    methods.forget_all()


@pytest.fixture
def manager(new_app: NewApp, db: None) -> JobManager:
    return new_app().get_job_manager()
