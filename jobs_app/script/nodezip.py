"""The zip that goes to nodes: what runs a job script there, by any Python from 3.9 on.

The same sources give the same bytes, and its name is their hash: a pool that has it is not sent it again.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from jobs_app.jobdir import files

PACKAGE = Path(__file__).resolve().parents[1]
ALONE = ("__init__.py", "errors.py", "killpoints.py")
FOLDERS = ("jobdir", "script")

MAIN = b"import sys\nfrom jobs_app.script.command import main\nsys.exit(main())\n"
_THEN = (1980, 1, 1, 0, 0, 0)


def build(folder: Path) -> Path:
    """The zip in `folder`, made if it is not there yet."""
    data = content()
    path = folder / f"{hashlib.sha256(data).hexdigest()}.zip"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        files.write_bytes(path, data)
    return path


def content() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in _members():
            entry = zipfile.ZipInfo(name, _THEN)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return buffer.getvalue()


def _members() -> Iterator[tuple[str, bytes]]:
    yield "__main__.py", MAIN
    sources = [PACKAGE / name for name in ALONE]
    for folder in FOLDERS:
        sources += sorted((PACKAGE / folder).rglob("*.py"))
    for source in sources:
        yield (Path(PACKAGE.name) / source.relative_to(PACKAGE)).as_posix(), source.read_bytes()
