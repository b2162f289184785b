"""build(): finds the finished job, or runs it. What runs a job is not the subject here: it ends at once."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs_app import building, lifecycle, methods
from jobs_app.errors import (
    BadName,
    BadOptions,
    BadParameter,
    Invalid,
    JobFailed,
    ScriptError,
    UnknownJob,
    UnknownMethod,
    WouldBuild,
    WrongState,
)
from jobs_app.jobdir import create, files, manifest
from jobs_app.manager import JobManager
from jobs_app.models import Job, JobUse
from jobs_app.script.job import Job as Handle

from .conftest import NewApp

pytestmark = pytest.mark.django_db

ADD = """
options = {"x": 1, "name": "", "timeout": 0}
jobs = ("previous",)
datasets = ("source",)

def synthesis(options):
    return options.x
"""
BOTH = 'options = {"a": 1}\njobs = ("a",)\n\ndef synthesis():\n    return 1\n'
SLICED = "def analysis(sliceno):\n    return 1\n"
SCRIPTS = {
    "a_add.py": ADD,
    "a_both.py": BOTH,
    "a_sliced.py": SLICED,
    "a_broken.py": "1/0\n",
    "a_sub.py": SLICED,
}


class Runs:
    """Stands for the lifecycle: every attempt ends at once, as it was told to."""

    def __init__(self) -> None:
        self.status = "COM"
        self.why: list[str] = []
        self.subjobs: dict[str, bool] = {}

    def execute(self, job: Job, user: Any = None) -> None:
        if not Job.objects.filter(pk=job.pk, _status="PEN").update(_status="SUB", frozen=True):
            raise WrongState("executed already")
        self._end(job)

    def resubmit(self, job: Job, user: Any = None, why: str = "") -> None:
        self.why.append(why)
        self._end(job)

    def _end(self, job: Job) -> None:
        Job.objects.filter(pk=job.pk).update(_status=self.status, status_message="as it was told")
        assert job.statepoint is not None
        job.project.workspace.mkdir(parents=True, exist_ok=True)
        create.create(job.project.workspace, job.statepoint)
        (job.directory / "result.pickle").write_bytes(b"N.")
        manifest.write(job.paths, manifest.build(job.directory, ["result.pickle"]))
        files.write_json(job.paths.post, {"files": ["result.pickle"], "subjobs": self.subjobs})

    def wait(self, job: Job, timeout: float | None = None) -> bool:
        job.refresh_status()
        return job.is_final


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    runs = Runs()
    for verb in ("execute", "resubmit", "wait"):
        monkeypatch.setattr(lifecycle, verb, getattr(runs, verb))
    return runs


@pytest.fixture
def manager(new_app: NewApp, db: None, runs: Runs) -> JobManager:
    return new_app(scripts=SCRIPTS).get_job_manager()


def row(handle: Handle) -> Job:
    return Job.objects.get(pk=handle.number)


def rewrite(manager: JobManager, name: str, source: str) -> None:
    assert manager.app.job_scripts is not None
    path = manager.app.job_scripts / name
    path.write_text(source)
    os.utime(path, (1e9, path.stat().st_mtime + 1))


def test_a_user_is_no_name(manager: JobManager) -> None:
    with pytest.raises(BadParameter, match="user: 'root' is not a user"):
        manager.build("add", user="root")


class TestHeld:
    """A job that was held for its limits is not at work: its next caller hears that, or raises them."""

    @pytest.fixture
    def held(self, manager: JobManager, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> Job:
        def resume(job: Job, user: Any = None, **limits: Any) -> None:
            raised.append((user, limits))
            Job.objects.filter(pk=job.pk).update(_status="COM")

        raised: list[Any] = []
        monkeypatch.setattr(lifecycle, "resume", resume)
        job = row(manager.build("add", memory=128, wall_time="1h"))
        Job.objects.filter(pk=job.pk).update(_status="HLD", status_message="It used too much.", frozen=True)
        job.raised = raised  # type: ignore[attr-defined]
        return job

    def begin(self, manager: JobManager, **said: Any) -> building.Begun:
        about = {"name": "", "caption": ""}
        return building.begin(building.order(manager.app, manager.project(), "add", {}, said, **about))

    def test_higher_limits_let_it_go_on(self, manager: JobManager, held: Job) -> None:
        begun = self.begin(manager, memory="2 GB", wall_time=60)
        assert begun.fresh
        assert held.raised == [(None, {"memory": 2048})]  # type: ignore[attr-defined]
        assert begun.job.cached_status == "Complete"

    def test_who_asks_is_who_raises_them(self, manager: JobManager, held: Job) -> None:
        alice, bob = User.objects.create_user("alice"), User.objects.create_user("bob")
        Job.objects.filter(pk=held.pk).update(user=alice)
        self.begin(manager, memory=256, user=alice)
        Job.objects.filter(pk=held.pk).update(_status="HLD")
        self.begin(manager, memory=256, user=bob)
        assert [user for user, _ in held.raised] == [alice, None]  # type: ignore[attr-defined]

    @pytest.mark.parametrize("said", [{}, {"memory": 128}, {"memory": 64}, {"cpus": 2}])
    def test_without_higher_ones_it_stays_held(
        self, manager: JobManager, held: Job, said: dict[str, Any]
    ) -> None:
        begun = self.begin(manager, **said)
        assert (begun.fresh, begun.job.cached_status) == (False, "Held")
        assert held.raised == []  # type: ignore[attr-defined]


class TestReuse:
    def test_the_same_inputs_give_the_same_job(self, manager: JobManager) -> None:
        first = manager.build("add", x=3)
        assert manager.build("add", x=3) == first
        assert manager.build("add", options={"x": 3}) == first
        assert manager.build("add", x=4) != first
        assert isinstance(first, Handle)
        assert first.method == "add"
        assert Path(first.path) == row(first).directory

    def test_a_default_that_is_given_is_the_default_left_out(self, manager: JobManager) -> None:
        assert manager.build("add", x=1) == manager.build("add") == manager.build("add", x="1", previous=None)

    def test_name_and_caption_and_user_and_resources_are_not_part_of_what_is_built(
        self, manager: JobManager, alice: User
    ) -> None:
        first = manager.build("add", user=alice, memory="1 GB", caption="once")
        again = manager.build("add", name="other", caption="twice", concurrency=3, slices=9)
        assert again == first
        assert again.method == "other"
        made = row(first)
        assert (made.user, made.description, made.name) == (alice, "once", "add")
        assert made.parameters["memory"] == 1024

    def test_the_row_says_what_was_built(self, manager: JobManager) -> None:
        job = row(manager.build("add", x=3))
        digest = methods.find("add", manager.app).digest
        assert (job.method, job.source_digest, job.type) == ("add", digest, "SCRIPT")
        assert job.statepoint == {
            "method": "add",
            "source": digest,
            "options": {"name": "", "timeout": 0, "x": 3},
            "datasets": {"source": None},
            "jobs": {"previous": None},
        }

    def test_a_changed_script_is_another_job_and_the_old_one_is_found_again(
        self, manager: JobManager
    ) -> None:
        first = manager.build("add")
        rewrite(manager, "a_add.py", ADD + "# a comment\n")
        assert manager.build("add") != first
        rewrite(manager, "a_add.py", ADD)
        assert manager.build("add") == first

    def test_jobs_that_it_reads_count_by_what_they_are(self, manager: JobManager) -> None:
        one, two = manager.build("add", x=1), manager.build("add", x=2)
        first = manager.build("add", previous=one)
        assert manager.build("add", previous=row(one)) == first
        assert manager.build("add", jobs={"previous": str(one)}) == first
        assert manager.build("add", previous=two) != first
        assert row(first).statepoint["jobs"] == {"previous": row(one).address}  # type: ignore[index]
        assert list(JobUse.objects.filter(job=row(first)).values_list("role", "used")) == [
            ("previous", one.number)
        ]

    def test_reuse_writes_nothing_and_asks_the_database_once(self, manager: JobManager) -> None:
        manager.build("add")
        with CaptureQueriesContext(connection) as queries:
            manager.build("add")
        assert len(queries) == 1

    def test_two_apps_build_two_jobs(self, manager: JobManager, new_app: NewApp) -> None:
        other = new_app(scripts=SCRIPTS).get_job_manager()
        assert other.build("add").number != manager.build("add").number

    def test_another_apps_method_is_built_in_ones_own_project(
        self, manager: JobManager, new_app: NewApp
    ) -> None:
        other = new_app(scripts={"a_elsewhere.py": SLICED})
        job = row(manager.build("elsewhere"))
        assert job.project == manager.project()
        assert job.method == f"{other.get_job_manager().label}.elsewhere"


class TestNotReused:
    def damage(self, job: Job, how: str) -> None:
        if how == "no directory":
            shutil.rmtree(job.directory)
        elif how == "no result":
            (job.directory / "result.pickle").unlink()
        elif how == "a shorter result":
            (job.directory / "result.pickle").write_bytes(b"")
        elif how == "no post.json":
            job.paths.post.unlink()
        elif how == "no manifest":
            job.paths.manifest.unlink()
        else:
            (job.paths.manifest if how == "a damaged manifest" else job.paths.post).write_text("{")

    @pytest.mark.parametrize(
        "how",
        [
            *("no directory", "no result", "a shorter result", "no post.json", "no manifest"),
            *("a damaged manifest", "a damaged post.json"),
        ],
    )
    def test_a_job_that_is_not_whole_runs_again_and_says_why(
        self, how: str, manager: JobManager, runs: Runs
    ) -> None:
        first = manager.build("add")
        self.damage(row(first), how)
        assert manager.build("add") == first
        (why,) = runs.why
        assert why.startswith("It cannot be reused: ")
        assert manager.build("add") == first
        assert len(runs.why) == 1

    @pytest.mark.parametrize("status", ["ERR", "ABT", "VCP"])
    def test_a_job_that_failed_runs_again(self, status: str, manager: JobManager, runs: Runs) -> None:
        runs.status = status
        with pytest.raises(JobFailed, match=r"add\) ended: .*as it was told"):
            manager.build("add")
        runs.status = "COM"
        assert manager.build("add").number == Job.objects.get().pk
        assert runs.why == ["Built again after it had failed."]

    def test_force_build_runs_it_again(self, manager: JobManager, runs: Runs) -> None:
        first = manager.build("add")
        assert manager.build("add", force_build=True) == first
        assert runs.why == ["Its caller wants it built again."]

    def test_a_parent_runs_again_when_the_script_of_its_subjob_has_changed(
        self, manager: JobManager, runs: Runs
    ) -> None:
        sub = manager.build("sub")
        runs.subjobs = {str(sub): True}
        parent = manager.build("add")
        assert manager.build("add") == parent
        rewrite(manager, "a_sub.py", SLICED + "# changed\n")
        assert manager.build("add") == parent
        assert runs.why == [f"It cannot be reused: its subjob {sub} ran another version of sub."]

    def test_a_subjob_of_a_subjob_counts_too(self, manager: JobManager, runs: Runs) -> None:
        deepest = manager.build("sub")
        runs.subjobs = {str(deepest): True}
        middle = manager.build("sliced")
        runs.subjobs = {str(middle): True}
        manager.build("add")
        rewrite(manager, "a_sub.py", SLICED + "# changed\n")
        runs.subjobs = {}
        manager.build("add")
        assert f"its subjob {deepest} ran another version" in runs.why[0]

    def test_a_job_at_work_is_waited_for_and_not_started_again(
        self, manager: JobManager, runs: Runs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = manager.build("add", x=5)
        Job.objects.filter(pk=first.number).update(_status="RUN")
        monkeypatch.setattr(lifecycle, "wait", self._comes_true)
        assert manager.build("add", x=5) == first
        assert runs.why == []

    @staticmethod
    def _comes_true(job: Job, timeout: float | None = None) -> bool:
        Job.objects.filter(pk=job.pk).update(_status="COM")
        job.refresh_status()
        return True

    def test_the_callers_patience_may_end(self, manager: JobManager, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lifecycle, "wait", lambda job, timeout=None: timeout is None)
        with pytest.raises(TimeoutError, match=r"not ready after 0\.5 s"):
            manager.build("sliced", timeout=0.5)


def test_two_processes_that_build_the_same_at_once_get_one_job(
    manager: JobManager, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one comes between our look and our row."""
    look, others = building.find, []

    def slow_look(wanted: building.Order) -> building.Found | None:
        found = look(wanted)
        if not others:
            others.append(None)
            others.append(building.begin(wanted).job.pk)
        return found

    monkeypatch.setattr(building, "find", slow_look)
    assert manager.build("add").number == others[1]
    assert Job.objects.count() == 1
    assert runs.why == []


