"""Submit descriptions: what is composed of template, attributes, and what is ours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import htcondor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs_app.pools.base import Refused, Resources, Step, Task
from jobs_app.pools.condor import submit
from jobs_app.pools.condor.names import Names
from jobs_app.pools.condor.submit import Description, Surroundings, describe
from jobs_app.pools.condor.templates import finder
from jobs_app.pools.condor.words import encoded

BROUGHT = Path(submit.__file__).parents[3] / "condor_templates"


def task(number: int = 1, slices: int = 2, **known: object) -> Task:
    known = {"steps": (Step("run", slices),), "executable": "true", **known}
    return Task(f"{number:032x}", number, 1, "/job", **known)  # type: ignore[arg-type]


def described(*tasks: Task, template: str = "", token: str = "b" * 32) -> list[Description]:
    find = (lambda name: template) if template else finder([BROUGHT])
    return describe(tasks, Surroundings(token, 3, "segment", Names("/home/alice/roost"), "version", find))


def said_in(description: Description) -> dict[str, str]:
    """As HTCondor reads it: the last of two lines with the same key counts."""
    pairs = [line.split("=", 1) for line in description.text.splitlines() if "=" in line and line[0] != "#"]
    return {key.strip().lower(): value.strip() for key, value in pairs}


def test_identity_travels_with_every_proc() -> None:
    said = said_in(described(task())[0])
    assert said["submit_event_user_notes"] == f"roost {'b' * 32}.3 0 $(attempt) $(slice)"
    assert said["my.roostbatch"] == f'"{"b" * 32}"'
    assert said["my.roostplan"] == f'"{"b" * 32}.3"'
    assert said["my.roostattempt"] == '"$(attempt)"'
    assert said["log"] == "/home/alice/roost/segments/segment"


def test_nothing_of_a_template_or_an_attribute_changes_what_is_ours() -> None:
    theirs = "executable = /bin/evil\nlog = /tmp/log\ninitialdir = /\nMY.RoostAttempt = 1\nrequest_cpus = 99"
    said = said_in(described(task(resources=Resources(cpus=2)), template=theirs)[0])
    assert said["executable"] == "/home/alice/roost/node/version/roost_start.sh"
    assert said["log"].endswith("/segments/segment")
    assert said["initialdir"] == "/home/alice/roost/attempts/$(attempt)"
    assert said["my.roostattempt"] == '"$(attempt)"'
    assert said["request_cpus"] == "2"


def test_limits_become_requests() -> None:
    limits = Resources(cpus=4, memory_mb=512, disk_mb=3, gpus=1, wall_seconds=60)
    said = said_in(described(task(resources=limits, retries=2, priority=7))[0])
    wanted = {
        "request_cpus": "4",
        "request_memory": "512",
        "request_disk": "3072",
        "request_gpus": "1",
        "allowed_job_duration": "60",
        "max_retries": "2",
        "priority": "7",
    }
    assert {key: said[key] for key in wanted} == wanted


def test_a_limit_that_is_not_set_is_left_to_the_pool() -> None:
    said = said_in(described(task())[0])
    assert not {"request_memory", "request_disk", "request_gpus", "allowed_job_duration"} & said.keys()


def test_tasks_that_agree_go_in_one_description() -> None:
    (only,) = described(*(task(number, slices=3) for number in range(1, 40)))
    assert len(only.rows.splitlines()) == only.plan.procs == 39 * 3


def test_tasks_that_differ_go_in_several() -> None:
    one, two = task(1), task(2)
    differing = [
        replace(two, resources=Resources(memory_mb=7)),
        replace(two, retries=3),
        replace(two, priority=1),
        replace(two, template="vanilla_nfs"),
        replace(two, attributes={"rank": "1"}),
        replace(two, concurrency=1),
        replace(two, script="a.py"),
    ]
    assert all(len(described(one, other)) == 2 for other in differing)


def test_a_large_job_is_made_little_by_little_and_alone() -> None:
    descriptions = described(task(1), task(2, slices=5_001), task(3))
    assert [each.plan.procs for each in descriptions] == [4, 5_001]
    assert "max_materialize" not in said_in(descriptions[0])
    assert said_in(descriptions[1])["max_materialize"] == "2000"


def test_settings_say_from_when_on_and_how_many_at_once(settings: Any) -> None:
    settings.ROOST_MATERIALIZE_FROM, settings.ROOST_MATERIALIZE_AT_ONCE = 3, 2
    small, large = described(task(1, slices=3), task(2, slices=4))
    assert "max_materialize" not in said_in(small)
    assert said_in(large)["max_materialize"] == "2"


@pytest.mark.parametrize("known", [{"concurrency": 3}, {"attributes": {"max_idle": 5}}])
def test_what_is_made_little_by_little_can_be_stopped_and_paused_slice_by_slice(
    known: dict[str, object],
) -> None:
    first, late = described(task(1), task(2, **known))
    assert "my.rooststopped" not in said_in(first)
    said = said_in(late)
    assert said["my.roostattempt"] == f'"{2:032x}"'
    assert said["periodic_remove"].startswith("(MY.RoostStopped =?= true) ||")
    assert said["periodic_hold"].startswith("(MY.RoostPaused =?= true) ||")


def test_rules_of_the_users_stay_beside_ours() -> None:
    rules = {"periodic_remove": "x > 1", "periodic_hold": "y > 2", "periodic_hold_reason": '"too much"'}
    (late,) = described(task(1, concurrency=3, attributes=rules))
    said = htcondor2.Submit(late.text.rpartition("queue")[0])
    assert said.expand("periodic_remove") == "(MY.RoostStopped =?= true) || (x > 1)"
    assert said.expand("periodic_hold") == "(MY.RoostPaused =?= true) || (y > 2)"
    assert said.expand("periodic_hold_reason").endswith(', "too much")')


def test_what_is_checked_alike_has_one_shape() -> None:
    (one,), (two,) = described(task(1, slices=3)), described(task(7), token="c" * 32)
    (other,) = described(task(1, attributes={"rank": "2"}))
    assert one.shape == two.shape
    assert one.shape != other.shape
    assert one.check.endswith(f"queue attempt, slice, words from (\n{1:032x}, 0, run\n)\n")


def test_many_jobs_never_make_a_cluster_that_htcondor_refuses() -> None:
    descriptions = described(*(task(number, slices=999) for number in range(1, 30)))
    assert sum(each.plan.procs for each in descriptions) == 29 * 999
    assert max(each.plan.procs for each in descriptions) <= submit.MOST


def test_rows_are_in_the_order_of_the_plan() -> None:
    arguments = (("a",), ("b",))
    (only,) = described(task(1, arguments=arguments), task(2, arguments=(("same",),)))
    assert only.rows.splitlines() == [
        f"{1:032x}, 0, run a",
        f"{1:032x}, 1, run b",
        f"{2:032x}, 0, run",
        f"{2:032x}, 1, run",
    ]


def test_a_rerun_sends_only_what_was_not_done() -> None:
    (only,) = described(task(slices=4, done=(("run", 0, 2),), arguments=(("a",), ("b",), ("c",), ("d",))))
    assert [row.split(", ")[1:] for row in only.rows.splitlines()] == [["2", "run c"], ["3", "run d"]]


def test_a_script_is_one_proc_with_the_runner_beside_it() -> None:
    (only,) = described(task(script=".roost/source/a.py", steps=(Step("analysis", 8), Step("synthesis"))))
    assert only.rows == f"{1:032x}, 0, whole\n"
    assert "roost.zip" in said_in(only)["transfer_input_files"]
    assert "on_exit_hold" in said_in(only)


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))))
def test_arguments_reach_the_node_as_they_were(arguments: list[str]) -> None:
    line = encoded(arguments)
    assert line.isascii()
    assert not set(line) & set("\n\r\t\"'$,\\;|&<>#")
    assert ["" if word == "%" else unquote(word) for word in line.split()] == arguments


# --- templates ------------------------------------------------------------------------------------------


def test_a_projects_template_replaces_the_one_that_roost_brings(tmp_path: Path) -> None:
    (tmp_path / "base.sub").write_text("rank = 1\n")
    assert finder([tmp_path, BROUGHT])("base") == "rank = 1\n"
    assert "vanilla" in finder([tmp_path, BROUGHT])("vanilla_base")


def test_an_unknown_template_is_named_beside_those_that_there_are() -> None:
    with pytest.raises(Refused, match=r"'nope'.*base, container, job_script, vanilla_base"):
        finder([BROUGHT])("nope")


@pytest.mark.parametrize("name", ["../secrets", "a/b", "", "a.sub", "a\nb", "/etc/passwd"])
def test_a_templates_name_cannot_lead_elsewhere(name: str) -> None:
    with pytest.raises(Refused, match="cannot name a submit description"):
        finder([BROUGHT])(name)


@pytest.mark.parametrize("line", ["queue", "  Queue 5", "QUEUE x from y"])
def test_a_template_with_a_queue_statement_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "mine.sub").write_text(f"rank = 1\n{line}\n")
    with pytest.raises(Refused, match="has a queue statement"):
        finder([tmp_path])("mine")


@pytest.mark.parametrize("path", sorted(BROUGHT.glob("*.sub")), ids=lambda path: path.stem)
def test_every_template_that_roost_brings_makes_a_description(path: Path) -> None:
    (only,) = described(task(template=path.stem))
    assert said_in(only)["executable"].endswith("roost_start.sh")
