"""The DAG that is written for a workflow: each word of it is read by DAGMan or by a shell."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs_app.pools.base import Hook, Node, Refused, Resources, Step, Task
from jobs_app.pools.condor import plan, submit, workflow
from jobs_app.pools.condor.composing import compose
from jobs_app.pools.condor.names import Names
from jobs_app.pools.condor.submit import Surroundings
from jobs_app.pools.condor.templates import finder

BROUGHT = Path(submit.__file__).parents[3] / "condor_templates"
AROUND = Surroundings("b" * 32, 3, "segment", Names("/home/alice/roost"), "version", finder([BROUGHT]))


def task(*nodes: Node, **known: object) -> Task:
    slices = sum(node.slices for node in nodes)
    placed = [replace(node, folder=node.folder or node.name) for node in nodes]
    known = {"steps": (Step("run", slices),), "nodes": tuple(placed), **known}
    return Task("a" * 32, 7, 1, "/job", **known)  # type: ignore[arg-type]


def text(*nodes: Node, **known: object) -> list[str]:
    return workflow.text_of(task(*nodes, **known), "/folder", 0).splitlines()


def files(*nodes: Node, **known: object) -> dict[str, str]:
    return {name: data.decode() for name, data in compose([task(*nodes, **known)], AROUND).files.items()}


def test_every_command_of_a_node_stands_as_dagman_reads_it() -> None:
    one = Node(
        "one",
        0,
        executable="x",
        retries=2,
        retry_unless=7,
        abort_on=9,
        abort_return=0,
        pre=Hook("/x"),
        pre_skip=3,
        priority=-4,
        category="few",
    )
    lines = text(one, Node("two", 1, parents=("one",)), Node("end", 2, final=True), throttles={"few": 2})
    assert lines == [
        "MAXJOBS few 2",
        "JOB one /folder/0.one.sub",
        "RETRY one 2 UNLESS-EXIT 7",
        "SCRIPT PRE one /bin/sh 0.one.pre $JOB $RETRY $MAX_RETRIES $DAGID $DAG_STATUS $FAILED_COUNT",
        "PRE_SKIP one 3",
        "PRIORITY one -4",
        "CATEGORY one few",
        "ABORT-DAG-ON one 9 RETURN 0",
        "JOB two /folder/0.two.sub",
        "PARENT one CHILD two",
        "FINAL end /folder/0.end.sub",
    ]


def test_a_script_of_the_user_or_of_ours_has_the_last_word_on_a_node_of_several_slices() -> None:
    """DAGMan alone loses one of which a slice ends well after another failed."""
    ours, theirs = text(Node("one", 0, 2)), text(Node("one", 0, 2, post=Hook("/x")))
    assert ours[1:] == ["SCRIPT POST one /bin/sh 0.same.post $RETURN"]
    assert [line.split()[4] for line in theirs if line.startswith("SCRIPT POST")] == ["0.one.post"]
    assert text(Node("one", 0, executable="x"))[1:] == []


def test_a_dagman_never_ends_with_what_would_start_it_again() -> None:
    assert "ABORT-DAG-ON one 77 RETURN 1" in text(Node("one", 0, abort_on=77))
    assert "ABORT-DAG-ON one 77 RETURN 1" in text(Node("one", 0, abort_on=77, abort_return=9))


def test_a_node_whose_slices_are_all_done_is_done_and_not_submitted() -> None:
    nodes = (Node("one", 0, 2), Node("two", 2, 3, parents=("one",)))
    done = (("run", 0, 2), ("run", 3, 1))
    assert text(*nodes, done=done)[0].endswith("0.one.sub DONE")
    found = files(*nodes, done=done)
    assert "0.one.sub" not in found
    assert found["0.two.rows"].splitlines() == ["2, run", "4, run"]


def test_a_noop_node_reads_a_description_that_does_nothing() -> None:
    assert text(Node("one", 0, noop=True)) == ["JOB one /folder/0.noop.sub NOOP"]
    assert "0.noop.sub" in files(Node("one", 0, noop=True))


def test_two_nodes_with_one_command_are_two_clusters() -> None:
    found = compose([task(Node("one", 0, executable="x"), Node("two", 1, executable="x"))], AROUND)
    lead, one, two = found.plans
    assert lead.lead == ("a" * 32,)
    assert [each.shares[0].runs[0].first for each in (one, two)] == [0, 1]
    assert plan.from_json(found.files["plan.json"])[0].graph[1]["name"] == "two"


HOSTILE = ['a"b', "a\\", "$HOME", "$(x)", "a b", "'", 'x" y="z', "$ENV(PATH)", "#", "%s"]


@pytest.mark.parametrize("value", HOSTILE)
def test_no_variable_leaves_its_quotes(value: str) -> None:
    (line,) = [
        line
        for line in files(Node("one", 0, executable="x", variables={"x": value}))["0.dag"].splitlines()
        if line.startswith("VARS")
    ]
    assert unquoted(line)["user_x"] == value.replace("$", "$(DOLLAR)")
    assert set(unquoted(line)) == {"user_x", "attempt", "group", "rows"}


def unquoted(line: str) -> dict[str, str]:
    """As DAGMan reads VARS: name="value", with backslash before a quote or a backslash."""
    found, rest = {}, line.split(" ", 2)[2]
    while rest:
        name, _, rest = rest.partition('="')
        value, place = "", 0
        while rest[place] != '"':
            place += rest[place] == "\\"
            value += rest[place]
            place += 1
        found[name], rest = value, rest[place + 1 :].lstrip()
    return found


@given(st.lists(st.text(st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"]), max_size=20)))
def test_a_script_gets_its_arguments_as_they_were(arguments: list[str]) -> None:
    words = " ".join(map(workflow._word, arguments))
    expected = [argument for argument in arguments if argument not in ("$JOB", "$RETURN", "$RETRY")]
    if expected == arguments:
        assert shlex.split(words) == arguments


def test_a_script_runs_in_its_node_s_folder_and_tells_the_log(tmp_path: Path) -> None:
    root = tmp_path / "ro'ot"
    around = replace(AROUND, names=Names(str(root)))
    node = Node("one", 0, executable="x", pre=Hook("/x", ("it's; $HOME", "$RETRY")))
    launcher = workflow.dag_of(task(node), around, 0).files["0.one.pre"].decode()
    home = root / "attempts" / ("a" * 32)
    hook = home / "in" / ".hooks" / "one.pre"
    for folder in (hook.parent, home / "out", root / "segments"):
        folder.mkdir(parents=True)
    hook.write_text('#!/bin/sh\npwd; echo "$1 $2 $ROOST_NODE"; exit 3\n')
    hook.chmod(0o755)
    done = subprocess.run(["sh", "-c", launcher, "x", "one", "1", "2", "33", "0", "0"], check=False)
    assert done.returncode == 3
    assert (home / "out" / "one.pre.log").read_text() == f"{home}/nodes/one\nit's; $HOME 1 one\n"
    said = (root / "segments" / "segment").read_text()
    assert said.startswith("008 (033.000.000) ")
    assert said.endswith(f"roost pre {'a' * 32} one 3 1 it's; $HOME 1 one \n...\n")


def test_what_was_done_before_is_found_here(tmp_path: Path) -> None:
    folder = tmp_path / "nodes" / "one"
    (folder / "slices" / "1").mkdir(parents=True)
    (folder / "a.nc").touch()
    (folder / "slices" / "1" / "b.nc").touch()
    one, two = Node("one", 0, 2), Node("two", 2, parents=("one",), asks=(("one", "*.nc"),))
    known = replace(task(one, two, done=(("run", 0, 2),)), directory=str(tmp_path))
    found = workflow.asked_here(known, known.nodes[1])
    assert [name for name, _ in found] == ["a.nc", "slices/1/b.nc"]
    missing = replace(known.nodes[1], asks=(("one", "gone"),))
    with pytest.raises(Refused, match="Node one left no file 'gone'"):
        list(workflow.asked_here(known, missing))


def test_what_is_told_of_it_is_the_dag_and_its_nodes_descriptions_by_their_names() -> None:
    nodes = Node("one", 0, executable="x"), Node("two", 1, executable="x", resources=Resources(cpus=2))
    found = compose([task(*nodes)], AROUND)
    names = [name for _, _, name in found.descriptions]
    assert names == ["0.dag", "0.noop.sub", "0.one.sub", "0.two.sub"]
    assert all(list(attempts) == ["a" * 32] for _, attempts, _ in found.descriptions)
