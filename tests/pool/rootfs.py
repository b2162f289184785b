"""The root file system that all hosts of the test pool share: Debian 13 with HTCondor.

Built once and kept outside the repository. It is built beside its place and renamed when it is whole, so a
half-built one is never used; two runs that need it at once build it once.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SUITE = "trixie"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PACKAGES = (
    "condor",
    "openssh-server",
    "openssh-sftp-server",
    "iproute2",
    "procps",
    "python3",
)
TOOLS = ("debootstrap", "ip", "nsenter", "setpriv", "ssh-keygen", "unshare")
BUILD = Path(__file__).with_name("build_rootfs")
BUILD_SECONDS = 900


class CannotRun(Exception):
    """Why the pool cannot run on this machine."""


def obstacle() -> str:
    """Why this machine cannot run the pool; empty if it can."""
    if os.geteuid() != 0:
        return "the test pool needs root (namespaces and mounts)"
    if not Path("/etc/debian_version").exists():
        return "the test pool is built by Debian's tools; this is another system"
    missing = [name for name in TOOLS if not shutil.which(name)]
    return f"the test pool needs {', '.join(missing)}" if missing else ""


def rootfs() -> Path:
    """The root file system's folder; built first where it is missing."""
    place = _cache() / f"pool-{_version()}"
    if not place.exists():
        with _locked(place.with_suffix(".lock")):
            if not place.exists():
                _build(place)
    return place


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "roost"


def _version() -> str:
    recipe = "\n".join((SUITE, *PACKAGES)).encode() + BUILD.read_bytes()
    return hashlib.sha256(recipe).hexdigest()[:12]


def _build(place: Path) -> None:
    aside = place.with_suffix(".building")
    shutil.rmtree(aside, ignore_errors=True)
    log = place.with_suffix(".log")
    # Mounts and processes of the build live in namespaces of their own and end with it, however it ends.
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    command += [str(BUILD), SUITE, str(aside), _mirror(), str(KEYRING), *PACKAGES]
    with log.open("wb") as output:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            timeout=BUILD_SECONDS,
            check=False,
        )
    if done.returncode != 0:
        raise CannotRun(f"the root file system could not be built; the reason is at the end of {log}")
    aside.rename(place)


def _mirror() -> str:
    """Where this machine's apt gets Debian from."""
    form = "$(ORIGIN) $(LABEL) $(REPO_URI)"
    lines = subprocess.run(
        ["apt-get", "indextargets", "--format", form], capture_output=True, text=True, timeout=60, check=True
    ).stdout.splitlines()
    for line in lines:
        origin, label, uri = [*line.split(" ", 2), "", ""][:3]
        if (origin, label) == ("Debian", "Debian"):
            return uri
    raise CannotRun("apt knows no Debian mirror on this machine; add one and run `apt-get update`")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        deadline = time.monotonic() + BUILD_SECONDS
        while not _try_lock(lock.fileno()):
            if time.monotonic() > deadline:
                raise CannotRun(f"somebody else has been building the root file system for too long ({path})")
            time.sleep(0.2)
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
