"""A workflow's part of an attempt: its graph as it was executed, its nodes as a pool sees them, their rows.

All slices of all nodes are one step, `run`: node by node, parents first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jobs_app import workflows
from jobs_app.errors import BadParameter, Invalid
from jobs_app.jobdir.layout import RUN
from jobs_app.models import Attempt, CondorWorkflow, Job, WorkflowNode
from jobs_app.pools.base import Hook, Node, Step
from jobs_app.states import SliceState
from jobs_app.workflows import Declaration

from .accounting import check_accounting
from .programs import arguments_of, below, check_inputs, executable_of, resources_of
from .work import Work


class Place(NamedTuple):
    """A node in the graph, as the attempt's work keeps it."""

    name: str
    first: int
    slices: int
    parents: list[int]  # places, each before this one
    final: bool
    done: bool  # declared so


def graph_of(job: CondorWorkflow) -> list[Place]:
    found = list(workflows.ranges(job.parameters.get("jobs", [])))
    places = {said["name"]: place for place, (said, _) in enumerate(found)}
    return [
        Place(
            said["name"],
            first,
            workflows.slices_of(said),
            [places[name] for name in said.get("parents", ())],
            bool(said.get("final")),
            bool(said.get("done")),
        )
        for said, first in found
    ]


def places(work: Work) -> list[Place]:
    return [Place(*place) for place in work.graph]


def work_of(job: CondorWorkflow) -> Work:
    """Refuses what could not run: an error is better now than on the pool."""
    declared: list[Declaration] = job.parameters.get("jobs", [])
    if not declared:
        raise Invalid(f"Workflow {job.pk} ({job.name!r}) has no nodes. Give it some: jobs=[...].")
    known = [said["name"] for said in declared]
    for said in declared:
        _check(job, said)
        mine = [name for name in said.get("remote_input_files", ()) if not _is_asked(name, known)]
        check_inputs(job, mine, f"node {said['name']!r} of workflow {job.pk} ({job.name!r})")
    graph = graph_of(job)
    steps = (Step(RUN, sum(place.slices for place in graph)),)
    return Work(steps=steps, graph=tuple(map(tuple, graph)), settings=_settings(job))


def _check(job: Job, said: Declaration) -> None:
    name = said["name"]
    if not (said.get("executable") or said.get("noop") or said.get("done")):
        raise BadParameter(f"node {name!r} of workflow {job.pk} ({job.name!r}) has no executable. Set one.")
    check_accounting(job.user, said.get("attributes", {}))
    for which in ("pre_script", "post_script"):
        if which in said and not _is_here(job, said[which]):
            raise BadParameter(
                f"node {name!r} of workflow {job.pk} ({job.name!r}): its {which} {said[which]!r} "
                "is not a file here."
            )


def _is_here(job: Job, path: str) -> bool:
    """What names the job's own folder, which is made after this, is looked for when it is sent."""
    return "$(JOB_" in path or Path(job.workspace, path).is_file()


def _settings(job: CondorWorkflow) -> dict[str, str]:
    if not job.config:
        return {}
    try:
        text = Path(job.workspace, job.config).read_text()
    except (OSError, ValueError) as error:
        raise BadParameter(f"config: {job.config!r} of workflow {job.pk} cannot be read: {error}.") from None
    return workflows.dagman_settings(text)


# --- as a pool sees them ----------------------------------------------------------------------------------


def nodes_of(job: Job) -> tuple[Node, ...]:
    declared: list[Declaration] = job.parameters.get("jobs", [])
    known = [said["name"] for said in declared]
    return tuple(_node(job, said, first, known) for said, first in workflows.ranges(declared))


