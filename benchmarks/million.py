"""A home with a million finished jobs. It takes minutes to make, so it is made once and kept outside."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from benchmarks.home import ROOT, Home

CACHE = Path("~/.cache/roost/bench").expanduser()
ROWS = 1_000_000
REAL = 100  # really built, with their directories: half of them older than most of the others, half newer
XS = range(10_000, 10_000 + REAL)


def home(say: Callable[[str], None]) -> Home:
    """To be entered, as every home."""
    folder = CACHE / f"million-{_schema()}"
    if not (folder / "complete").exists():
        say(f"making {ROWS:,} jobs in {folder} (once) ...")
        _forget_others(folder)
        with Home(folder) as made:
            _make(made)
        (folder / "complete").touch()
    return Home(folder)


def _make(made: Home) -> None:
    old, new = XS[: REAL // 2], XS[REAL // 2 :]
    for real in (old, new):
        made.call("build", method="trivial", xs=list(real))
        made.call("clone", count=ROWS // 2 - len(real))


def _schema() -> str:
    """Another one when the tables, or what a job's address is made of, may have changed."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for file in sorted((ROOT / "jobs_app" / "migrations").glob("*.py")):
        digest.update(file.read_bytes())
    for file in sorted((ROOT / "benchmarks" / "work").rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _forget_others(folder: Path) -> None:
    for other in CACHE.glob("million-*"):
        shutil.rmtree(other)
    folder.mkdir(parents=True, exist_ok=True)