class TestKeywords:
    def test_a_name_of_the_script_goes_before_one_of_ours(self, manager: JobManager) -> None:
        job = row(manager.build("add", timeout=7, options={"name": "mine"}, name="ours"))
        assert job.parameters["options"] == {"x": 1, "name": "mine", "timeout": 7}
        assert job.name == "ours"

    def test_a_keyword_that_may_mean_two_things_lists_them(self, manager: JobManager) -> None:
        with pytest.raises(BadOptions, match=r"'a' may mean several things; write options=.* or jobs="):
            manager.build("both", a=3)
        assert not Job.objects.exists()
        manager.build("both", options={"a": 3})

    BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
        "an unknown option": ({"method": "add", "xx": 1}, BadOptions, "'xx' is not among"),
        "a wrong type": ({"method": "add", "x": "a"}, BadOptions, "x='a'"),
        "an unknown method": ({"method": "nope"}, UnknownMethod, "'nope'"),
        "a broken script": ({"method": "broken"}, ScriptError, "ZeroDivisionError"),
        "a job that is not there": ({"method": "add", "previous": "x-99"}, UnknownJob, "x-99"),
        "a bad name": ({"method": "add", "name": "../up"}, BadName, "belong to paths"),
        "another workdir": ({"method": "add", "workdir": "dev"}, Invalid, "workdir"),
    }

    @pytest.mark.parametrize(("given", "error", "message"), BAD.values(), ids=BAD.keys())
    def test_bad_input_is_named_and_nothing_is_written(
        self, given: dict[str, Any], error: type[Exception], message: str, manager: JobManager
    ) -> None:
        method = given["method"]
        rest = {name: value for name, value in given.items() if name != "method"}
        with pytest.raises(error, match=message):
            manager.build(method, **rest)
        assert not Job.objects.exists()

    def test_a_job_that_never_ran_cannot_be_read(self, manager: JobManager) -> None:
        job = manager.create_job("one", None, job_type="SCRIPT", method="add")
        job.save()
        with pytest.raises(WrongState, match="was not executed yet"):
            manager.build("add", previous=job)


