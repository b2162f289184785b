from __future__ import annotations

import math
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs_app.errors import BadName, Invalid, NotAllowed, WrongState
from jobs_app.script import CurrentJob, DotDict, Job, NoJob, current
from jobs_app.script.current import FinishEarly, Registered
from jobs_app.script.job import forget_all, learn
from jobs_app.script.spec import Spec
from tests.unit.jobdir import names_in

SPEC = Spec(
    attempt="0" * 32,
    number=1,
    job="ising-42",
    method="ising",
    package="",
    script="",
    parent="ising-40",
    input_directory="/data/in",
    result_directory="/data/out",
    present=frozenset({"given.txt"}),
)


@pytest.fixture
def registered() -> Registered:
    return Registered()


@pytest.fixture
def job(tmp_path: Path, registered: Registered) -> Iterator[CurrentJob]:
    root = tmp_path / "job"
    root.mkdir()
    job = CurrentJob(SPEC, root, registered)
    current.run_as(job)
    yield job
    current._running.clear()
    forget_all()


def test_it_is_the_job_that_it_runs(job: CurrentJob, tmp_path: Path) -> None:
    assert job == "ising-42"
    assert (job.workdir, job.number, job.method) == ("ising", 42, "ising")
    assert job.path == str(tmp_path / "job")
    assert job.parent == "ising-40"
    assert job.files() == set()
    assert pickle.loads(pickle.dumps(job)) == "ising-42"
    with pytest.raises(FileNotFoundError):
        _ = job.post


def test_the_input_directory_is_a_text_that_may_be_called(job: CurrentJob) -> None:
    assert job.input_directory == job.input_directory() == "/data/in"
    assert job.result_directory == job.result_directory() == "/data/out"
    assert job.input_filename("thefile") == "/data/in/thefile"
    assert job.input_filename("or", "a", Path("path")) == "/data/in/or/a/path"


@pytest.mark.parametrize("mode", ["w", "a", "x", "r+", "rb+", "w+b"])
def test_input_files_cannot_be_written(job: CurrentJob, mode: str) -> None:
    with pytest.raises(NotAllowed, match=f"The mode {mode!r} writes".replace("+", r"\+")):
        job.open_input("x", mode)


