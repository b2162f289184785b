"""A Debian 11 to change root into, for its Python 3.9. Made once, and kept among the user's caches."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

RELEASE = "bullseye"
PACKAGES = "python3-minimal,libpython3-stdlib"


def old_debian() -> Path:
    """Its root; where it cannot be made, the test is skipped with the reason."""
    if os.geteuid() != 0:
        pytest.skip("Debian 11 is entered by chroot, which only root may")
    if not shutil.which("debootstrap"):
        pytest.skip("debootstrap is not installed")
    root = _cache() / f"{RELEASE}-python"
    with (_cache() / f"{RELEASE}-python.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            _make(root)
    return root


def _cache() -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "roost"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _make(root: Path) -> None:
    aside = root.with_name(root.name + ".making")
    shutil.rmtree(aside, ignore_errors=True)
    log = root.with_name(root.name + ".log")
    for mirror in _mirrors():
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", RELEASE, str(aside), mirror]
        with log.open("ab") as output:
            made = subprocess.run(command, stdout=output, stderr=output, check=False)
        if made.returncode == 0:
            aside.rename(root)
            return
        shutil.rmtree(aside, ignore_errors=True)
    pytest.skip(f"debootstrap could not make a Debian 11; {log} tells why")


def _mirrors() -> list[str]:
    """Those that this machine's own apt uses."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    try:
        answer = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    return [uri for uri in dict.fromkeys(answer.split()) if re.match(r"(https?|file):", uri)]
