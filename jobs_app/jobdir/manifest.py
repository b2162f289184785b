"""What a finished job consists of: each registered file with its size and sha256."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jobs_app.errors import Damaged

from . import files
from .layout import JobPaths

VERSION = 1
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Entry:
    size: int
    sha256: str


Manifest = Mapping[str, Entry]


def entry(path: Path) -> Entry:
    digest, size = hashlib.sha256(), 0
    with open(path, "rb", buffering=0) as handle:
        buffer = memoryview(bytearray(min(_CHUNK, os.fstat(handle.fileno()).st_size + 1)))
        while True:
            count = handle.readinto(buffer) or 0
            if not count:
                return Entry(size, digest.hexdigest())
            digest.update(buffer[:count])
            size += count


def build(root: Path, names: Iterable[str]) -> dict[str, Entry]:
    return {name: entry(files.locate(root, name)) for name in sorted(names)}


def write(paths: JobPaths, manifest: Manifest) -> None:
    listed = {name: {"size": known.size, "sha256": known.sha256} for name, known in manifest.items()}
    files.write_json(paths.manifest, {"version": VERSION, "files": listed})


def read(paths: JobPaths) -> dict[str, Entry]:
    content = files.read_object(paths.manifest)
    try:
        return {
            name: Entry(int(known["size"]), str(known["sha256"])) for name, known in content["files"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Damaged(
            f"{paths.manifest} is damaged: it is no manifest. Remove the job and run it again."
        ) from None


def problems(root: Path, manifest: Manifest, *, hashes: bool = True) -> list[str]:
    """One sentence for each file that is not as the manifest says; without `hashes` sizes are compared."""
    found = (_problem(root, name, known, hashes) for name, known in manifest.items())
    return [problem for problem in found if problem]


def _problem(root: Path, name: str, known: Entry, hashes: bool) -> str:
    path = files.locate(root, name)
    if not files.is_plain_file(path):
        return f"{name} is missing"
    size = path.stat().st_size
    if size != known.size:
        return f"{name} has {size} bytes instead of {known.size}"
    if hashes and entry(path).sha256 != known.sha256:
        return f"{name} has other content than it had"
    return ""


def verify(root: Path, manifest: Manifest, *, hashes: bool = True) -> None:
    """Damaged, naming every file that is not as it was."""
    found = problems(root, manifest, hashes=hashes)
    if found:
        raise Damaged(f"The job in {root} is damaged: {'; '.join(found)}. Fetch it again, or run it again.")
