from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs_app.errors import BadName, Damaged, Invalid, NotAllowed, UnknownJob
from jobs_app.script import DotDict, Job, JobWithFile, NoJob
from jobs_app.script import job as handles
from jobs_app.script.job import JobList, forget_all, learn, set_resolver


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """There is no database to ask, as on a node."""
    monkeypatch.setattr(handles._whereabouts, "resolver", None)
    yield
    forget_all()


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A job that ended well, as its directory tells."""
    setup = {
        "version": 1,
        "jobid": "ising-42",
        "method": "ising",
        "options": {"x": 3, "s": ["set", [1]]},
        "datasets": {"source": "ising-2/movies", "many": ["ising-2"], "none": None},
        "jobs": {
            "previous": {"id": "ising-41", "path": str(tmp_path / "41")},
            "several": [{"id": "ising-41", "path": str(tmp_path / "41")}, None],
            "none": None,
        },
        "parent": "ising-40",
        "input_directory": "/data",
        "slices": 2,
    }
    write(tmp_path / "42" / "setup.json", setup)
    write(tmp_path / "41" / "setup.json", {**setup, "jobid": "ising-41", "jobs": {}, "parent": ""})
    post = {
        "files": ["a.txt", "b.json", "sub/c.txt"],
        "subjobs": {"ising-43": True},
        "exectime": {"total": 1.5, "per_slice": [1, 2]},
    }
    write(tmp_path / "42" / "post.json", post)
    (tmp_path / "42" / "OUTPUT").mkdir()
    for part in ("prepare", "0", "1", "synthesis"):
        (tmp_path / "42" / "OUTPUT" / part).write_text(part + "\n")
    learn("ising-42", tmp_path / "42")
    return tmp_path / "42"


@pytest.fixture
def job(root: Path) -> Job:
    return Job("ising-42")


# --- what it is ---------------------------------------------------------------------------------------------


def test_a_job_is_its_id_in_every_respect(job: Job) -> None:
    assert job == "ising-42"
    assert hash(job) == hash("ising-42")
    assert {job: 1}["ising-42"] == 1
    assert "job " + job == "job ising-42"
    assert (job.workdir, job.number) == ("ising", 42)


def test_pickled_or_copied_it_becomes_the_plain_text(job: Job) -> None:
    for text in (pickle.loads(pickle.dumps(job)), copy.deepcopy(job)):
        assert type(text) is str
        assert text == "ising-42"


def test_a_workdir_may_have_dashes() -> None:
    assert (Job("my-app-7").workdir, Job("my-app-7").number) == ("my-app", 7)


@pytest.mark.parametrize(
    "text", ["", "ising", "ising-", "-5", "ising-x", "ising-4 2", "ising-42\n", None, 42]
)
def test_what_is_no_id_is_refused(text: Any) -> None:
    with pytest.raises(UnknownJob, match="looks like 'ising-42'"):
        Job(text)


def test_whether_a_job_exists_is_asked_when_it_matters() -> None:
    job = Job("nowhere-1")
    assert job.files() == set()
    with pytest.raises(UnknownJob, match="no job 'nowhere-1' here"):
        _ = job.path


def test_jobs_that_nobody_told_of_are_asked_for(tmp_path: Path) -> None:
    set_resolver({"a-1": tmp_path}.get)
    assert Job("a-1").path == str(tmp_path)
    with pytest.raises(UnknownJob):
        _ = Job("a-2").path


def test_the_method_is_the_name_that_it_was_built_by_or_the_real_one(job: Job) -> None:
    assert job.method == "ising"
    assert Job("ising-42", "magnets").method == "magnets"
    assert Job("ising-42", "magnets").params.method == "ising"


# --- its directory ------------------------------------------------------------------------------------------


def test_the_parameters_are_typed_again(job: Job, root: Path) -> None:
    params = job.params
    assert params.options == {"x": 3, "s": {1}}
    assert params.jobs.previous == "ising-41"
    assert params.jobs.previous.path == str(root.parent / "41")
    assert params.jobs.several == ["ising-41", ""]
    assert params.jobs.none is NoJob
    assert params.datasets.source.name == "movies"
    assert params.datasets.many == ["ising-2"]
    assert not params.datasets.none
    assert isinstance(params, DotDict)
    assert (job.version, job.is_build, job.parent) == (1, False, "ising-40")
    assert job.input_directory() == job.input_directory == "/data"


def test_the_files_are_a_set_that_may_be_called(job: Job, root: Path) -> None:
    assert job.files == {"a.txt", "b.json", "sub/c.txt"}
    assert sorted(name for name in job.files) == ["a.txt", "b.json", "sub/c.txt"]
    assert job.files("*.txt") == {"a.txt", "sub/c.txt"}
    assert job.files("a*", absolute=True) == {str(root / "a.txt")}
    assert job.files()("b*") == {"b.json"}


def test_a_job_that_has_not_ended_well_has_no_files(job: Job, root: Path) -> None:
    (root / "post.json").unlink()
    assert job.files() == set()
    with pytest.raises(FileNotFoundError):
        _ = job.post


def test_a_damaged_post_is_not_taken_for_no_files(job: Job, root: Path) -> None:
    (root / "post.json").write_text("{")
    with pytest.raises(Damaged, match=r"post\.json is damaged"):
        job.files()


def test_how_it_went_is_read_by_attributes(job: Job) -> None:
    assert job.post.exectime.total == 1.5
    assert job.post.subjobs == {"ising-43": True}


def test_files_are_reached_by_relative_and_absolute_names(job: Job, root: Path) -> None:
    (root / "x.3").write_text("é")
    assert job.filename("x", 3) == job.filename(Path("x.3")) == str(root / "x.3")
    with job.open("x", sliceno=3) as handle:
        assert handle.read() == "é"
    with job.open(str(root / "x.3"), "rb") as handle:
        assert handle.read() == "é".encode()


@pytest.mark.parametrize("mode", ["w", "a", "x", "r+", "rb+", "w+"])
def test_files_of_a_finished_job_are_only_read(job: Job, root: Path, mode: str) -> None:
    (root / "x").write_text("as it was")
    with pytest.raises(NotAllowed, match="can only be read"):
        job.open("x", mode)
    assert (root / "x").read_text() == "as it was"


@pytest.mark.parametrize("name", ["../41/setup.json", "/etc/passwd", "a/../../x", "\0"])
def test_names_do_not_lead_out(job: Job, name: str) -> None:
    for read in (job.filename, job.open, job.load, job.json_load, job.withfile):
        with pytest.raises(BadName):
            read(name)


def test_what_is_missing_may_have_a_default(job: Job) -> None:
    with pytest.raises(FileNotFoundError):
        job.load()
    with pytest.raises(FileNotFoundError):
        job.json_load()
    assert job.load(default=None) is None
    assert job.json_load("x", default=[]) == []


def test_pickles_of_python_2_are_read(job: Job, root: Path) -> None:
    (root / "result.pickle").write_bytes(b"\x80\x02U\x03abcq\x00.")
    assert job.load() == b"abc"


def test_the_output_is_read_whole_or_in_parts(job: Job) -> None:
    assert job.output() == "prepare\n0\n1\nsynthesis\n"
    assert job.output("prepare") == "prepare\n"
    assert job.output("analysis") == "0\n1\n"
    assert job.output(1) == "1\n"
    assert job.output(7) == ""
    assert list(job.output("parts")) == ["prepare", 0, 1, "synthesis"]
    with pytest.raises(Invalid, match="'anything' is no part"):
        job.output("anything")


# --- files as values ----------------------------------------------------------------------------------------


def test_a_file_of_a_job_can_be_handed_over(job: Job, root: Path) -> None:
    (root / "x.json").write_text('{"a": 1}')
    (root / "x.pickle.2").write_bytes(pickle.dumps(5))
    file = job.withfile("x.json", extra="more")
    assert file == JobWithFile("ising-42", "x.json", False, "more")
    assert (file.job, file.name, file.extra) == (job, "x.json", "more")
    assert file.filename() == file.resolve() == str(file.path) == str(root / "x.json")
    assert file.json_load().a == 1
    with file.open() as handle:
        assert handle.read() == '{"a": 1}'
    assert job.withfile("x.pickle", sliced=True).load(2) == 5


def test_a_file_per_slice_needs_the_slice_and_another_has_none(job: Job) -> None:
    with pytest.raises(Invalid, match="say which"):
        job.withfile("x", sliced=True).filename()
    with pytest.raises(Invalid, match="leave sliceno out"):
        job.withfile("x").filename(3)


# --- relations ----------------------------------------------------------------------------------------------


@pytest.fixture
def chain(tmp_path: Path) -> list[Job]:
    """Ten jobs, each one after its `previous`; each also knows the first one."""
    for number in range(1, 11):
        jobs = {"previous": number - 1 or None, "first": 1}
        names = {name: job and f"c-{job}" for name, job in jobs.items()}
        places = {
            name: job and {"id": f"c-{job}", "path": str(tmp_path / str(job))} for name, job in jobs.items()
        }
        write(tmp_path / str(number) / "setup.json", {"method": "m", "jobs": names})
        write(tmp_path / str(number) / ".roost" / "attempts" / "1" / "spec.json", {"jobs": places})
    learn("c-10", tmp_path / "10")
    return [Job(f"c-{number}") for number in range(1, 11)]


def test_a_chain_begins_with_the_oldest(chain: list[Job]) -> None:
    assert chain[-1].chain() == chain
    assert chain[-1].chain(reverse=True) == chain[::-1]
    assert chain[-1].chain(length=3) == chain[-3:]
    assert chain[-1].chain(length=0) == []
    assert all(isinstance(job, Job) for job in chain[-1].chain())


def test_a_chain_stops_after_the_one_that_it_is_told(chain: list[Job]) -> None:
    assert chain[-1].chain(stop_job="c-7") == chain[7:]
    assert chain[-1].chain(stop_job={"c-10": "first"}) == chain[1:]
    assert chain[-1].chain(stop_job="elsewhere-1") == chain
    with pytest.raises(Invalid, match="names 2 jobs"):
        chain[-1].chain(stop_job={"c-1": "first", "c-2": "first"})


def test_a_job_goes_back_to_the_script_that_built_it(tmp_path: Path) -> None:
    for number, parent in ((3, "b-2"), (2, "b-1"), (1, "")):
        write(tmp_path / str(number) / "setup.json", {"parent": parent, "is_build": number == 1})
        learn(f"b-{number}", tmp_path / str(number))
    assert Job("b-3").parent == "b-2"
    assert Job("b-3").build_job == "b-1"
    assert Job("b-1").parent is NoJob


def test_an_unset_job_is_false_and_has_nothing() -> None:
    assert not NoJob
    assert NoJob == ""
    assert isinstance(NoJob, Job)
    assert NoJob.files() == NoJob.files == set()
    assert NoJob.load() is None
    assert NoJob.json_load("x") is None
    assert NoJob.output() == ""
    assert NoJob.output("parts") == {}
    assert NoJob.chain() == []
    assert NoJob.parent is NoJob
    assert NoJob.params == {}
    assert repr(NoJob) == "NoJob"
    with pytest.raises(UnknownJob, match=r"if jobs\.previous:"):
        NoJob.filename("x")


def test_a_list_of_jobs_is_searched_by_method(job: Job) -> None:
    jobs = JobList([job, Job("a-1", "one"), Job("a-2", "two"), Job("a-3", "one")])
    assert jobs["one"] == "a-3"
    assert jobs[0] == job
    assert jobs[1:] == ["a-1", "a-2", "a-3"]
    assert isinstance(jobs[1:], JobList)
    assert jobs.find("one") == ["a-1", "a-3"]
    assert jobs.get("three", 5) == 5
    with pytest.raises(UnknownJob, match="no job of the method 'three' here; there are ising-42"):
        jobs["three"]
