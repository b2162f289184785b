"""A production service from nothing, as docs/operating.md has it typed, on a PostgreSQL and a Redis."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jobs_app.pools.embedded.client import EmbeddedPool
from tests import servers

from .conftest import ROOT, until

pytestmark = [pytest.mark.redis, pytest.mark.postgres]

PAGE = (ROOT / "docs" / "operating.md").read_text()
SECTION = PAGE.partition("## A production service\n")[2].partition("\n### ")[0]
SETTINGS = re.search(r"```ini\n(.*?)```", SECTION, re.DOTALL)
TYPED = [line for block in re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL) for line in block.splitlines()]
PATIENCE = 90.0


@dataclass(frozen=True)
class Place:
    """The paths of the page, each in a folder of the test."""

    root: Path
    port: int

    def here(self, line: str) -> str:
        line = line.replace("manage.py supervise", f"manage.py supervise --bind 127.0.0.1:{self.port}")
        for path in ("/opt/roost", "/etc/roost.env", "/etc/systemd/system", "/var/lib/roost"):
            line = line.replace(path, f"{self.root}{path}")
        return line.replace("--user roost", "--user root")

    def shell(self, lines: list[str]) -> list[str]:
        return ["bash", "-ec", "\n".join(map(self.here, lines))]

    def type(self, lines: list[str]) -> str:
        done = subprocess.run(
            self.shell(lines), env=bare(), capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 0, f"{lines}:\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr


def bare() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("ROOST_", "DJANGO_"))}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("machine")
    place = Place(root, servers.free_port())
    for folder in ("etc/systemd/system", "var/lib/roost", "opt"):
        (root / folder).mkdir(parents=True)
    (root / "opt" / "roost").symlink_to(ROOT)
    assert SETTINGS is not None
    with servers.redis() as redis, servers.postgres() as postgres:
        urls = {"ROOST_REDIS_URL": redis, "ROOST_DATABASE_URL": postgres}
        pairs = [line.split("=", 1) for line in SETTINGS[1].splitlines()]
        written = "".join(f"{name}={urls.get(name, place.here(value))}\n" for name, value in pairs)
        (root / "etc" / "roost.env").write_text(written)
        yield place
    EmbeddedPool(root / "var/lib/roost" / "pool").stop()


def before(words: str) -> list[str]:
    """What is typed until then."""
    place = next(number for number, line in enumerate(TYPED) if words in line)
    return TYPED[:place]


def test_the_settings_of_the_page_leave_the_check_nothing_to_say(place: Place) -> None:
    said = place.type(before("supervise"))
    assert "System check identified no issues" in said


def test_one_command_serves_pages_and_ends_in_peace(place: Place) -> None:
    typed = [*before("supervise"), "exec .venv/bin/python manage.py supervise"]
    assert typed[-1].removeprefix("exec ") in TYPED
    process = subprocess.Popen(
        place.shell(typed), env=bare(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert until(lambda: answers(place.port), PATIENCE)
    finally:
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 0, said
    assert "Roost has ended. Jobs that run go on." in said


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://localhost:{port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_accepts_the_units(place: Place) -> None:
    unit = next(line for line in TYPED if "manage.py systemd" in line)
    place.type([*before("migrate"), unit])
    units = sorted((place.root / "etc/systemd/system").iterdir())
    assert [path.name for path in units] == [
        f"roost-{name}.service" for name in ("beat", "couriers", "web", "worker")
    ]
    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, units)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
