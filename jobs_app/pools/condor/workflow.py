"""A workflow as a DAG: pure functions from a task to the text, descriptions and scripts for its DAGMan.

Each node is one cluster, known by its identity notes. What runs before and after a node runs on the access
point, in the node's folder there (attempts/<token>/nodes/<folder>); a script of ours around it keeps what it
prints and writes into the event log how it ended, so that the log alone tells what became of every node.
"""

from __future__ import annotations

import fnmatch
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from jobs_app.jobdir.layout import NODES, RUN

from ..base import Hook, Node, Refused, Step, Task
from . import dag
from .dag import Dag
from .plan import Run, Share
from .submit import Surroundings, asked
from .words import encoded

HOOKS = ".hooks"  # below an attempt's inputs
VARIABLE = "user_"  # no submit command begins so

# What DAGMan tells a script, in this order; a user's arguments may name them as $JOB ...
_MACROS = ("JOB", "RETRY", "MAX_RETRIES", "RETURN", "DAGID", "DAG_STATUS", "FAILED_COUNT")


def dag_of(task: Task, around: Surroundings, unit: int) -> Dag:
    nodes = [node for node in task.nodes if runs_of(task, node) and not node.noop]
    hooks = ((node, which, hook) for node in task.nodes for which, hook in _hooks(node))
    files = {
        f"{node.name}.{which}": _launcher(task, node, which, hook, around) for node, which, hook in hooks
    }
    return Dag(
        attempts=(task.attempt,),
        text=text_of(task, f"{around.names.root}/batches/{around.plan}", unit),
        nodes=tuple(_submitted(task, node, around) for node in nodes),
        settings=task.settings,
        files={
            f"{unit}.{name}": text.encode()
            for name, text in {**files, "noop.sub": _NOOP, _SAME: _ENDS_AS_IT}.items()
        },
        graph=graph_of(task, [node.name for node in nodes]),
    )


_NOOP = "executable = /bin/true\nqueue\n"

# DAGMan (23.9) forgets a node of which another slice ends well after the one that failed, unless a script has
# the last word: it neither tries it again nor counts it as failed, and then gives up itself.
_SAME = "same.post"
_ENDS_AS_IT = 'if [ "$1" -ge 0 ] && [ "$1" -le 255 ]; then exit "$1"; else exit 1; fi\n'


def runs_of(task: Task, node: Node) -> tuple[Run, ...]:
    """What of the node was not done before."""
    done = {number for _, first, count in task.done for number in range(first, first + count)}
    found: list[Run] = []
    for number in range(node.first, node.first + node.slices):
        if number in done:
            continue
        if found and found[-1].first + found[-1].count == number:
            found[-1] = Run(RUN, found[-1].first, found[-1].count + 1)
        else:
            found.append(Run(RUN, number, 1))
    return tuple(found)


def graph_of(task: Task, submitted: Sequence[str]) -> tuple[Mapping[str, Any], ...]:
    """What has to be known of each node to tell what became of it. `cluster`: its place among those that
    DAGMan submits, or -1."""
    places = {name: place for place, name in enumerate(submitted)}
    numbers = {node.name: number for number, node in enumerate(task.nodes)}
    return tuple(
        {
            "name": node.name,
            "first": node.first,
            "slices": node.slices,
            "parents": [numbers[name] for name in node.parents],
            "cluster": places.get(node.name, -1),
            "done": not runs_of(task, node),
            "final": node.final,
            "post": node.post is not None,
            "retries": node.retries,
            "unless": node.retry_unless,
            "pre_skip": node.pre_skip,
            "abort": node.abort_on,
            "abort_return": node.abort_return,
        }
        for node in task.nodes
    )


# --- the DAG's text ---------------------------------------------------------------------------------------


@cache
def _library() -> Any:
    """htcondor2.dags, without the traces that importing it leaves in the environment."""
    before = os.environ.get("CONDOR_CONFIG")
    import htcondor2.dags

    if before is None:
        os.environ.pop("CONDOR_CONFIG", None)
    return htcondor2.dags


