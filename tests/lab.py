"""An app of its own for a test: a package in a folder, with the job scripts that the test writes."""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs_app import registry
from jobs_app.manager import JobManager

_numbers = itertools.count(1)

APP = """
from jobs_app.sdk.base import AppBase


class Lab(AppBase):
    name = "Lab"
"""


class Lab:
    def __init__(self, folder: Path, package: str) -> None:
        self.package = package
        self.scripts = folder / package / "job_scripts"
        self.scripts.mkdir(parents=True)
        (self.scripts / "__init__.py").touch()
        (self.scripts.parent / "__init__.py").touch()
        (self.scripts.parent / "app.py").write_text(APP)

    def script(self, name: str, text: str) -> None:
        (self.scripts / f"a_{name}.py").write_text(text)

    @property
    def jobs(self) -> JobManager:
        return JobManager(self.package)


@contextmanager
def lab(folder: Path) -> Iterator[Lab]:
    package = f"lab{next(_numbers)}"
    made = Lab(folder, package)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    importlib.import_module(f"{package}.app")
    try:
        yield made
    finally:
        registry.forget(package)
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.split(".")[0] == package]:
            del sys.modules[name]
