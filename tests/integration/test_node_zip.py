"""The zip that goes to nodes: the same bytes always, and run by a Python as old as 3.9."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs_app.jobdir import manifest
from jobs_app.script import nodezip
from jobs_app.script.job import forget_all
from tests.integration.old_debian import old_debian
from tests.integration.script_jobs import DONE, FAILED, ScriptJob

SCRIPT = """
import datetime
import sys
from collections import Counter
from pathlib import Path

from jobs_app.script import JobWithFile, OptionEnum, OptionString, RequiredOption, status
from . import helper

options = dict(
    x=3,
    mode=OptionEnum("fast exact").fast,
    name=RequiredOption(str),
    when=datetime.date(2020, 1, 31),
    words={"a"},
    numbers={1: 2},
)
depend_extra = (helper,)

def prepare(job):
    print("prepare", sys.version_info[:2])
    job.save([1], "temporary", temp=True)
    return {"when": options.when, "path": Path("a")}

def analysis(sliceno, slices, prepare_res, job):
    with status("counting %d" % sliceno) as update:
        update("counted")
        job.json_save({"slice": sliceno}, "part.json", sliceno=sliceno)
    return Counter({helper.WORD: sliceno}), {sliceno}, [prepare_res["when"]]

def synthesis(job, analysis_res, params):
    counted, seen, days = analysis_res.merge_auto()
    with job.open("out.txt", "w") as fh:
        fh.write("done \\u00e9")
    with job.open("out.txt", "a") as fh:
        fh.write("!")
    job.register_files("part.json.*")
    try:
        from jobs_app.script.subjobs import build
        build("other")
    except Exception as error:
        print(type(error).__name__)
    return {
        "python": sys.version_info[:2],
        "counted": counted,
        "seen": seen,
        "days": days,
        "options": dict(options),
        "load": job.json_load("part.json", 1).slice,
        "seed": params.seed,
        "output": job.output("prepare"),
    }
"""


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    forget_all()


def test_the_same_sources_make_the_same_zip_named_by_its_hash(tmp_path: Path) -> None:
    made = nodezip.build(tmp_path / "zips")
    assert made.name == hashlib.sha256(made.read_bytes()).hexdigest() + ".zip"
    before = made.stat()
    assert nodezip.build(tmp_path / "zips") == made
    assert made.stat().st_mtime_ns == before.st_mtime_ns
    assert nodezip.build(tmp_path / "others").read_bytes() == made.read_bytes()


def test_the_zip_holds_what_runs_scripts_and_nothing_else(tmp_path: Path) -> None:
    with zipfile.ZipFile(nodezip.build(tmp_path)) as archive:
        names = archive.namelist()
        main = archive.read("__main__.py").decode()
    folders = {name.rpartition("/")[0] for name in names}
    assert folders == {"", "jobs_app", "jobs_app/jobdir", "jobs_app/script"}
    assert "jobs_app/script/runner.py" in names
    assert len(main.splitlines()) == 3


def run(python: list[str], zip_: str, made: ScriptJob, root: str = "") -> None:
    spec = str(made.attempt.spec).removeprefix(root)
    command = [*python, "-W", "error", zip_.removeprefix(root), "run-all", spec, "--slots", "2"]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def check(made: ScriptJob) -> tuple[int, int]:
    assert made.succeeded, made.job.output() + str(sorted(made.attempt.root.rglob("*.json")))
    found = made.job.load()
    assert found["counted"] == {"helped": 0 + 1 + 2}
    assert found["seen"] == {0, 1, 2}
    assert len(found["days"]) == 3
    assert found["options"]["words"] == {"b"}
    assert found["options"]["numbers"] == {1: 3}
    assert (found["load"], found["seed"]) == (1, 5)
    assert made.job.files() == {"out.txt", "part.json.0", "part.json.1", "part.json.2", "result.pickle"}
    assert (made.paths.root / "out.txt").read_text() == "done é!"
    assert made.job.output("synthesis") == "WrongState\n"
    assert made.fact("analysis", 2).state == DONE
    manifest.verify(made.paths.root, manifest.read(made.paths))
    return found["python"]


def make(workspace: Path, source: str = SCRIPT) -> ScriptJob:
    arguments = {"name": "n", "words": ["b"], "numbers": {1: "3"}} if source is SCRIPT else {}
    return ScriptJob(
        workspace, source, beside={"helper.py": "WORD = 'helped'"}, slices=3, arguments=arguments
    )


def test_this_python_runs_the_zip(tmp_path: Path) -> None:
    made = make(tmp_path)
    run([sys.executable], str(nodezip.build(tmp_path / "zips")), made)
    assert check(made) == sys.version_info[:2]


@pytest.fixture
def old() -> Iterator[Path]:
    """A folder in Debian 11."""
    folder = old_debian() / "tmp" / uuid.uuid4().hex
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def test_the_python_of_debian_11_runs_the_zip(old: Path) -> None:
    root = str(old.parents[1])
    made = make(old / "workspace_of_node")
    run(["chroot", root, "/usr/bin/python3"], str(nodezip.build(old)), made, root)
    assert check(made) == (3, 9)


def test_the_python_of_debian_11_imports_all_that_is_in_the_zip(old: Path) -> None:
    zip_ = nodezip.build(old)
    with zipfile.ZipFile(zip_) as archive:
        names = [name[:-3].replace("/", ".") for name in archive.namelist() if name.startswith("jobs_app/")]
    modules = sorted(name.removesuffix(".__init__") for name in names)
    inside = str(zip_).removeprefix(str(old.parents[1]))
    code = f"import sys; sys.path.insert(0, {inside!r}); import {', '.join(modules)}"
    command = ["chroot", str(old.parents[1]), "/usr/bin/python3", "-W", "error", "-c", code]
    subprocess.run(command, check=True, cwd="/", timeout=60)
    assert len(modules) > 30


def test_the_python_of_debian_11_records_an_error_with_its_lines(old: Path) -> None:
    root = str(old.parents[1])
    made = make(old / "workspace_of_node", "def analysis(sliceno):\n    return 1 / sliceno\n")
    run(["chroot", root, "/usr/bin/python3"], str(nodezip.build(old)), made, root)
    assert made.error("analysis")["message"] == "division by zero"
    assert "line 2, in analysis" in made.error("analysis")["traceback"]
    assert made.fact("analysis").state == FAILED