def text_of(task: Task, folder: str, unit: int) -> str:
    """In DAGMan's language. `folder`: where it works, absolute, there.

    The library writes a node's lines. It would walk the graph once for each node, so the edges are ours.
    """
    library = _library()
    graph = library.DAG(max_jobs_by_category=dict(task.throttles))
    writer = _writer(library)(graph)
    lines = list(writer.yield_dag_meta_lines())
    for node in task.nodes:
        path = Path(f"{folder}/{unit}.{'noop' if node.noop else node.name}.sub")
        make = graph.final if node.final else graph.layer
        known = _said_of(library, task, node, unit)
        lines += writer.yield_node_lines(make(name=node.name, submit_description=path, **known))
        if node.parents:
            lines.append(f"PARENT {' '.join(node.parents)} CHILD {node.name}")
    return "".join(f"{line}\n" for line in lines)


def _said_of(library: Any, task: Task, node: Node, unit: int) -> dict[str, Any]:
    abort = None
    if node.abort_on is not None:
        # A DAGMan that ends with more than 2 is started again by its own description.
        abort = library.DAGAbortCondition(node.abort_on, 0 if node.abort_return == 0 else 1)
    scripts = {which: _script(library, node, which, unit) for which, _ in _hooks(node)}
    if node.slices > 1 and not node.post:
        scripts["post"] = library.Script("/bin/sh", [f"{unit}.{_SAME}", "$RETURN"])
    return {
        **scripts,
        "retries": node.retries or None,
        "retry_unless_exit": node.retry_unless,
        "pre_skip_exit_code": node.pre_skip,
        "priority": node.priority,
        "category": node.category or None,
        "abort": abort,
        "noop": node.noop,
        "done": not runs_of(task, node),
    }


def _script(library: Any, node: Node, which: str, unit: int) -> Any:
    macros = [f"${name}" for name in _MACROS if which == "post" or name != "RETURN"]
    return library.Script("/bin/sh", [f"{unit}.{node.name}.{which}", *macros])


def _hooks(node: Node) -> Iterator[tuple[str, Hook]]:
    yield from ((which, hook) for which, hook in (("pre", node.pre), ("post", node.post)) if hook)


@cache
def _writer(library: Any) -> Any:
    """Writes throttles of categories as DAGMan reads them, and nodes by their own names."""

    class Writer(library.writer.DAGWriter):  # type: ignore[misc]
        def get_node_name(self, node: Any, _: int) -> str:
            return str(node.name)

        def yield_dag_meta_lines(self) -> Iterator[str]:
            yield from (f"MAXJOBS {name} {number}" for name, number in self.dag.max_jobs_per_category.items())

        def yield_final_node_lines(self, node: Any) -> Iterator[str]:
            yield f"FINAL {node.name} {node.submit_description.as_posix()}"
            yield from self.yield_node_meta_lines(node, node.name)

    return Writer


# --- a node's description -----------------------------------------------------------------------------------


def _submitted(task: Task, node: Node, around: Surroundings) -> dag.Node:
    runs = runs_of(task, node)
    return dag.Node(
        name=node.name,
        description=_description(task, node, around),
        share=Share(task.attempt, node.slices, runs),
        rows="".join(f"{row}\n" for row in _rows(node, runs)),
        variables={
            f"{VARIABLE}{name}": value.replace("$", "$(DOLLAR)") for name, value in node.variables.items()
        },
        retries=node.retries,
    )


def _rows(node: Node, runs: Iterable[Run]) -> Iterator[str]:
    for number in (run.first + place for run in runs for place in range(run.count)):
        words = encoded(node.arguments[number - node.first]) if len(node.arguments) > 1 else ""
        yield f"{number}, {RUN} {words}".rstrip()


def _description(task: Task, node: Node, around: Surroundings) -> str:
    kit = around.names.node(around.node)
    inputs = [f"in/{node.name}/", f"{kit}/roost_node.py", *_asked(task, node)]
    if node.pre:
        inputs.append(f"nodes/{node.folder}/")
    lines = (
        *asked(as_task(task, node), around),
        f"executable = {kit}/roost_start.sh",
        "transfer_executable = true",
        "arguments = $(slice) $(words)",
        f"initialdir = {around.names.attempt(task.attempt)}",
        "should_transfer_files = YES",
        "when_to_transfer_output = ON_EXIT",
        f"transfer_input_files = {', '.join(inputs)}",
        "transfer_output_files = roost_result.tar, roost_record.json",
        'transfer_output_remaps = "roost_result.tar=out/$(slice).tar; roost_record.json=out/$(slice).json"',
        "output = out/$(slice).log",
        "error = out/$(slice).log",
        "stream_output = false",
        "stream_error = false",
    )
    return "\n".join(lines) + "\n"


