"""create_job and create_jobs: what becomes of what the caller says."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs_app.errors import (
    BadName,
    BadOptions,
    BadParameter,
    BadStatePoint,
    Invalid,
    NotAllowed,
    QuotaExceeded,
    ScriptError,
    UnknownJob,
    UnknownJobType,
    UnknownMethod,
    UnknownParameter,
    UnknownScheduler,
    UnknownTemplate,
    UnknownVariable,
    WrongState,
)
from jobs_app.job_templates import BasicJobTemplate, CondorJobTemplate, ScriptJobTemplate
from jobs_app.manager import JobManager
from jobs_app.models import (
    BasicJob,
    CondorJob,
    ExternalJob,
    Job,
    JobDependency,
    JobUse,
    Project,
    RetentionRule,
    ScriptJob,
)

from .conftest import NewApp

pytestmark = pytest.mark.django_db


def process_results(job: Job) -> None:
    """Named by the tests below."""


class TestAnUnsavedJob:
    @pytest.mark.parametrize(
        "verb", ["stop", "pause", "resume", "resubmit", "rerun_failed", "wait", "delete"]
    )
    def test_has_to_be_saved_before_anything_is_done_with_it(self, manager: JobManager, verb: str) -> None:
        job = manager.create_job("one", None, job_type="BASIC")
        with pytest.raises(WrongState, match=rf"The job 'one' was not saved yet, so {verb}\(\)"):
            getattr(job, verb)()

    def test_is_not_in_the_table(self, manager: JobManager) -> None:
        job = manager.create_job("one", None, job_type="BASIC")
        assert job.pk is None
        assert not Job.objects.exists()

    def test_has_the_model_of_its_type(self, manager: JobManager) -> None:
        kinds = {"BASIC": BasicJob, "condor": CondorJob, "CONDORJOB": CondorJob, "EXTERNAL": ExternalJob}
        for name, model in kinds.items():
            job = manager.create_job("one", None, job_type=name)
            assert type(job) is model
            job.save()
            assert type(Job.objects.get(pk=job.pk)) is model

    def test_belongs_to_the_app_the_user_and_the_apps_project(self, manager: JobManager, alice: User) -> None:
        job = manager.create_job("one", alice, job_type="BASIC")
        job.save()
        assert (job.label, job.user, job.project) == (manager.label, alice, manager.project())
        assert job.jobid == f"{job.project.name}-{job.pk}"

    def test_is_saved_when_it_has_groups(self, manager: JobManager, alice: User) -> None:
        rivers, lakes = Group.objects.create(name="rivers"), Group.objects.create(name="lakes")
        one = manager.create_job("one", alice, job_type="BASIC", groups=rivers)
        two = manager.create_job("two", alice, job_type="BASIC", groups=[rivers, lakes])
        assert set(one.groups.all()) == {rivers}
        assert set(two.groups.all()) == {rivers, lakes}


class TestPrecedence:
    @pytest.fixture
    def manager(self, new_app: NewApp, db: None) -> JobManager:
        templates = [
            BasicJobTemplate("plain", {"description": "from the template", "extended_properties": {"a": 1}}),
            CondorJobTemplate("run", {"executable": "x", "attributes": {"rank": "1"}, "num_jobs": 3}),
        ]
        return new_app(job_templates=lambda cls: templates).get_job_manager()

    def test_what_the_caller_says_wins(self, manager: JobManager) -> None:
        job = manager.create_job("one", None, "plain", description="mine")
        assert (job.description, job.extended_properties) == ("mine", {"a": 1})

    def test_the_callers_attributes_replace_the_templates(self, manager: JobManager) -> None:
        job = manager.create_job("one", None, "run", attributes={"nice_user": "2"})
        assert job.attributes == {"executable": "x", "nice_user": "2"}

    def test_none_leaves_the_templates(self, manager: JobManager) -> None:
        assert manager.create_job("one", None, "plain", description=None).description == "from the template"

    def test_two_jobs_of_a_template_share_nothing(self, manager: JobManager) -> None:
        one, two = (manager.create_job(name, None, "run") for name in ("one", "two"))
        one.set_attribute("rank", "changed")
        assert two.get_attribute("rank") == "1"

    def test_a_type_that_contradicts_the_template_is_refused(self, manager: JobManager) -> None:
        with pytest.raises(Invalid, match="makes BASIC jobs, not CONDORJOB"):
            manager.create_job("one", None, "plain", job_type="CONDOR")


class TestNames:
    def test_id_is_replaced_without_evaluating_anything(self, manager: JobManager) -> None:
        for name in ("run {id} of {id}", "{id.__class__.__mro__}", "{0} {x} {{id}}", "%s {id!r}"):
            job = manager.create_job(name, None, job_type="BASIC")
            job.save()
            assert job.name == name.replace("{id}", str(job.pk))
            assert Job.objects.get(pk=job.pk).name == job.name

    @pytest.mark.parametrize("name", ["a/b", "..", "a\nb", "a\0b", "x" * 10_000, ""])
    def test_a_bad_name_writes_nothing(self, name: str, manager: JobManager) -> None:
        with pytest.raises(BadName):
            manager.create_job(name, None, job_type="BASIC")
        with pytest.raises(BadName):
            manager.create_jobs(["good", name], None, job_type="BASIC")
        assert not Job.objects.exists()

    def test_a_name_that_is_made_bad_later_is_not_saved(self, manager: JobManager) -> None:
        job = manager.create_job("good", None, job_type="BASIC")
        job.name = "../bad"
        with pytest.raises(BadName):
            job.save()
        assert not Job.objects.exists()


BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "an unknown template": ({"template_name": "nope"}, UnknownTemplate, "'nope' is not a template"),
    "neither template nor type": ({}, UnknownTemplate, "Say template_name="),
    "an unknown type": ({"job_type": "CNODOR"}, UnknownJobType, "Did you mean 'CONDOR'?"),
    "an unknown parameter": ({"job_type": "BASIC", "executable": "x"}, UnknownParameter, "'executable'"),
    "a lifecycle's column": ({"job_type": "BASIC", "_status": "COM"}, UnknownParameter, "'_status'"),
    "an unknown variable": (
        {"job_type": "CONDOR", "executable": "$(HOME)/x"},
        UnknownVariable,
        r"\$\(HOME\)",
    ),
    "an unknown scheduler": ({"job_type": "CONDOR", "scheduler": "ruby"}, UnknownScheduler, "'ruby'"),
    "an unknown job to wait for": ({"job_type": "BASIC", "after": [999]}, UnknownJob, "999"),
    "an unknown method": ({"job_type": "SCRIPT", "method": "nope"}, UnknownMethod, "'nope' is not a method"),
    "no method": ({"job_type": "SCRIPT"}, BadParameter, "method: a SCRIPT job needs"),
    "properties that are no JSON": (
        {"job_type": "BASIC", "extended_properties": {"a": {1, 2}}},
        BadParameter,
        "extended_properties: .* cannot be written as JSON",
    ),
    "properties with NaN": (
        {"job_type": "BASIC", "extended_properties": {"a": math.nan}},
        BadParameter,
        "extended_properties: nan cannot be written as JSON",
    ),
    "a description that is too long": (
        {"job_type": "BASIC", "description": "x" * 2049},
        BadParameter,
        "description: a text of 2049 characters",
    ),
    "a state point that is no JSON": (
        {"job_type": "BASIC", "statepoint": {"a": object()}},
        BadStatePoint,
        "which JSON lacks",
    ),
    "a state point with NaN": ({"job_type": "BASIC", "statepoint": {"a": math.nan}}, BadStatePoint, "nan"),
    "a state point with a bad key": (
        {"job_type": "BASIC", "statepoint": {1: 2}},
        BadStatePoint,
        "keys are text",
    ),
    "a workspace outside the roots": (
        {"job_type": "BASIC", "workspace": "/etc"},
        BadParameter,
        "workspace: '/etc' lies outside",
    ),
    "a workspace that climbs out": (
        {"job_type": "BASIC", "workspace": "../../../../etc"},
        BadParameter,
        "lies outside",
    ),
    "a function that is nowhere": (
        {"job_type": "BASIC", "process_results_function": "os.path.nope"},
        BadParameter,
        "process_results_function: 'os.path.nope' cannot be imported",
    ),
    "a function without a name": (
        {"job_type": "BASIC", "process_results_function": lambda job: None},
        BadParameter,
        "Give a function of a module",
    ),
    "a newline in an attribute": (
        {"job_type": "CONDOR", "attributes": {"output": "x\nqueue 1000"}},
        BadParameter,
        "attributes: .* contains a newline",
    ),
    "a submit description that is not there": (
        {"job_type": "CONDOR", "condorpy_template_name": "nope"},
        BadParameter,
        "There is no submit description 'nope'. There are: .*vanilla",
    ),
    "whose the job is": (
        {"job_type": "CONDOR", "attributes": {"+Owner": "x"}},
        BadParameter,
        "'[+]Owner' is kept",
    ),
    "a statement": (
        {"job_type": "CONDOR", "attributes": {"include": "x"}},
        BadParameter,
        "it is a statement",
    ),
    "a second queue": ({"job_type": "CONDOR", "attributes": {"Queue": 7}}, BadParameter, "it is a statement"),
    "a folder": (
        {"job_type": "CONDOR", "attributes": {"initialdir": "/"}},
        BadParameter,
        "keeps the folders",
    ),
    "surroundings": ({"job_type": "CONDOR", "attributes": {"getenv": True}}, BadParameter, "surroundings"),
    "somebody's environment": (
        {"job_type": "CONDOR", "attributes": {"+A": "$$ENV(HOME)"}},
        BadParameter,
        r"'\+A' uses",
    ),
    "what a node may not say": (
        {"job_type": "CONDORWORKFLOW", "jobs": [{"name": "a", "attributes": {"getenv": True}}]},
        BadParameter,
        "node 'a': The submit attribute 'getenv'",
    ),
    "a node's submit description": (
        {"job_type": "CONDORWORKFLOW", "jobs": [{"name": "a", "condor_template": "nope"}]},
        BadParameter,
        "node 'a': There is no submit description 'nope'",
    ),
    "no slices": ({"job_type": "CONDOR", "num_jobs": 0}, BadParameter, "num_jobs: 0 is less than 1"),
}


@pytest.mark.parametrize(("given", "error", "message"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_named_and_nothing_is_written(
    given: dict[str, Any], error: type[Exception], message: str, manager: JobManager
) -> None:
    with pytest.raises(error, match=message):
        manager.create_job("one", None, **given)
    assert not Job.objects.exists()


class TestOwners:
    def test_none_means_the_program_itself(self, manager: JobManager) -> None:
        job = manager.create_job("one", None, job_type="BASIC")
        job.save()
        assert Job.objects.get(pk=job.pk).user is None

    def test_a_visitor_who_has_not_signed_in_is_refused(self, manager: JobManager) -> None:
        with pytest.raises(NotAllowed, match="ROOST_ANONYMOUS_JOBS"):
            manager.create_job("one", AnonymousUser(), job_type="BASIC")

    def test_a_visitor_does_not_see_everybodys_jobs(self, manager: JobManager) -> None:
        manager.create_job("one", None, job_type="BASIC").save()
        assert not manager.list_jobs(user=AnonymousUser()).exists()
        assert manager.get_job(Job.objects.get().pk, user=AnonymousUser()) is None

    def test_all_visitors_share_one_user_where_the_setting_allows_it(
        self, manager: JobManager, settings: Any
    ) -> None:
        settings.ROOST_ANONYMOUS_JOBS = True
        manager.create_job("programs", None, job_type="BASIC").save()
        mine = manager.create_job("mine", AnonymousUser(), job_type="BASIC")
        mine.save()
        assert mine.user is not None
        assert not mine.user.has_usable_password()
        assert [job.name for job in manager.list_jobs(user=AnonymousUser())] == ["mine"]


class TestPlaces:
    def test_variables_are_replaced_in_what_the_caller_says_of_files_and_commands(
        self, manager: JobManager, alice: User, home: Path
    ) -> None:
        job = manager.create_job(
            "one",
            alice,
            job_type="CONDOR",
            executable="$(APP_WORKSPACE)/run",
            arguments=["$(USER_WORKSPACE)", "$(Process)", "$(JOB_ID)"],
        )
        assert isinstance(job, CondorJob)
        folder = home / "workspaces" / manager.label
        assert job.executable == f"{folder}/app/run"
        assert job.arguments == [f"{folder}/users/{alice.pk}", "$(Process)", "$(JOB_ID)"]

    def test_a_callers_texts_are_left_as_they_are(self, manager: JobManager) -> None:
        job = manager.create_job(
            "one", None, job_type="BASIC", description="$(5)", extended_properties={"a": "$(b)"}
        )
        assert (job.description, job.extended_properties) == ("$(5)", {"a": "$(b)"})

    def test_a_workspace_lies_in_the_users_folder_unless_it_says_where(
        self, manager: JobManager, alice: User, home: Path, tmp_path: Path, settings: Any
    ) -> None:
        settings.ROOST_WORKSPACE_ROOTS = [tmp_path / "scratch"]
        folder = home / "workspaces" / manager.label / "users" / str(alice.pk)
        given = {"run": f"{folder}/run", "$(USER_WORKSPACE)/x": f"{folder}/x"}
        given[f"{tmp_path}/scratch/a"] = f"{tmp_path}/scratch/a"
        for wanted, found in given.items():
            job = manager.create_job("one", alice, job_type="BASIC", workspace=wanted)
            assert job.workspace == found

    def test_what_needs_the_jobs_id_is_replaced_when_it_is_executed(
        self, manager: JobManager, alice: User, home: Path
    ) -> None:
        job = manager.create_job(
            "one",
            alice,
            job_type="CONDOR",
            executable="/bin/echo",
            workspace="$(USER_WORKSPACE)/run-$(JOB_ID)",
            arguments=["$(JOB_ID)", "$(JOB_WORKSPACE)/x", "$(Process)"],
        )
        job.execute()
        row = Job.objects.get(pk=job.pk)
        place = f"{home}/workspaces/{manager.label}/users/{alice.pk}/run-{job.pk}"
        assert row.workspace == place
        assert row.parameters["arguments"] == [str(job.pk), f"{place}/x", "$(Process)"]
        assert Path(place).is_dir()
        assert row.statepoint == {"template": "CONDORJOB", "replica": job.pk}

    def test_a_job_works_in_its_own_folder_by_default(self, manager: JobManager) -> None:
        job = manager.create_job("one", None, job_type="CONDOR", executable="/bin/echo")
        job.execute()
        assert Job.objects.get(pk=job.pk).workspace == str(job.directory)

    def test_a_workspace_cannot_be_defined_by_itself(self, manager: JobManager) -> None:
        with pytest.raises(UnknownVariable, match=r"says what \$\(JOB_WORKSPACE\) is"):
            manager.create_job("one", None, job_type="BASIC", workspace="$(JOB_WORKSPACE)/x")

    def test_a_workspace_does_not_lead_out_through_a_link(self, manager: JobManager, tmp_path: Path) -> None:
        from jobs_app.workspaces import get_user_workspace

        (get_user_workspace(manager.label, None) / "door").symlink_to(tmp_path)
        with pytest.raises(BadParameter, match="lies outside"):
            manager.create_job("one", None, job_type="BASIC", workspace="door")

    def test_the_apps_project_is_one_of_signacs_too(self, manager: JobManager) -> None:
        project = manager.project()
        assert (Path(project.path) / ".signac" / "config").read_text() == "schema_version = 2\n"
        assert manager.project() == project
        assert Project.objects.count() == 1

    def test_two_apps_of_one_last_name_have_two_projects(self, new_app: NewApp, db: None) -> None:
        names = [
            new_app(label).get_job_manager().project().name for label in ("left.twin", "right.twin", "other")
        ]
        assert names == ["twin", "right_twin", "other"]


class TestLinks:
    def test_after_makes_a_job_wait_for_others(self, manager: JobManager) -> None:
        first, second = (manager.create_job(name, None, job_type="BASIC") for name in ("1", "2"))
        first.save()
        second.save()
        third = manager.create_job("3", None, job_type="BASIC", after=[first, second.pk])
        assert not JobDependency.objects.exists()
        third.save()
        assert set(third.waits_for.all()) == {first, second}

    def test_a_job_that_was_not_saved_cannot_be_waited_for(self, manager: JobManager) -> None:
        first = manager.create_job("1", None, job_type="BASIC")
        with pytest.raises(BadParameter, match=r"after: .* not saved yet"):
            manager.create_job("2", None, job_type="BASIC", after=[first])


SCRIPT = """
options = {"x": 1, "path": "", "many": [int]}
jobs = ("previous", ["others"])

