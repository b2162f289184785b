"""The environment in which the peers live, with what benchmarks/peers.txt pins and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ENVIRONMENT = Path("~/.cache/roost/peers/all").expanduser()
PINNED = Path(__file__).with_name("peers.txt")


def install() -> Path:
    """Its bin folder; made when it is not there or holds something else than what is pinned."""
    installed = ENVIRONMENT / "installed.txt"
    if not installed.exists() or installed.read_text() != PINNED.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True)
        pip = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--require-hashes", "-r", str(PINNED)], check=True)
        shutil.copyfile(PINNED, installed)
    return ENVIRONMENT / "bin"
