from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest

from jobs_app.errors import UnknownVariable
from jobs_app.lifecycle.programs import arguments_of
from jobs_app.variables import Round, expand, expand_parameter

PLACES = {"APP_WORKSPACE": "/apps/a", "USER_WORKSPACE": "/users/7"}
FIRST = Round(PLACES)
LAST = Round({"JOB_ID": "42", "JOB_WORKSPACE": "/jobs/x"}, last=True)


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "expanded"),
    [
        ("$(APP_WORKSPACE)/run.sh", "/apps/a/run.sh"),
        ("$(APP_WORKSPACE)$(USER_WORKSPACE)", "/apps/a/users/7"),
        (["$(APP_WORKSPACE)", {"deep": ("$(USER_WORKSPACE)", 3)}], ["/apps/a", {"deep": ["/users/7", 3]}]),
        (OrderedDict(a="$(APP_WORKSPACE)"), {"a": "/apps/a"}),
        (Text("$(APP_WORKSPACE)"), "/apps/a"),
        ({"$(APP_WORKSPACE)": 1}, {"$(APP_WORKSPACE)": 1}),
        (7, 7),
        ("costs $5 (or $)", "costs $5 (or $)"),
    ],
)
def test_a_variable_is_replaced_however_deep_it_lies(value: Any, expanded: Any) -> None:
    assert expand(value, FIRST) == expanded


def test_what_is_known_later_waits_for_the_last_round() -> None:
    waiting = expand("$(USER_WORKSPACE)/run-$(JOB_ID)", FIRST)
    assert waiting == "/users/7/run-$(JOB_ID)"
    assert expand(waiting, LAST) == "/users/7/run-42"


def test_an_escape_survives_the_first_round_and_is_resolved_in_the_last() -> None:
    assert expand("$$(JOB_ID) $$$(X)", FIRST) == "$$(JOB_ID) $$$(X)"
    assert expand("$$(JOB_ID)", LAST) == "$(JOB_ID)"


def test_a_replaced_path_is_not_searched_for_variables() -> None:
    odd = Round({"APP_WORKSPACE": r"/odd/$(JOB_ID)/\1"})
    assert expand(expand("$(APP_WORKSPACE)/$(JOB_ID)", odd), LAST) == r"/odd/$(JOB_ID)/\1/42"


def test_an_unknown_variable_is_named_with_the_nearest_and_all() -> None:
    with pytest.raises(UnknownVariable) as caught:
        expand({"a": ["$(APP_WORKSPCE)/x"]}, FIRST)
    message = str(caught.value)
    assert (
        "$(APP_WORKSPCE) in '$(APP_WORKSPCE)/x' is not a variable. Did you mean $(APP_WORKSPACE)?" in message
    )
    assert "$(USER_WORKSPACE), $(JOB_WORKSPACE), $(JOB_ID)" in message


def test_a_variable_that_does_not_end_is_refused() -> None:
    with pytest.raises(UnknownVariable, match=r"without its \)"):
        expand("$(APP_WORKSPACE", FIRST)


@pytest.mark.parametrize("macro", ["Process", "Cluster", "Step", "Row", "Item", "process", "ClusterId"])
def test_htcondors_macros_pass_through_where_htcondor_reads(macro: str) -> None:
    value = expand_parameter("arguments", f"$({macro}) $(APP_WORKSPACE)", PLACES, last=False)
    assert value == f"$({macro}) /apps/a"


def test_a_literal_reaches_the_program_as_it_was_meant() -> None:
    words = ["-c", "echo $$(date) $(Process)"]
    once = expand_parameter("arguments", words, PLACES, last=False)
    assert expand_parameter("arguments", once, PLACES, last=True) == ["-c", "echo $(date) $(Process)"]


def test_process_in_arguments_is_the_number_of_the_slice() -> None:
    assert arguments_of("-n $(Process) x", 2) == (("-n", "0", "x"), ("-n", "1", "x"))
    assert arguments_of(["$(procid)"], 1) == (("0",),)
    assert arguments_of(["a", "b"], 3) == (("a", "b"),)


def test_htcondors_macros_mean_nothing_elsewhere() -> None:
    with pytest.raises(UnknownVariable, match=r"\$\(Process\)"):
        expand_parameter("executable", "run-$(Process)", PLACES, last=False)


def test_names_that_the_jobs_own_attributes_define_are_macros_too() -> None:
    attributes = {"logdir": "logs", "output": "$(logdir)/$(Process)", "requirements": "$$(OpSys)"}
    assert expand_parameter("attributes", attributes, PLACES, last=True, own=attributes) == attributes
