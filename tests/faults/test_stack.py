"""kill -9 at named places of all of Roost: who executes, the courier, who finishes, and the pool below."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from jobs_app.pools.base import Event, EventKind
from jobs_app.pools.embedded.client import EmbeddedPool
from jobs_app.pools.embedded.wire import read_record
from jobs_app.states import FINAL, SliceState
from tests.embedded import end_all

from .points import POOL, ROWS, Kill, draw, points, seeds

SAMPLE, ALL = 12, 96
# An app's own function is not run twice; a job whose function was killed says so, and is not Complete.
NOT_RUN_AGAIN = ("finish.processing",)
REPOSITORY = Path(__file__).parents[2]
EXPECTED = {
    "steps": "COM",
    "more": "COM",
    "parent": "COM",
    "bad": "ERR",
    "shell": "COM",
    "cancelled": "ABT",
    "stopped": "ABT",
}

APP = """
from jobs_app.sdk.base import AppBase
class FaultApp(AppBase):
    name = "Fault app"
"""
THREE = """
options = {"fail": -1, "start": 10}
def prepare():
    return options.start
def analysis(sliceno, prepare_res):
    if sliceno == options.fail:
        raise ValueError("told to fail")
    return prepare_res + sliceno
def synthesis(analysis_res, job):
    total = sum(analysis_res)
    job.json_save(total, "total.json")
    return total
"""
PARENT = """
from jobs_app.script.subjobs import build
def synthesis(job):
    job.json_save(build("three", slices=2, retries=4, options={"start": 20}).load(), "total.json")
"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", seeds(metafunc.config, SAMPLE, ALL))


def names() -> tuple[str, ...]:
    """The places of the rows' side twice as often as the pool's, which has tests of its own."""
    rows = (
        *(name for name in points(*ROWS) if name not in NOT_RUN_AGAIN),
        "stack.saved",
        "stack.executed",
        "stack.stopped",
    )
    return (*rows, *points(*POOL), *rows)


class Stack:
    def __init__(self, root: Path, database: Path) -> None:
        self.root, self.home = root, root / "home"
        self.home.mkdir()
        shutil.copy(database, self.home / "roost.sqlite3")
        scripts = root / "faultapp" / "job_scripts"
        scripts.mkdir(parents=True)
        (root / "faultapp" / "__init__.py").touch()
        (root / "faultapp" / "app.py").write_text(APP)
        (scripts / "a_three.py").write_text(THREE)
        (scripts / "a_parent.py").write_text(PARENT)

    def environment(self, kills: Sequence[Kill] = ()) -> dict[str, str]:
        return {
            **os.environ,
            **environment_of(self.home, self.root),
            "ROOST_KILL_AT": ",".join(map(str, kills)),
            "ROOST_KILL_ONCE": str(self.root / "killed"),
            "ROOST_POOL_CHECKPOINT": "9",
        }

    def run(self, mode: str, kills: Sequence[Kill]) -> None:
        """Again and again, as a person would start it, until it ends by itself."""
        while (ended := self._python("tests.faults.stack", mode, kills=kills)).returncode == -9:
            pass
        assert ended.returncode == 0, ended.stderr[-3000:] + self.log()

    def look(self) -> dict[str, Any]:
        ended = self._python("tests.faults.look")
        assert ended.returncode == 0, ended.stderr
        found: dict[str, Any] = json.loads(ended.stdout)
        return found

    def _python(
        self, module: str, *words: str, kills: Sequence[Kill] = ()
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", module, *words],
            cwd=REPOSITORY,
            env=self.environment(kills),
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def log(self) -> str:
        log = self.home / "pool" / "log"
        return log.read_text()[-2000:] if log.exists() else "no log"

    def end(self) -> None:
        end_all(self.root, EmbeddedPool(self.home / "pool"))


def environment_of(home: Path, apps: Path) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ROOST_HOME": str(home),
        "ROOST_APPS": "faultapp",
        "ROOST_SLOTS": "3",
        "PYTHONPATH": f"{REPOSITORY}:{apps}",
    }


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once, copied for each test."""
    home = tmp_path_factory.mktemp("template")
    environment = {**os.environ, **environment_of(home, home), "ROOST_APPS": ""}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=REPOSITORY, env=environment, check=True)
    return home / "roost.sqlite3"


@pytest.fixture
def stack(tmp_path: Path, database: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path, database)
    yield stack
    stack.end()


def test_there_are_places_in_every_part_of_the_way() -> None:
    for word in ROWS:
        assert points(word)


def test_whoever_is_killed_each_job_ends_once_and_as_it_should(stack: Stack, seed: int) -> None:
    kills = draw(seed, names(), longest=6)
    stack.run("threads" if seed % 2 else "wait", kills)
    found = stack.look()
    check_rows(found)
    check_results({job["name"]: job for job in found["jobs"]})
    for name in found["segments"]:
        check_events(found, name)
    if kills[0].count == 1 and kills[0].point in points(*ROWS):
        assert (stack.root / "killed").exists(), f"{kills[0]} was never reached"


def check_rows(found: Mapping[str, Any]) -> None:
    made = {job["name"]: job["status"] for job in found["jobs"] if not job["parent"]}
    assert made == EXPECTED
    assert [job["status"] for job in found["jobs"] if job["parent"]] == ["COM"]
    assert found["unanswered"] == 0
    for job in found["jobs"]:
        ((phase, status, _),) = job["attempts"]
        assert (phase, status) == ("final", job["status"])
        ends = [after for before, after in job["history"] if after in FINAL and before != after]
        assert ends == [job["status"]], f"{job['name']}: {job['history']}"
    for token, remote, refused in found["batches"]:
        assert remote or refused, f"nobody knows what became of the batch {token}"


def check_results(jobs: Mapping[str, Any]) -> None:
    for name, total in (("steps", 33), ("more", 11), ("parent", 41)):
        assert json.loads((Path(jobs[name]["directory"]) / "total.json").read_text()) == total
        assert (Path(jobs[name]["directory"]) / "post.json").exists()
    assert not (Path(jobs["bad"]["directory"]) / "post.json").exists()
    for sliceno in range(4):
        assert (
            Path(jobs["shell"]["directory"]) / "OUTPUT" / str(sliceno)
        ).read_text() == f"slice {sliceno}\n"
    for name in ("steps", "more", "parent", "shell"):
        states = bytes.fromhex("".join(jobs[name]["slices"].values()))
        assert set(states) == {SliceState.DONE}


def check_events(found: Mapping[str, Any], segment: str) -> None:
    """All that the pool said was recorded, and it said each end once."""
    path = Path(found["pool"]) / "events" / segment
    if not path.exists():
        return
    records = [read_record(line) for line in path.read_bytes().splitlines()]
    events = [record for record in records if isinstance(record, Event)]
    for job in found["jobs"]:
        mine = [event for event in events if event.attempt == job["attempts"][0][2]]
        assert [event.kind for event in mine].count(EventKind.FINISHED) == (1 if mine else 0)
        ends = [(e.step, e.slice) for e in mine if e.kind == EventKind.ENDED and not e.will_retry]
        assert len(ends) == len(set(ends))