def _node(job: Job, said: Declaration, first: int, known: Sequence[str]) -> Node:
    variables = said.get("variables", {})
    own = {
        name: filled(said[name], variables_of(said))
        for name in ("arguments", "attributes", "environment")
        if name in said
    }
    asks = workflows.asked_of_nodes(said, known)
    inputs = [name for name in said.get("remote_input_files", ()) if not _is_asked(name, known)]
    return Node(
        name=said["name"],
        first=first,
        slices=workflows.slices_of(said),
        parents=tuple(said.get("parents", ())),
        executable=executable_of(job, said.get("executable", "")),
        arguments=arguments_of(own.get("arguments", ""), workflows.slices_of(said)),
        environment=own.get("environment", {}),
        inputs=tuple(str(below(job, name)) for name in inputs),
        asks=tuple(asks),
        resources=resources_of(said),
        template=said.get("condor_template", ""),
        attributes=own.get("attributes", {}),
        pre=_hook(job, said, "pre_script"),
        post=_hook(job, said, "post_script"),
        pre_skip=said.get("pre_skip"),
        variables=variables,
        priority=said.get("priority", 0),
        category=said.get("category", ""),
        retries=said.get("retry", 0),
        retry_unless=said.get("retry_unless_exit_value"),
        abort_on=said.get("abort_dag_on"),
        abort_return=said.get("abort_dag_on_return_value"),
        folder=workflows.folder_of(said),
        noop=bool(said.get("noop")),
        final=bool(said.get("final")),
    )


def _is_asked(name: str, known: Sequence[str]) -> bool:
    return ":" in name and name.partition(":")[0] in known


def _hook(job: Job, said: Declaration, which: str) -> Hook | None:
    path = said.get(which)
    return Hook(str(below(job, path)), tuple(said.get(f"{which}_args", ()))) if path else None


_VARIABLE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")


def variables_of(said: Declaration) -> dict[str, str]:
    return {**said.get("variables", {}), "JOB": said["name"], "NODE": said["name"]}


def filled(value: Any, variables: Mapping[str, str]) -> Any:
    """With the node's own variables replaced; each once, so a value is never read as a variable again."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: variables.get(found[1], found[0]), value)
    if isinstance(value, Mapping):
        return {name: filled(item, variables) for name, item in value.items()}
    return [filled(item, variables) for item in value] if isinstance(value, list) else value


# --- states and rows --------------------------------------------------------------------------------------


def first_states(work: Work) -> dict[str, bytes] | None:
    """What is declared done was done before."""
    graph = places(work)
    if not any(place.done for place in graph):
        return None
    state = {True: SliceState.DONE, False: SliceState.WAITING}
    return {RUN: b"".join(bytes([state[place.done]]) * place.slices for place in graph)}


def again(work: Work, states: Mapping[str, bytes]) -> dict[str, bytes]:
    """The final node belongs to the attempt: it always runs again."""
    kept = bytearray(states[RUN])
    for place in places(work):
        if place.final:
            kept[place.first : place.first + place.slices] = bytes(place.slices)
    return {RUN: bytes(kept)}


def create_rows(attempt: Attempt, work: Work) -> None:
    graph = places(work)
    rows = [
        WorkflowNode(
            attempt=attempt,
            position=position,
            name=place.name,
            parents=[graph[parent].name for parent in place.parents],
            first=place.first,
            slices=place.slices,
            final=place.final,
        )
        for position, place in enumerate(graph)
    ]
    WorkflowNode.objects.bulk_create(rows, batch_size=500)


def blocked(graph: Sequence[Place], states: bytes) -> int:
    """How many slices wait for other nodes and not for the pool."""
    return sum(place.slices for place in _blocked(graph, states))


def _blocked(graph: Sequence[Place], states: bytes) -> Iterator[Place]:
    over = []
    for place in graph:
        mine = states[place.first : place.first + place.slices]
        over.append(all(SliceState(state).ended for state in mine))
        waits = set(mine) == {SliceState.WAITING}
        before = range(len(over) - 1) if place.final else place.parents
        if waits and not all(over[parent] for parent in before):
            yield place