def analysis(sliceno, options):
    return options.x

def synthesis(analysis_res):
    return analysis_res.merge_auto()
"""


class TestScripts:
    @pytest.fixture
    def manager(self, new_app: NewApp, db: None) -> JobManager:
        templates = [
            ScriptJobTemplate(
                "t", {"method": "add", "slices": 4, "options": {"x": 2, "path": "$(APP_WORKSPACE)/a"}}
            ),
            ScriptJobTemplate("late", {"method": "add", "options": {"path": "$(JOB_ID)"}}),
        ]
        scripts = {"a_add.py": SCRIPT, "broken.py": "def analysis(sliceno:\n", "a_empty.py": "x = 1\n"}
        return new_app(scripts=scripts, job_templates=lambda cls: templates).get_job_manager()

    def test_inputs_are_complete_and_typed(self, manager: JobManager) -> None:
        job = manager.create_job(
            "one", None, job_type="SCRIPT", method="add", options={"x": "7"}, memory="1 GB"
        )
        assert isinstance(job, ScriptJob)
        assert job.parameters["options"] == {"x": 7, "path": "", "many": []}
        assert job.parameters["jobs"] == {"previous": None, "others": None}
        assert (job.method, job.parameters["memory"]) == ("add", 1024)
        assert "method" not in job.parameters

    def test_a_callers_options_join_the_templates(self, manager: JobManager) -> None:
        job = manager.create_job("one", None, "t", options={"x": 5})
        folder = manager.app.cls.get_app_workspace()  # type: ignore[union-attr]
        assert job.parameters["options"] == {"x": 5, "path": f"{folder}/a", "many": []}
        assert job.slices_total == 4

    def test_a_callers_options_are_exact(self, manager: JobManager) -> None:
        job = manager.create_job("one", None, "t", options={"path": "$(JOB_ID) $(x) $$("})
        assert job.parameters["options"]["path"] == "$(JOB_ID) $(x) $$("

    def test_a_job_knows_its_id_itself_so_options_cannot_hold_it(self, manager: JobManager) -> None:
        with pytest.raises(UnknownVariable, match=r"\$\(JOB_ID\)"):
            manager.create_job("one", None, "late")

    def test_all_wrong_options_are_listed_at_once(self, manager: JobManager) -> None:
        with pytest.raises(BadOptions) as caught:
            manager.create_job(
                "one", None, job_type="SCRIPT", method="add", options={"x": "a", "many": ["b"], "y": 1}
            )
        message = str(caught.value)
        assert "x='a': an integer is wanted" in message
        assert "many[0]='b'" in message
        assert "'y' is not among the options" in message

    def test_options_that_are_no_dictionary_are_refused(self, manager: JobManager) -> None:
        with pytest.raises(BadParameter, match="options: 3 is not a dictionary"):
            manager.create_job("one", None, job_type="SCRIPT", method="add", options=3)

    def test_a_script_that_does_not_load_says_file_line_and_why(self, manager: JobManager) -> None:
        with pytest.raises(ScriptError, match=r"broken\.py, line 1: "):
            manager.create_job("one", None, job_type="SCRIPT", method="broken")
        manager.create_job("one", None, job_type="SCRIPT", method="add")

    def test_a_script_without_a_step_is_refused(self, manager: JobManager) -> None:
        with pytest.raises(ScriptError, match=r"a_empty\.py has no step"):
            manager.create_job("one", None, job_type="SCRIPT", method="empty")

    def test_the_jobs_that_it_reads_are_linked_and_waited_for(self, manager: JobManager) -> None:
        def new(**jobs: Any) -> Job:
            job = manager.create_job("one", None, job_type="SCRIPT", method="add", jobs=jobs)
            job.save()
            return job

        first, done = new(), new()
        Job.objects.filter(pk=done.pk).update(_status="COM")
        last = new(previous=first, others=[first.jobid, done])
        assert last.parameters["jobs"] == {"previous": first.jobid, "others": [first.jobid, done.jobid]}
        uses = JobUse.objects.filter(job=last).values_list("role", "used")
        assert set(uses) == {("previous", first.pk), ("others", first.pk), ("others", done.pk)}
        assert list(last.waits_for.all()) == [first]

    def test_a_job_that_is_not_there_cannot_be_read(self, manager: JobManager) -> None:
        with pytest.raises(UnknownJob, match="There is no job bogus-1"):
            manager.create_job("one", None, job_type="SCRIPT", method="add", jobs={"previous": "bogus-1"})


class TestStatePoints:
    def test_a_state_point_is_the_jobs_address(self, manager: JobManager) -> None:
        job = manager.create_job("one", None, job_type="BASIC", statepoint={"a": 0})
        job.save()
        assert job.address == "9bfd29df07674bc4aa960cf661b5acd2"
        assert Job.objects.get(pk=job.pk).statepoint == {"a": 0}

    def test_the_second_job_with_it_is_told_who_has_it(self, manager: JobManager) -> None:
        first = manager.create_job("first", None, job_type="BASIC", statepoint={"a": 0})
        first.save()
        second = manager.create_job("second", None, job_type="BASIC", statepoint={"a": 0})
        with pytest.raises(BadStatePoint, match=r"\('first'\) has the state point of 'second'"):
            second.save()
        many = [{"name": "b", "statepoint": {"b": 0}}, {"name": "a", "statepoint": {"a": 0}}]
        with pytest.raises(BadStatePoint, match=first.jobid):
            manager.create_jobs(many, None, job_type="BASIC")
        assert Job.objects.count() == 1

    def test_another_project_may_have_it_too(self, manager: JobManager, new_app: NewApp) -> None:
        for each in (manager, new_app().get_job_manager()):
            each.create_job("one", None, job_type="BASIC", statepoint={"a": 0}).save()
        assert Job.objects.filter(statepoint={"a": 0}).count() == 2


class TestQuota:
    def test_nobody_has_more_jobs_than_a_rule_allows(
        self, manager: JobManager, alice: User, bob: User
    ) -> None:
        RetentionRule.objects.create(app=manager.label, user=alice, max_jobs=2)
        manager.create_job("one", alice, job_type="BASIC").save()
        with pytest.raises(QuotaExceeded, match="may have 2 jobs and has 1"):
            manager.create_jobs(["two", "three"], alice, job_type="BASIC")
        manager.create_jobs(["two"], alice, job_type="BASIC")
        with pytest.raises(QuotaExceeded, match="may have 2 jobs and has 2"):
            manager.create_job("three", alice, job_type="BASIC")
        manager.create_jobs(["two", "three", "four"], bob, job_type="BASIC")
        assert Job.objects.filter(user=alice).count() == 2


class TestManyAtOnce:
    def test_all_are_saved_with_their_own_parameters(self, manager: JobManager, alice: User) -> None:
        rivers = Group.objects.create(name="rivers")
        before = manager.create_job("before", None, job_type="BASIC")
        before.save()
        rows = [{"name": "{id} a", "description": "own"}, {"name": "b", "after": before}]
        jobs = manager.create_jobs(rows, alice, job_type="BASIC", groups=rivers, description="shared")
        found = list(Job.objects.exclude(pk=before.pk).order_by("pk"))
        assert found == jobs
        assert [job.name for job in found] == [f"{jobs[0].pk} a", "b"] == [job.name for job in jobs]
        assert [job.description for job in found] == ["own", "shared"]
        assert all(set(job.groups.all()) == {rivers} for job in found)
        assert list(jobs[1].waits_for.all()) == [before]

    def test_one_bad_one_stops_all(self, manager: JobManager) -> None:
        with pytest.raises(UnknownParameter):
            manager.create_jobs([{"name": "a"}, {"name": "b", "nope": 1}], None, job_type="BASIC")
        assert not Job.objects.exists()

    def test_a_job_without_a_name_is_refused(self, manager: JobManager) -> None:
        with pytest.raises(BadName):
            manager.create_jobs([{"description": "x"}], None, job_type="BASIC")

    def test_names_of_other_jobs_are_left_alone(self, manager: JobManager) -> None:
        other = manager.create_job("x", None, job_type="BASIC")
        other.save()
        Job.objects.filter(pk=other.pk).update(name="{id}")
        manager.create_jobs(["{id}"], None, job_type="BASIC")
        other.refresh_from_db()
        assert other.name == "{id}"

    def test_a_thousand_take_few_statements(self, manager: JobManager) -> None:
        manager.project()
        with CaptureQueriesContext(connection) as queries:
            manager.create_jobs([f"{n} {{id}}" for n in range(1000)], None, job_type="BASIC")
        assert len(queries) < 60


@pytest.mark.parametrize("user", ["root", 1])
def test_a_user_is_no_name_and_no_id(manager: JobManager, user: Any) -> None:
    said = rf"user: {user!r} is not a user. Give a User \(of Django\), not its name or id"
    for ask in (manager.create_job, manager.create_jobs):
        with pytest.raises(BadParameter, match=said):
            ask(["one"] if ask == manager.create_jobs else "one", user, job_type="BASIC")
    with pytest.raises(BadParameter, match=said):
        manager.list_jobs(user=user)


def test_a_job_may_have_a_function_for_its_results(manager: JobManager) -> None:
    for given in (process_results, f"{__name__}.process_results"):
        job = manager.create_job("one", None, job_type="BASIC", process_results_function=given)
        job.save()
        assert Job.objects.get(pk=job.pk).process_results_function is process_results


def test_a_scheduler_that_many_jobs_name_is_looked_up_once(
    manager: JobManager, django_assert_max_num_queries: Any
) -> None:
    many = [{"name": f"job {number}", "scheduler": "embedded"} for number in range(50)]
    manager.create_jobs(many[:1], None, job_type="CONDORJOB", executable="true")
    with django_assert_max_num_queries(20):
        jobs = manager.create_jobs(many, None, job_type="CONDORJOB", executable="true")
    assert {job.scheduler.name for job in jobs} == {"embedded"}
