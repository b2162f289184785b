"""The pages of apps: an app that has a `urls.py` gets /apps/<its name>/, and its name as namespace."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterable
from importlib.util import find_spec

from django.urls import URLResolver, include, path

NOT_APPS = ("django.", "jobs_app", "ninja")

log = logging.getLogger(__name__)


def pages(installed: Iterable[str]) -> list[URLResolver]:
    found = [_page(name) for name in installed if not name.startswith(NOT_APPS)]
    return [each for each in found if each is not None]


def _page(package: str) -> URLResolver | None:
    """None if it has none; one that cannot be loaded is no reason for the other pages to be away."""
    if find_spec(f"{package}.urls") is None:
        return None
    name = package.rpartition(".")[2]
    try:
        module = importlib.import_module(f"{package}.urls")
        return path(f"apps/{name}/", include((module, name)))
    except Exception:
        log.exception("The pages of %s are left out: its urls.py cannot be loaded.", package)
        return None
