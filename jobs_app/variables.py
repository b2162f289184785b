"""$(APP_WORKSPACE), $(USER_WORKSPACE), $(JOB_WORKSPACE) and $(JOB_ID) in a job's parameters.

They are replaced in two rounds: what is known when the job is created, and what the first execute knows
(`JOB_...`). `$$(` is a literal `$(` and survives the first round, as does whatever a replaced path contains.
In attributes, which HTCondor reads, its own macros pass through, `$$(` included, which is a macro of its own
there. In arguments and environment `$(Process)` is a slice's number (see lifecycle/programs.py).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from jobs_app.errors import UnknownVariable

NAMES = ("APP_WORKSPACE", "USER_WORKSPACE", "JOB_WORKSPACE", "JOB_ID")

CONDOR_MACROS = frozenset(
    {"cluster", "clusterid", "process", "procid", "step", "row", "item", "itemindex", "node", "job"}
    | {"retry", "dollar", "job_name"}
)

# The parameters that HTCondor reads.
CONDOR_FIELDS = frozenset({"attributes", "arguments", "environment"})

_TOKEN = re.compile(r"\$\$\(|\$\(([^()]*)\)|\$\(")


@dataclass(frozen=True)
class Round:
    """One round of replacement. `last`: nothing comes after, so escapes are resolved."""

    values: Mapping[str, str]
    last: bool = False
    macros: Collection[str] = ()  # in lower case: what passes through
    is_read: bool = False  # by HTCondor, which knows $$( itself

    def text(self, text: str) -> str:
        return _TOKEN.sub(self._replace, text) if "$(" in text else text

    def _replace(self, found: re.Match[str]) -> str:
        if found[0] == "$$(":
            return "$(" if self.last and not self.is_read else "$$("
        if found[1] is None:
            raise UnknownVariable(f"{found.string!r} has a $( without its ). Write $$( for a literal $(.")
        return self._value(found[1], found)

    def _value(self, name: str, found: re.Match[str]) -> str:
        if name in self.values:
            return self.values[name] if self.last else self.values[name].replace("$(", "$$(")
        if (name in NAMES and not self.last) or name.partition(":")[0].lower() in self.macros:
            return found[0]
        if name in NAMES:
            raise UnknownVariable(
                f"$({name}) in {found.string!r} is not known here, only when the job starts."
            )
        raise UnknownVariable(self._unknown(name, found.string))

    def _unknown(self, name: str, text: str) -> str:
        near = difflib.get_close_matches(name, NAMES, 1)
        guess = f" Did you mean $({near[0]})?" if near else ""
        return (
            f"$({name}) in {text!r} is not a variable.{guess} There are "
            f"{', '.join(f'$({known})' for known in NAMES)}; write $$( for a literal $(."
        )


def expand(value: Any, round_: Round) -> Any:
    """A copy of `value` with the variables replaced in every text in it, however deep; keys stay."""
    if isinstance(value, str):
        return round_.text(value)
    if isinstance(value, Mapping):
        return {key: expand(item, round_) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [item if type(item) is str and "$(" not in item else expand(item, round_) for item in value]
    return value


def expand_parameter(name: str, value: Any, values: Mapping[str, str], *, last: bool, own: Any = ()) -> Any:
    """`own`: names that the job's own attributes define, which HTCondor knows as macros too."""
    if name == "jobs" and isinstance(value, list):
        return [_expand_node(node, values, last=last) for node in value]
    macros: Collection[str] = ()
    if name in CONDOR_FIELDS:
        macros = CONDOR_MACROS | {str(macro).lower() for macro in own}
    return expand(value, Round(values, last, macros, name == "attributes"))


def _expand_node(node: Mapping[str, Any], values: Mapping[str, str], *, last: bool) -> dict[str, Any]:
    """Of a workflow: what HTCondor reads of it knows the node's own variables too, which are literal."""
    own = [*node.get("attributes", ()), *node.get("variables", ())]
    return {
        name: item if name == "variables" else expand_parameter(name, item, values, last=last, own=own)
        for name, item in node.items()
    }


def has_job_variables(value: Any) -> bool:
    """Whether a last round would change anything."""
    if isinstance(value, str):
        return "$(" in value
    if isinstance(value, Mapping):
        return any(has_job_variables(item) for item in value.values())
    return isinstance(value, (list, tuple)) and any(has_job_variables(item) for item in value)