class TestWhy:
    def test_nothing_is_built_and_the_nearest_job_is_named(self, manager: JobManager) -> None:
        manager.build("add", x=1)
        near = manager.build("add", x=2, timeout=5)
        with pytest.raises(WouldBuild) as caught:
            manager.build("add", x=3, timeout=5, why_build=True)
        assert f"The nearest job is {near}. It differs in options.x: 2 there, 3 here." in str(caught.value)
        assert Job.objects.count() == 2

    def test_a_changed_source_is_named(self, manager: JobManager) -> None:
        manager.build("add")
        rewrite(manager, "a_add.py", ADD + "# changed\n")
        with pytest.raises(WouldBuild, match="It differs in the script's source"):
            manager.build("add", why_build=True)

    def test_a_failed_one_and_a_first_one_are_named(self, manager: JobManager, runs: Runs) -> None:
        with pytest.raises(WouldBuild, match=r"No job of .*\.add is Complete"):
            manager.build("add", why_build=True)
        runs.status = "ERR"
        with pytest.raises(JobFailed):
            manager.build("add")
        with pytest.raises(WouldBuild, match="is the same job, but it is Error"):
            manager.build("add", why_build=True)

    def test_what_can_be_reused_is_returned(self, manager: JobManager) -> None:
        first = manager.build("add")
        assert manager.build("add", why_build=True) == first


