"""How a new app becomes known: the project finds it by itself, or reads its name in a file, or is told."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from django.conf import settings

from jobs_app import registry


def add(name: str, folder: Path) -> bool:
    """False where the project would not find the app by itself."""
    file = getattr(settings, "ROOST_APPS_FILE", None)
    if file is None or "ROOST_APPS" in os.environ or str(folder.parent) not in sys.path:
        return False
    if folder.parent != getattr(settings, "BASE_DIR", None):
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as lines:
            lines.write(name + "\n")
    return True


def known() -> list[str]:
    return [app.package for app in registry.apps()]


def folder_of(name: str) -> Path | None:
    """Where the known app of this package lies."""
    return next((app.folder for app in registry.apps() if app.package == name), None)
