"""A job's document: a JSON mapping beside the state point, in signac's file."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Callable

from . import files
from .layout import JobPaths


def read(paths: JobPaths) -> dict[str, Any]:
    """Empty as long as none was written."""
    try:
        return files.read_object(paths.document)
    except FileNotFoundError:
        return {}


def write(paths: JobPaths, document: Mapping[str, Any]) -> None:
    with locked(paths):
        files.write_json(paths.document, dict(document))


def change(paths: JobPaths, edit: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Reads the document, lets `edit` change it and writes it, with nobody else between."""
    with locked(paths):
        document = read(paths)
        edit(document)
        files.write_json(paths.document, document)
        return document


@contextmanager
def locked(paths: JobPaths) -> Iterator[None]:
    """One process and thread at a time. The lock ends with its holder, however that ends."""
    paths.private.mkdir(exist_ok=True)
    with open(paths.private / "document.lock", "ab") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
