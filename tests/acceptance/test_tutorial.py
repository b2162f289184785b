"""What the documentation tells a stranger to type, typed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from jobs_app.pools.embedded.client import EmbeddedPool

ROOT = Path(__file__).resolve().parents[2]
LEFT_BEHIND = (".git", ".venv", ".roost", "__pycache__", ".*_cache", ".hypothesis", "node_modules")
BLOCK = re.compile(r"(?:<!-- (file|add): (\S+) -->\n)?```(python|sh)\n(.*?)```", re.DOTALL)
PATIENCE = 180  # seconds for one line


class Block(NamedTuple):
    how: str
    file: str
    language: str
    text: str


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """A copy of this checkout, with the environment that runs this test."""
    copy = tmp_path / "roost"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
    (copy / ".venv").symlink_to(ROOT / ".venv")
    yield copy
    EmbeddedPool(copy / ".roost" / "pool").stop()


def blocks(text: str) -> list[Block]:
    return [Block(*match.groups(default="")) for match in BLOCK.finditer(text)]


def section(text: str, heading: str) -> str:
    return text.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def type_in(block: Block, clone: Path) -> str:
    """What the commands of a block print."""
    if block.language == "python":
        target = clone / block.file
        before = target.read_text() if block.how == "add" else ""
        target.write_text(before + block.text)
        return ""
    return "".join(run(line, clone) for line in block.text.splitlines())


def run(line: str, clone: Path) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ROOST_", "DJANGO_"))}
    environment = {**kept, "PATH": f"{clone / '.venv' / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(
        line,
        shell=True,
        cwd=clone,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{line!r} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


README = section((ROOT / "README.md").read_text(), "Your first app")


@pytest.mark.parametrize("before", ["", README], ids=["first", "after the README"])
def test_the_tutorial_works_as_typed(clone: Path, before: str) -> None:
    for block in [Block("", "", "sh", "make setup\n"), *blocks(before)] if before else []:
        type_in(block, clone)
    said = "".join(type_in(block, clone) for block in blocks((ROOT / "docs" / "tutorial.md").read_text()))
    for expected in (
        "its result is reused",
        "was finished already",
        "at once: Submitted",
        "later: Complete",
        "estimate: 3.1",
    ):
        assert expected in said
    assert "1 passed" in said


def test_the_first_app_of_the_readme_works_as_typed(clone: Path) -> None:
    run(".venv/bin/python manage.py migrate --verbosity 0", clone)
    said = "".join(type_in(block, clone) for block in blocks(README))
    assert re.search(r"^3\.14", said, re.MULTILINE)


def test_an_app_of_the_readme_is_known_in_a_colleague_s_clone(clone: Path) -> None:
    for block in blocks(README):
        if "manage.py jobs" not in block.text and "estimate" not in block.text:
            type_in(block, clone)
    shutil.rmtree(clone / ".roost", ignore_errors=True)
    assert "throws" in run("python manage.py methods darts", clone)
