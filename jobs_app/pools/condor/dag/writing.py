"""A DAG as files of its sending's folder, which is where its DAGMan works.

<unit>.dag         the DAG; <unit>.config its settings; <unit>.lead what DAGMan's own description gets besides
<unit>.<name>.sub  a node's description, <unit>.<name>.rows a line for each of its procs
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from ..submit import Surroundings
from . import SETTINGS, Dag, Node

MOST_CHECKS = 20  # descriptions that HTCondor's parser reads before anything is submitted


def files(dag: Dag, unit: int, first_group: int, around: Surroundings) -> Iterator[tuple[str, bytes]]:
    """`first_group`: the group of its first node; the others follow."""
    settings = {**SETTINGS, **dag.settings, **_commands(around.names.node(around.node))}
    yield f"{unit}.config", _text(f"{name} = {value}" for name, value in settings.items())
    yield f"{unit}.lead", _text(_lead(dag, unit, around))
    variables = (_variables(node, unit, first_group + place) for place, node in enumerate(dag.nodes))
    yield f"{unit}.dag", _text([f"CONFIG {unit}.config", dag.text.rstrip("\n"), *variables])
    for name, node in {node.file(unit): node for node in dag.nodes}.items():
        yield name, _text([node.description.rstrip("\n"), *_ours(node, unit, around)])
    for node in dag.nodes:
        yield _rows(node, unit), node.rows.encode()
    for number, node in enumerate(list({node.file(unit): node for node in dag.nodes}.values())[:MOST_CHECKS]):
        yield f"{unit}.{number}.check", _text(_check(node, unit, around))
    yield from dag.files.items()


def _commands(kit: str) -> dict[str, str]:
    """What DAGMan calls in the place of HTCondor's own; see there."""
    return {
        "DAGMAN_CONDOR_SUBMIT_EXE": f"{kit}/roost_submit.sh",
        "DAGMAN_CONDOR_RM_EXE": f"{kit}/roost_rm.sh",
    }


def _text(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _rows(node: Node, unit: int) -> str:
    return f"{unit}.{node.name}.rows"


def _variables(node: Node, unit: int, group: int) -> str:
    known = {**node.variables, "attempt": node.share.attempt, "group": str(group), "rows": _rows(node, unit)}
    said = " ".join(f'{name}="{_quoted(value)}"' for name, value in known.items())
    return f"VARS {node.name} {said}"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _ours(node: Node, unit: int, around: Surroundings) -> Iterable[str]:
    step = node.share.runs[0].step
    return (
        f"log = {around.names.segment(around.segment)}",
        f"submit_event_user_notes = roost {around.plan} $(group) $(attempt) $(slice)",
        f'MY.RoostBatch = "{around.token}"',
        f'MY.RoostPlan = "{around.plan}"',
        f"MY.RoostUnit = {unit}",
        "MY.RoostGroup = $(group)",
        'MY.RoostAttempt = "$(attempt)"',
        f'MY.RoostStep = "{step}"',
        "MY.RoostSlice = $(slice)",
        f"queue {node.columns} from $(rows)",
    )


def _check(node: Node, unit: int, around: Surroundings) -> Iterator[str]:
    """A description with one row of its own, for `condor_submit -dry-run`. The first line is its shape."""
    yield f"# {hashlib.sha256(node.description.encode()).hexdigest()}"
    known = {**node.variables, "attempt": node.share.attempt, "group": "0"}
    yield from (f"{name} = {value}" for name, value in known.items())
    yield node.description.rstrip("\n")
    *ours, _ = _ours(node, unit, around)
    yield from ours
    yield f"queue {node.columns} from ("
    yield node.rows.partition("\n")[0]
    yield ")"


def _lead(dag: Dag, unit: int, around: Surroundings) -> Iterator[str]:
    yield f"log = {around.names.segment(around.segment)}"
    yield f"submit_event_user_notes = roost {around.plan} {unit} {dag.attempts[0]} 0"
    yield f'MY.RoostBatch = "{around.token}"'
    yield f'MY.RoostPlan = "{around.plan}"'
    yield f"MY.RoostGroup = {unit}"
    yield "MY.RoostLead = true"
    yield f'MY.RoostAttempts = "{",".join(dag.attempts)}"'
    if len(dag.attempts) == 1:
        yield f'MY.RoostAttempt = "{dag.attempts[0]}"'