def test_an_input_file_is_read_as_utf8(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes("é".encode())
    job = CurrentJob(Spec.of({**vars(SPEC), "input_directory": str(tmp_path)}), tmp_path)
    with job.open_input("x") as handle:
        assert handle.read() == "é"
    forget_all()


# --- saving -------------------------------------------------------------------------------------------------


def test_what_is_saved_is_loaded_and_registered(job: CurrentJob, registered: Registered) -> None:
    job.save({"a": {1}})
    job.save(7, "name.pickle", sliceno=3)
    assert job.load() == {"a": {1}}
    assert job.load("name.pickle", 3) == 7
    assert registered.files == {"result.pickle", "name.pickle.3"}


def test_json_is_readable_sorted_and_comes_back_with_attributes(job: CurrentJob) -> None:
    job.json_save({"b": (1, 2), "a": {2, 1}, "é": None})
    lines = Path(job.filename("result.json")).read_text().splitlines()
    assert lines[:4] == ["{", '    "a": [', "        1,", "        2"]
    assert lines[-2:] == ['    "\\u00e9": null', "}"]
    found = job.json_load()
    assert isinstance(found, DotDict)
    assert found.b == [1, 2]
    assert job.json_load(unicode_as_utf8bytes=True)["é".encode()] is None


def test_json_keeps_a_nan_and_refuses_what_it_cannot_hold(job: CurrentJob) -> None:
    job.json_save([math.nan], "nan.json")
    assert math.isnan(job.json_load("nan.json")[0])
    with pytest.raises(TypeError, match=r"b'x', of type bytes, cannot be written as JSON; save\(\) can"):
        job.json_save({"a": b"x"}, "bytes.json")
    assert names_in(Path(job.path)) == ["nan.json"]


def test_a_save_that_fails_leaves_what_was_there(job: CurrentJob, registered: Registered) -> None:
    job.save(1, "x", temp=True)
    with pytest.raises((AttributeError, pickle.PicklingError)):
        job.save([0, lambda: None], "x")
    assert job.load("x") == 1
    assert names_in(Path(job.path)) == ["x"]
    assert registered.files == set()


def test_a_handle_loads_and_removes_what_was_saved(job: CurrentJob, registered: Registered) -> None:
    handle = pickle.loads(pickle.dumps(job.save([1], "x", sliceno=2)))
    handle.wait()
    assert handle.load() == [1]
    assert handle.filename == "x.2"
    assert handle.path == job.filename("x.2")
    assert handle.jobwithfile("more") == ("ising-42", "x", True, "more")
    handle.remove()
    assert names_in(Path(job.path)) == []
    assert registered.files == set()
    assert registered.removed == {"x.2"}
    assert job.json_save({"a": 1}, "y").load() == {"a": 1}


@pytest.mark.parametrize(
    "name", ["../x", "/tmp/x", "a/../../x", "setup.json", ".roost/x", "OUTPUT/0", "a\nb", ""]
)
def test_nothing_is_written_outside_or_over_what_is_ours(job: CurrentJob, name: str) -> None:
    before = names_in(Path(job.path).parent)
    for write in (
        lambda: job.save(1, name),
        lambda: job.json_save(1, name),
        lambda: job.open(name, "w"),
        lambda: job.register_file(name),
    ):
        with pytest.raises(BadName):
            write()
    assert names_in(Path(job.path).parent) == before
    assert names_in(Path(job.path)) == []


def test_a_link_is_no_way_out_either(job: CurrentJob, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    Path(job.path, "link").symlink_to(tmp_path / "outside")
    with pytest.raises(BadName, match="through a link"):
        job.save(1, "link/x")
    assert names_in(tmp_path / "outside") == []


def test_a_link_in_place_of_a_file_is_replaced_not_followed(job: CurrentJob, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("precious")
    Path(job.path, "x").symlink_to(tmp_path / "outside")
    job.save(1, "x")
    assert (tmp_path / "outside").read_text() == "precious"
    assert job.load("x") == 1


def test_a_folder_that_is_not_there_is_named(job: CurrentJob) -> None:
    with pytest.raises(FileNotFoundError, match=r"make it first: .*/job/sub"):
        job.save(1, "sub/x")
    Path(job.path, "sub").mkdir()
    job.save(1, "sub/x")
    assert job.load(job.filename("sub/x")) == 1  # the absolute name does as well


# --- opening ------------------------------------------------------------------------------------------------


def test_a_file_is_written_in_a_block_and_seen_after_it(job: CurrentJob, registered: Registered) -> None:
    with job.open("x", "w") as handle:
        handle.write("é")
        handle.flush()
        assert not Path(job.path, "x").exists()
    assert Path(job.path, "x").read_bytes() == "é".encode()
    assert registered.files == {"x"}
    with job.open("x") as handle:
        assert handle.read() == "é"


def test_without_a_block_the_error_says_how(job: CurrentJob) -> None:
    with pytest.raises(Invalid, match=r"with job.open\('x', ...\) as fh: fh.write"):
        job.open("x", "w").write("text")
    assert names_in(Path(job.path)) == []


def test_a_block_that_fails_leaves_the_old_file(job: CurrentJob, registered: Registered) -> None:
    Path(job.path, "x").write_text("old")
    with pytest.raises(KeyError), job.open("x", "w") as handle:
        handle.write({}["new"])
    assert Path(job.path, "x").read_text() == "old"
    assert names_in(Path(job.path)) == ["x"]
    assert registered.files == set()


@pytest.mark.parametrize(
    ("mode", "before", "after"),
    [
        ("a", "old", "oldnew"),
        ("a", None, "new"),
        ("r+", "older", "newer"),
        ("w+", "old", "new"),
        ("x", None, "new"),
    ],
)
def test_every_mode_that_writes_keeps_what_it_should(
    job: CurrentJob, mode: str, before: str | None, after: str
) -> None:
    if before is not None:
        Path(job.path, "x").write_text(before)
    with job.open("x", mode) as handle:
        handle.write("new")
    assert Path(job.path, "x").read_text() == after


def test_x_does_not_overwrite_and_r_plus_does_not_create(job: CurrentJob) -> None:
    Path(job.path, "x").touch()
    with pytest.raises(FileExistsError):
        job.open("x", "x")
    with pytest.raises(FileNotFoundError), job.open("y", "r+"):
        pass
    assert names_in(Path(job.path)) == ["x"]


def test_reading_and_temporary_files_register_nothing(job: CurrentJob, registered: Registered) -> None:
    with job.open("x", "wb", temp=True) as handle:
        handle.write(b"1")
    with job.open("x", "rb"):
        pass
    job.save(1, "y", temp=True)
    assert registered.files == set()
    assert registered.temporary == {"x", "y"}


# --- registering --------------------------------------------------------------------------------------------


def test_a_file_made_by_other_means_is_registered_by_either_name(
    job: CurrentJob, registered: Registered
) -> None:
    for name in ("a", "b"):
        Path(job.path, name).touch()
    job.register_file("a")
    job.register_file(job.filename("b"))
    assert registered.files == {"a", "b"}


def test_a_temporary_file_that_is_registered_stays(job: CurrentJob, registered: Registered) -> None:
    job.save(1, "x", temp=True)
    job.register_file("x")
    assert registered.files == {"x"}
    assert registered.temporary == set()


def test_only_files_that_are_there_are_registered(job: CurrentJob, tmp_path: Path) -> None:
    Path(job.path, "folder").mkdir()
    Path(job.path, "link").symlink_to("/etc/passwd")
    with pytest.raises(FileNotFoundError, match="no such file to register"):
        job.register_file("x")
    with pytest.raises(BadName, match="not a plain file"):
        job.register_file("folder")
    with pytest.raises(BadName, match="through a link"):
        job.register_file("link")


@pytest.fixture
def many(job: CurrentJob) -> CurrentJob:
    root = Path(job.path)
    for folder in ("sub", "sub/.hidden", "OUTPUT", ".roost"):
        (root / folder).mkdir()
    for name in (
        "a1.txt",
        "a2.txt",
        "b.txt",
        "given.txt",
        ".dot",
        "post.json",
        "sub/c.txt",
        "sub/.hidden/d",
        "OUTPUT/0",
        ".roost/e",
    ):
        (root / name).touch()
    return job


def test_many_files_are_registered_by_a_pattern_and_only_new_ones_are_told(many: CurrentJob) -> None:
    assert many.register_files("a*.txt") == {"a1.txt", "a2.txt"}
    many.save(1, "temporary", temp=True)
    assert many.register_files() == {"b.txt", "sub/c.txt"}
    assert many.register_files() == set()


@pytest.mark.parametrize("pattern", ["/etc/*", "../*", "a/../../*"])
def test_a_pattern_does_not_lead_out(job: CurrentJob, pattern: str) -> None:
    with pytest.raises(BadName, match="leads out"):
        job.register_files(pattern)


def test_a_file_of_a_finished_job_becomes_this_jobs_too(
    job: CurrentJob, registered: Registered, tmp_path: Path
) -> None:
    learn("ising-7", tmp_path)
    (tmp_path / "plot.png").write_text("picture")
    Job("ising-7").link_to_here("plot.png")
    (tmp_path / "plot.png").unlink()
    assert Path(job.filename("plot.png")).read_text() == "picture"
    assert registered.files == {"plot.png"}


def test_what_is_to_be_among_the_results_is_kept_for_the_end(
    job: CurrentJob, registered: Registered, tmp_path: Path
) -> None:
    learn("ising-7", tmp_path)
    (tmp_path / "post.json").write_text('{"files": ["plot.png"], "exectime": {"per_slice": []}}')
    job.save(1, temp=True)
    job.link_result(header="One")
    Job("ising-7").link_results("plot.png", "weather/", description="Wind")
    assert registered.links == [
        {"filename": "result.pickle", "name": "result.pickle", "header": "One", "description": "", "job": ""},
        {
            "filename": "plot.png",
            "name": "weather/plot.png",
            "header": "",
            "description": "Wind",
            "job": "ising-7",
        },
    ]
    assert registered.returned == {"result.pickle"}
    assert registered.temporary == registered.files == set()


def test_only_files_that_are_there_and_good_names_can_be_results(
    job: CurrentJob, registered: Registered, tmp_path: Path
) -> None:
    learn("ising-7", tmp_path)
    (tmp_path / "secret").write_text("not registered")
    job.save(1)
    for whose, name in ((job, "nothing"), (Job("ising-7"), "secret")):
        with pytest.raises(FileNotFoundError):
            whose.link_result(name)
    for name, linkname in (
        ("../x", None),
        ("post.json", None),
        ("result.pickle", "/x"),
        ("result.pickle", ".."),
    ):
        with pytest.raises(BadName):
            job.link_result(name, linkname)
    assert registered.links == []


def test_what_needs_a_running_job_says_so(tmp_path: Path) -> None:
    learn("ising-7", tmp_path)
    for verb in (Job.link_to_here, Job.link_result):
        with pytest.raises(WrongState, match="only inside a running job"):
            verb(Job("ising-7"))
    forget_all()


def test_the_record_of_a_later_part_is_seen_after_that_of_an_earlier_one() -> None:
    def record(**did: Any) -> dict[str, Any]:
        return {**Registered().as_json(), **did}

    together = Registered()
    together.read(record(files=["a", "b"], temporary=["t", "u"], subjobs={"x-1": True}))
    together.read(record(files=["t"], removed=["a", "u"], subjobs={"x-2": False}))
    assert together.files == {"b", "t"}
    assert together.temporary == set()
    assert together.subjobs == {"x-1": True, "x-2": False}
    together.read(record(files=["a"]))
    assert together.files == {"a", "b", "t"}


def test_finishing_early_is_not_caught_by_a_scripts_except(job: CurrentJob) -> None:
    def script() -> None:
        try:
            job.finish_early(5)
        except Exception:  # noqa: BLE001 - as scripts do
            pytest.fail("caught")

    with pytest.raises(FinishEarly) as caught:
        script()
    assert caught.value.result == 5


def test_a_job_without_a_parent_has_none(tmp_path: Path) -> None:
    job = CurrentJob(Spec.of({**vars(SPEC), "parent": ""}), tmp_path)
    assert job.parent is NoJob
    forget_all()
