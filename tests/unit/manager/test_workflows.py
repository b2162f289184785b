"""Workflows as they are declared: what is taken, what is refused, and the two ways to say it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs_app.errors import BadParameter, Invalid, NotAllowed, Unknown, WrongState
from jobs_app.lifecycle.task import task_of
from jobs_app.manager import JobManager
from jobs_app.models import CondorWorkflow, CondorWorkflowNode, Job
from jobs_app.pools.base import Node
from jobs_app.sdk.jobs import CondorJobDescription, CondorWorkflowJobTemplate, CondorWorkflowTemplate
from jobs_app.states import SliceState
from jobs_app.workflows import checked, dagman_settings

from .conftest import NewApp

pytestmark = pytest.mark.django_db

DIAMOND: list[dict[str, Any]] = [
    {"name": "begin", "executable": "true"},
    {"name": "left", "executable": "true", "parents": ["begin"]},
    {"name": "right", "executable": "true", "parents": ["begin"], "num_jobs": 3},
    {"name": "end", "executable": "true", "parents": ["left", "right"]},
]


def flow(manager: JobManager, alice: User, nodes: Any = (), **parameters: Any) -> CondorWorkflow:
    job = manager.create_job("flow", alice, job_type="CONDORWORKFLOW", jobs=nodes, **parameters)
    assert isinstance(job, CondorWorkflow)
    return job


def nodes_of(job: Job) -> dict[str, Node]:
    return {node.name: node for node in task_of(job.attempts.get()).nodes}


def test_nodes_are_kept_parents_first_and_each_has_slices(manager: JobManager, alice: User) -> None:
    job = flow(manager, alice, list(reversed(DIAMOND)))
    job.save()
    job = CondorWorkflow.objects.get(pk=job.pk)
    names = [node.name for node in job.nodes]
    assert (names[0], names[-1]) == ("begin", "end")
    assert job.slices_total == 6
    assert len(job.slices_of("right")) == 3
    assert [parent.name for parent in job.node("end").parents] == ["left", "right"]
    assert [child.name for child in job.get_job("begin").children] == ["right", "left"]


def test_the_object_way_says_the_same(manager: JobManager, alice: User) -> None:
    job = flow(manager, alice)
    begin = CondorWorkflowNode(name="begin", workflow=job, executable="true")
    left = job.add_node("left", executable="true")
    right = job.add_node("right", executable="true", num_jobs=3)
    end = job.add_node("end", executable="true")
    for middle in (left, right):
        middle.add_parent(begin)
        end.add_parent(middle)
    end.save()
    assert Job.objects.get(pk=job.pk).parameters["jobs"] == DIAMOND
    assert end.parents == [left, right]
    left.priority = 7
    left.set_attribute("rank", "1")
    assert (left.priority, left.attributes, right.priority) == (7, {"rank": "1"}, 0)


def test_a_template_may_be_written_as_in_tethys(new_app: NewApp, alice: User, db: None) -> None:
    described = CondorJobDescription(
        condorpy_template_name="vanilla_transfer_files",
        remote_input_files=["$(APP_WORKSPACE)/run.py"],
        executable="run.py",
        arguments=("a", "b"),
        request_memory="1 GB",
    )
    first = CondorWorkflowJobTemplate(name="first", job_description=described, category="small")
    second = CondorWorkflowJobTemplate(name="second", job_description=described, parents=[first])

    class Flows:
        @classmethod
        def job_templates(cls) -> list[CondorWorkflowTemplate]:
            return [CondorWorkflowTemplate("flow", jobs=[first, second], max_jobs={"small": 1})]

    manager = new_app(job_templates=Flows.job_templates).get_job_manager()
    job = manager.create_job("flow", alice, template_name="flow")
    job.save()
    assert isinstance(job, CondorWorkflow)
    (said,) = [node.declaration for node in job.nodes if node.name == "second"]
    assert said["condor_template"] == "vanilla_transfer_files"
    assert (said["executable"], said["arguments"], said["parents"]) == ("run.py", ["a", "b"], ["first"])
    assert said["remote_input_files"][0].endswith("/app/run.py")
    assert "$(" not in said["remote_input_files"][0]
    assert job.max_jobs == {"small": 1}


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([{"name": "a", "parents": "a"}], "wait for each other: a -> a"),
        (
            [{"name": "a", "parents": "c"}, {"name": "b", "parents": "a"}, {"name": "c", "parents": "b"}],
            "a -> b -> c -> a",
        ),
        (
            [{"name": "a", "parents": ["bgin"]}, {"name": "begin"}],
            "'bgin' is not a node.*Did you mean 'begin'",
        ),
        ([{"name": "a"}, {"name": "A"}], "two nodes have the name 'A'"),
        ([{"name": "a", "dir": "x"}, {"name": "b", "dir": "X"}], "two nodes have the folder"),
        ([{"name": "a\nPARENT b CHILD c"}], "cannot be the name of a node"),
        ([{"name": "../a"}], "cannot be the name of a node"),
        ([{"name": "ALL_NODES"}], "word of HTCondor's own"),
        ([{"name": "PARENT"}], "word of HTCondor's own"),
        ([{}], "a node has no name"),
        ([{"name": "a", "dir": "../.."}], "cannot be the name of a folder"),
        ([{"name": "a", "category": 'x"'}], "cannot be the name of a category"),
        ([{"name": "a", "variables": {"x": "1\nABORT-DAG-ON a 0"}}], "contains a newline"),
        ([{"name": "a", "variables": {"x": "\x1b"}}], "control character"),
        ([{"name": "a", "variables": {"queue": "1"}}], "cannot be the name of a variable"),
        ([{"name": "a", "variables": {'x="1" y': "1"}}], "cannot be the name of a variable"),
        ([{"name": "a", "pre_script": "x\ny"}], "contains a newline"),
        ([{"name": "a", "post_script": "x", "post_script_args": ["a\nb"]}], "contains a newline"),
        ([{"name": "a", "pre_script_args": ["x"]}], "says nothing without pre_script"),
        ([{"name": "a", "abort_dag_on_return_value": 1}], "says nothing without abort_dag_on"),
        ([{"name": "a", "retry_unless_exit_value": 1}], "says nothing without retry"),
        ([{"name": "a", "retry": -1}], "retry: -1 is less than 0"),
        ([{"name": "a", "abort_dag_on": 300}], "300 is more than 255"),
        ([{"name": "a", "attributes": {"x\ny": 1}}], "is not the name of an attribute"),
        ([{"name": "a", "exectuable": "x"}], "Did you mean 'executable'"),
        ([{"name": "a", "final": True}, {"name": "b", "final": True}], "both final"),
        ([{"name": "a", "final": True}, {"name": "b", "parents": "a"}], "cannot be a parent of 'b'"),
        ([{"name": "a", "final": True, "noop": True}], "noop cannot be said of it"),
        ([{"name": "a"}, {"name": "b", "remote_input_files": ["a:x"]}], "does not run before it"),
        ([{"name": "a", "num_jobs": 2, "arguments": [["1"]]}], "1 rows for 2 slices"),
        ("begin", "is not a list of nodes"),
        ([3], "is not a node"),
    ],
)
def test_what_dagman_would_misread_is_refused_when_it_is_created(
    manager: JobManager, alice: User, nodes: Any, words: str
) -> None:
    with pytest.raises(Invalid, match=words):
        flow(manager, alice, nodes)


def test_a_parent_that_would_close_a_circle_is_refused_and_nothing_is_changed(
    manager: JobManager, alice: User
) -> None:
    job = flow(manager, alice, DIAMOND)
    with pytest.raises(BadParameter, match=r"begin -> left -> end -> begin|begin -> right -> end -> begin"):
        job.node("begin").add_parent(job.node("end"))
    assert job.node("begin").parents == []


def test_an_unknown_node_is_named_with_all(manager: JobManager, alice: User) -> None:
    with pytest.raises(Unknown, match="There are: begin, end, left, right"):
        flow(manager, alice, DIAMOND).node("middle")


def test_a_throttle_is_checked(manager: JobManager, alice: User) -> None:
    job = flow(manager, alice, DIAMOND)
    job.add_max_jobs_throttle("small", 2)
    assert job.max_jobs == {"small": 2}
    with pytest.raises(Invalid):
        job.add_max_jobs_throttle("small\nx", 2)
    with pytest.raises(Invalid):
        job.add_max_jobs_throttle("small", 0)


def test_a_workflow_that_could_not_run_is_refused_by_execute(
    manager: JobManager, alice: User, tmp_path: Path
) -> None:
    for nodes, words in (
        ([], "has no nodes"),
        ([{"name": "a"}], "node 'a' .* has no executable"),
        ([{"name": "a", "executable": "x", "pre_script": str(tmp_path / "gone")}], "is not a file here"),
    ):
        with pytest.raises(Invalid, match=words):
            flow(manager, alice, nodes).execute()


def test_nothing_of_it_changes_any_more_when_it_was_executed(manager: JobManager, alice: User) -> None:
    job = flow(manager, alice, DIAMOND)
    job.execute()
    with pytest.raises(WrongState):
        job.add_node("late", executable="x")
    with pytest.raises(WrongState):
        job.node("end").add_parent("begin")


def test_a_task_has_the_nodes_with_their_places(manager: JobManager, alice: User, tmp_path: Path) -> None:
    script = tmp_path / "before.sh"
    script.touch()
    job = flow(
        manager,
        alice,
        [
            {"name": "a", "executable": "true", "num_jobs": 2},
            {
                "name": "b",
                "parents": "a",
                "executable": "true",
                "arguments": ["--label=$(label)", "$(JOB)"],
                "variables": {"label": 'it\'s "x" $(JOB)'},
                "remote_input_files": ["a:*.nc", "/etc/hostname"],
                "pre_script": str(script),
                "pre_script_args": ["$RETRY"],
                "memory": "1 GB",
            },
        ],
        max_jobs={"small": 2},
    )
    job.execute()
    node = nodes_of(job)["b"]
    assert (node.first, node.slices, node.parents) == (2, 1, ("a",))
    assert node.arguments == (('--label=it\'s "x" $(JOB)', "b"),)
    assert (node.asks, node.inputs) == ((("a", "*.nc"),), ("/etc/hostname",))
    assert node.pre is not None
    assert (node.pre.path, node.pre.arguments) == (str(script), ("$RETRY",))
    assert node.resources.memory_mb == 1024
    assert task_of(job.attempts.get()).throttles == {"small": 2}
    rows = job.attempts.get().nodes.order_by("position").values_list("name", "first", "slices", "parents")
    assert list(rows) == [("a", 0, 2, []), ("b", 2, 1, ["a"])]


def test_what_is_declared_done_does_not_run(manager: JobManager, alice: User) -> None:
    job = flow(manager, alice, [{"name": "a", "done": True}, {"name": "b", "executable": "true"}])
    job.execute()
    assert job.slice_states("run", 0, 2) == bytes([SliceState.DONE, SliceState.WAITING])
    assert task_of(job.attempts.get()).done == (("run", 0, 1),)


def test_a_file_of_settings_may_set_numbers_of_dagman_only() -> None:
    assert dagman_settings("# mine\n\nDAGMan_Max_Jobs_Idle = 5\n") == {"DAGMAN_MAX_JOBS_IDLE": "5"}
    for line in ("DAGMAN_CONDOR_SUBMIT_EXE = /tmp/x", "include : /tmp/x |", "DAGMAN_MAX_JOBS_IDLE = $ENV(X)"):
        with pytest.raises(BadParameter, match="cannot be set for one workflow"):
            dagman_settings(line)


def test_many_nodes_are_checked_in_no_time() -> None:
    chain = [
        {"name": f"n{number}", "parents": [f"n{number - 1}"] if number else []} for number in range(5000)
    ]
    assert len(checked(chain)) == 5000


def test_a_node_s_input_is_looked_for_when_it_is_executed(manager: JobManager, alice: User) -> None:
    nodes = [{"name": "a", "executable": "true", "remote_input_files": ["/nowhere/a.csv"]}]
    with pytest.raises(
        BadParameter, match=r"node 'a' of workflow .*: remote_input_files names '/nowhere/a.csv'"
    ):
        flow(manager, alice, nodes).execute()


@pytest.mark.parametrize("key", ["accounting_group_user", "Accounting_Group_User", "ACCOUNTING_GROUP_USER"])
def test_no_node_charges_another_s_share(manager: JobManager, alice: User, key: str) -> None:
    node = {"name": "a", "executable": "true", "attributes": {key: "bob"}}
    with pytest.raises(NotAllowed, match="cannot charge jobs to 'bob'"):
        flow(manager, alice, [node]).execute()
    job = flow(manager, alice, [{"name": "a", "executable": "true"}])
    job.node("a").set_attribute(key, "bob")
    with pytest.raises(NotAllowed, match="cannot charge jobs to 'bob'"):
        job.execute()


def test_a_node_s_attribute_is_one_in_all_letters(manager: JobManager, alice: User) -> None:
    node = flow(manager, alice, [{"name": "a", "attributes": {"Rank": "1"}}]).node("a")
    node.set_attribute("RANK", "2")
    assert (node.attributes, node.get_attribute("Rank")) == ({"rank": "2"}, "2")
    node.set_attribute("rank", None)
    assert node.get_attribute("rank", "none") == "none"
    with pytest.raises(BadParameter, match="node 'a': attributes: 'Rank' and 'rank' are one attribute"):
        flow(manager, alice, [{"name": "a", "attributes": {"Rank": "1", "rank": "2"}}])