def as_task(task: Task, node: Node) -> Task:
    """The node, as if it were a job of its own."""
    return replace(
        task,
        nodes=(),
        done=(),
        steps=(Step(RUN, node.slices),),
        executable=node.executable,
        arguments=node.arguments,
        environment={"ROOST_NODE": node.name, **node.environment},
        inputs=node.inputs,
        template=node.template,
        attributes=node.attributes,
        resources=node.resources,
        retries=0,
        concurrency=0,
    )


def _asked(task: Task, node: Node) -> Iterator[str]:
    """The archives of the slices whose files it wants; those of slices that were done before lie here."""
    wanted = {name for name, _ in node.asks}
    for other in task.nodes:
        if other.name in wanted:
            yield from (f"out/{number}.tar" for number in _numbers(runs_of(task, other)))


def asks_of(task: Task, node: Node) -> list[dict[str, Any]]:
    """What the wrapper on the node unpacks of the archives that came with it."""
    by_name = {other.name: other for other in task.nodes}
    return [
        {
            "node": name,
            "pattern": pattern,
            "first": by_name[name].first,
            "slices": by_name[name].slices,
            "optional": is_pattern(pattern) or not runs_of(task, by_name[name]),
        }
        for name, pattern in node.asks
    ]


def is_pattern(name: str) -> bool:
    return any(character in name for character in "*?[")


def asked_here(task: Task, node: Node) -> Iterator[tuple[str, Path]]:
    """Files that it wants of slices that were done before, by their names in the node's folder here."""
    by_name = {other.name: other for other in task.nodes}
    for name, pattern in node.asks:
        other = by_name[name]
        if sum(run.count for run in runs_of(task, other)) == other.slices:
            continue
        folder = Path(task.directory, NODES, other.folder)
        found = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
        named = [(path.relative_to(folder).as_posix(), path) for path in found]
        chosen = [(name, path) for name, path in named if _is_asked(name, pattern)]
        if not chosen and not is_pattern(pattern):
            raise Refused(f"Node {name} left no file {pattern!r}, which node {node.name} asks for.")
        yield from chosen


def _is_asked(name: str, pattern: str) -> bool:
    """Of slices with different contents each has its folder, `slices/<number>`."""
    own = re.sub(r"^slices/\d+/", "", name)
    return fnmatch.fnmatchcase(own, pattern)


def _numbers(runs: Iterable[Run]) -> Iterator[int]:
    for run in runs:
        yield from range(run.first, run.first + run.count)


# --- what runs before and after -----------------------------------------------------------------------------


def _launcher(task: Task, node: Node, which: str, hook: Hook, around: Surroundings) -> str:
    """Of a script on the access point: sh FILE and what `_MACROS` says."""
    home = around.names.attempt(task.attempt)
    log = f"{home}/out/{node.name}.{which}.log"
    words = " ".join(map(_word, hook.arguments))
    names = [name for name in _MACROS if which == "post" or name != "RETURN"]
    given = " ".join(f"{name}=${place}" for place, name in enumerate(names, 1))
    unpack = "".join(
        f"tar -xf {shlex.quote(home)}/out/{number}.tar 2>/dev/null\n"
        for number in (_numbers(runs_of(task, node)) if which == "post" and node.slices == 1 else ())
    )
    folder = shlex.quote(f"{home}/nodes/{node.folder}")
    said = f"roost {which} {task.attempt} {node.name}"
    return f"""\
# The {which} script of node {node.name}.
{given}
log={shlex.quote(log)}
segment={shlex.quote(around.names.segment(around.segment))}
[ "$RETRY" != 0 ] || : > "$log"
mkdir -p {folder} && cd {folder} || exit 1
export ROOST_JOB={task.job} ROOST_ATTEMPT={task.attempt} ROOST_NODE={node.name}
{unpack}{shlex.quote(f"{home}/in/{HOOKS}/{node.name}.{which}")} {words} >> "$log" 2>&1 < /dev/null
code=$?
last=$(tail -n 1 "$log" | LC_ALL=C tr -c '[:print:]' ' ' | cut -c 1-300)
printf '008 (%03d.000.000) %s {said} %s %s %s\\n...\\n' "$DAGID" "$(date '+%Y-%m-%d %H:%M:%S')" \\
    "$code" "$RETRY" "$last" >> "$segment"
exit $code
"""


def _word(argument: str) -> str:
    """For the shell; a lone $NAME is what DAGMan tells."""
    return f'"{argument}"' if argument[:1] == "$" and argument[1:] in _MACROS else shlex.quote(argument)
