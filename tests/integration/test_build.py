"""build() from plain scripts, each a process of its own, on a real embedded pool."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs_app.pools.embedded.client import EmbeddedPool

ROOT = Path(__file__).resolve().parents[2]

APP = "from jobs_app.sdk.base import AppBase\n\nclass Lab(AppBase):\n    name = 'Lab'\n"
SQUARES = """
options = {"base": 1}

def prepare(options):
    return options.base

def analysis(sliceno, prepare_res):
    return prepare_res + sliceno ** 2

def synthesis(analysis_res):
    return sum(analysis_res)
"""
SLOW = """
import time
from pathlib import Path

options = {"log": ""}

def synthesis(options):
    with open(options.log, "a") as log:
        log.write("ran\\n")
    time.sleep(0.5)
    return 42
"""
PARENT = """
from jobs_app.script.subjobs import build

def synthesis():
    first = build("squares", base=5)
    return build("chained", previous=first).load()
"""
CHAINED = """
jobs = ("previous",)

def synthesis(jobs):
    return jobs.previous.load() * 10
"""
FLAKY = """
from pathlib import Path

options = {"flag": ""}

def synthesis(options):
    if not Path(options.flag).exists():
        raise ValueError("no flag yet")
    return "well"
"""
READER = """
from jobs_app.script import JobWithFile

options = {"source": JobWithFile}

def analysis(sliceno, options):
    return options.source.load(sliceno)

def synthesis(analysis_res):
    return list(analysis_res)
"""
WRITER = """
def analysis(sliceno, job):
    job.save(sliceno * 7, "piece", sliceno)
"""
SCRIPTS = {"squares": SQUARES, "slow": SLOW, "parent": PARENT, "chained": CHAINED, "flaky": FLAKY}
SCRIPTS |= {"reader": READER, "writer": WRITER}
BEGIN = "from lab.app import Lab\nmanager = Lab.get_job_manager()\n"


class Laboratory:
    def __init__(self, root: Path) -> None:
        self.root, self.home = root, root / "home"
        self.scripts = root / "lab" / "job_scripts"
        self.scripts.mkdir(parents=True)
        (root / "lab" / "__init__.py").touch()
        (root / "lab" / "app.py").write_text(APP)
        for name, source in SCRIPTS.items():
            (self.scripts / f"a_{name}.py").write_text(source)

    def start(self, script: str) -> subprocess.Popen[str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        mine = {"ROOST_HOME": str(self.home), "ROOST_APPS": "lab", "PYTHONPATH": f"{ROOT}:{self.root}"}
        return subprocess.Popen(
            [sys.executable, "-c", BEGIN + script],
            env={**kept, **mine},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, script: str) -> str:
        return self.end(self.start(script))

    def end(self, process: subprocess.Popen[str]) -> str:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        return out.strip()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Laboratory]:
    lab = Laboratory(tmp_path)
    yield lab
    EmbeddedPool(lab.home / "pool").stop()


def test_a_job_is_built_once_and_reused_by_another_process(lab: Laboratory) -> None:
    script = "job = manager.build('squares', base=2, slices=3)\nprint(job, job.load(), sorted(job.files))"
    assert lab.run(script) == "lab-1 11 ['result.pickle']"
    assert lab.run(script) == "lab-1 11 ['result.pickle']"
    assert lab.run("print(manager.list_jobs().count())") == "1"


def test_two_processes_that_build_the_same_at_once_run_it_once_and_both_get_it(lab: Laboratory) -> None:
    lab.run("manager.project()")  # so that neither has to wait for the other to make the tables
    log = lab.root / "log"
    script = f"print(manager.build('slow', log={str(log)!r}).load())"
    racers = [lab.start(script) for _ in range(4)]
    assert [lab.end(racer) for racer in racers] == ["42"] * 4
    assert log.read_text() == "ran\n"
    assert lab.run("print([job.number_of_attempts for job in manager.list_jobs()])") == "[1]"


def test_a_job_whose_result_is_gone_runs_again_and_its_history_says_why(lab: Laboratory) -> None:
    script = "job = manager.build('squares')\nprint(job, job.load() > 0, job.path)"
    first = lab.run(script)
    Path(first.split()[-1], "result.pickle").unlink()
    assert lab.run(script) == first
    whys = lab.run("print([step.why for step in manager.get_job(1).history.all()])")
    assert "It cannot be reused: result.pickle is missing." in whys
    assert lab.run("print(manager.get_job(1).number_of_attempts)") == "2"


def test_a_job_whose_directory_is_gone_is_built_again(lab: Laboratory) -> None:
    script = "job = manager.build('squares')\nprint(job, job.load() > 0, job.path)"
    first = lab.run(script)
    lab.run("import shutil\nshutil.rmtree(manager.get_job(1).directory)")
    assert lab.run(script) == first


def test_a_failed_job_says_why_and_is_tried_again_at_the_next_build(lab: Laboratory) -> None:
    flag = lab.root / "flag"
    script = (
        "from jobs_app.errors import JobFailed\n"
        "try:\n"
        f"    print(manager.build('flaky', flag={str(flag)!r}).load())\n"
        "except JobFailed as error:\n"
        "    print(error)\n"
    )
    assert "no flag yet" in lab.run(script)
    flag.touch()
    assert lab.run(script) == "well"
    assert lab.run("print(manager.list_jobs().count())") == "1"


def test_a_parent_builds_its_subjobs_and_is_reused_until_one_of_their_scripts_changes(
    lab: Laboratory,
) -> None:
    script = "job = manager.build('parent', slices=1)\nprint(job, job.load())"
    first = lab.run(script)
    assert lab.run(script) == first
    rows = "print([(job.method, job.parent_id, job.number_of_attempts) for job in manager.list_jobs()])"
    assert lab.run(rows) == "[('parent', None, 1), ('squares', 1, 1), ('chained', 1, 1)]"
    source = lab.scripts / "a_chained.py"
    source.write_text(CHAINED.replace("* 10", "* 100"))
    assert lab.run(script) == f"{first}0"
    assert lab.run("print(manager.get_job(1).number_of_attempts)") == "2"


def test_create_job_of_a_script_runs_with_the_job_that_it_reads(lab: Laboratory) -> None:
    script = (
        "first = manager.create_job('first', None, job_type='SCRIPT', method='squares', slices=3)\n"
        "first.save()\n"
        "given = {'job_type': 'SCRIPT', 'method': 'chained', 'jobs': {'previous': first}}\n"
        "last = manager.create_job('last', None, **given)\n"
        "last.execute()\n"
        "first.execute()\n"
        "last.wait(60)\n"
        "from jobs_app.script import Job\n"
        "print(last.status, Job(last.jobid).load())"
    )
    assert lab.run(script) == "Complete 80"


def test_a_file_of_another_job_may_be_an_option(lab: Laboratory) -> None:
    script = (
        "pieces = manager.build('writer', slices=3).withfile('piece', sliced=True)\n"
        "job = manager.build('reader', source=pieces, slices=3)\n"
        "print(job, job.load(), job.params.options.source.name)"
    )
    assert lab.run(script) == "lab-2 [0, 7, 14] piece"
    assert lab.run(script) == "lab-2 [0, 7, 14] piece"