class TestSubjobs:
    def wanted(self, method: str, **keywords: Any) -> dict[str, Any]:
        return {"kind": "build", "method": method, "keywords": keywords, "name": None, "caption": None}

    def test_a_subjob_belongs_to_its_parents_user_and_knows_its_parent(
        self, manager: JobManager, alice: User
    ) -> None:
        parent = row(manager.build("add", user=alice))
        sub = manager.build_subjob(parent, self.wanted("sliced"))
        assert (sub.parent, sub.user, sub.project) == (parent, alice, parent.project)

    def test_a_subjob_that_is_there_is_taken(self, manager: JobManager) -> None:
        parent, there = row(manager.build("add", x=2)), manager.build("add", x=3)
        assert manager.build_subjob(parent, self.wanted("add", x=3)).pk == there.number

    def test_inputs_come_in_their_typed_form(self, manager: JobManager) -> None:
        parent = row(manager.build("add", x=2))
        wanted = {**self.wanted("add"), "options": {"x": 4}, "jobs": {"previous": parent.jobid}}
        assert manager.build_subjob(parent, wanted).parameters["jobs"] == {"previous": parent.jobid}


@pytest.mark.parametrize("slices", [None, 5])
def test_a_job_has_as_many_slices_as_its_caller_or_the_setting_says(
    slices: int | None, manager: JobManager, settings: Any
) -> None:
    settings.ROOST_SLICES = 3
    given = {} if slices is None else {"slices": slices}
    assert row(manager.build("sliced", **given)).slices_total == (slices or 3)
    assert row(manager.build("add", **given)).slices_total == (slices or 1)
