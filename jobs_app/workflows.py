"""Workflows as they are declared: nodes with parents, checked whole before a row is written.

A declaration is a list of dictionaries, one a node (`NODE` says what may stand in one). `checked` brings
other spellings to ours, refuses what HTCondor's DAGMan would misread, and tells of a cycle which one it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from jobs_app import parameters as check
from jobs_app.errors import BadParameter

Declaration = dict[str, Any]

# In DAG files, or in the folders of a job, these mean something else.
RESERVED = frozenset({"all_nodes", "parent", "child", "con", "nul"})
MOST_NODES = 50_000

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_KNOWN_VARIABLES = frozenset(
    {"job", "node", "retry", "cluster", "clusterid", "process", "procid", "slice", "dollar"}
)


def _named(what: str) -> check.Check:
    def name(value: Any) -> str:
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            raise BadParameter(
                f"{value!r} cannot be the name of a {what}: a letter, then up to 63 letters, digits, _ and -"
            )
        if value.lower() in RESERVED:
            raise BadParameter(f"{value!r} is a word of HTCondor's own and cannot name a {what}")
        return value

    return name


def names(value: Any) -> list[str]:
    """Nodes, or their names; one or many."""
    if isinstance(value, str):
        many: Iterable[Any] = value.split()
    else:
        many = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
    found = [_named("node")(getattr(item, "name", item)) for item in many]
    return list(dict.fromkeys(found))


def words(value: Any) -> list[str]:
    """Arguments of a script: a list, or one command line."""
    if isinstance(value, str):
        return check.split_arguments(check.line(value))
    if not isinstance(value, (list, tuple)):
        raise BadParameter(f"{value!r} is not a list of arguments")
    return [check.word(item) for item in value]


def variables(value: Any) -> dict[str, str]:
    found = {}
    for name, item in check.mapping(value).items():
        if (
            not _VARIABLE.fullmatch(name)
            or name.lower() in _KNOWN_VARIABLES
            or name.lower().startswith("queue")
        ):
            raise BadParameter(f"{name!r} cannot be the name of a variable of a node")
        found[name] = _one_line(name, str(item) if isinstance(item, (int, float)) else item)
    return found


def _one_line(name: str, value: Any) -> str:
    text = check.line(value)
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise BadParameter(f"the variable {name!r} contains a control character: {text!r}")
    return text


def truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadParameter(f"{value!r} is neither True nor False")
    return value


_EXIT = check.whole(0, 255)

# What may be said of a node.
NODE: dict[str, check.Check] = {
    "name": _named("node"),
    "parents": names,
    "executable": check.path,
    "arguments": check.arguments,
    "attributes": check.attributes,
    "environment": check.environment,
    "remote_input_files": check.paths,
    "num_jobs": check.whole(1, check.MOST_SLICES),
    "condor_template": check.line,
    **{name: check.OF_SLICES[name] for name in ("memory", "disk", "wall_time", "cpus", "gpus")},
    "pre_script": check.path,
    "pre_script_args": words,
    "post_script": check.path,
    "post_script_args": words,
    "pre_skip": check.whole(1, 255),
    "variables": variables,
    "priority": check.whole(-(2**31)),
    "category": _named("category"),
    "retry": check.whole(0, 1000),
    "retry_unless_exit_value": _EXIT,
    "abort_dag_on": _EXIT,
    "abort_dag_on_return_value": _EXIT,
    "dir": _named("folder"),
    "noop": truth,
    "done": truth,
    "final": truth,
}

_LIFTED = ("executable", "arguments", "environment")


def throttles(value: Any) -> dict[str, int]:
    """At most so many nodes of a category at once."""
    return {_named("category")(name): check.whole(1)(number) for name, number in check.mapping(value).items()}


def checked(value: Any) -> list[Declaration]:
    """The declaration as it is stored."""
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise BadParameter(f"{value!r} is not a list of nodes")
    nodes = [_checked_node(node) for node in value]
    if len(nodes) > MOST_NODES:
        raise BadParameter(
            f"{len(nodes)} nodes are more than {MOST_NODES}. Give nodes more slices (num_jobs)"
        )
    _check_names(nodes)
    _check_parents(nodes)
    _check_final(nodes)
    _check_inputs(nodes)
    in_order(nodes)
    return nodes


def _checked_node(given: Any) -> Declaration:
    said = getattr(given, "declaration", given)
    if not isinstance(said, Mapping):
        raise BadParameter(f"{given!r} is not a node: give a dictionary, or a CondorWorkflowJobTemplate")
    try:
        node = check.checked("node of a workflow", NODE, _normalised(said))
    except BadParameter as error:
        raise BadParameter(f"node {said.get('name')!r}: {str(error).rstrip('.')}") from None
    _check_node(node)
    return check.json_mapping(
        {name: item for name, item in node.items() if item is not False and item not in ([], {})}
    )


def _normalised(said: Mapping[str, Any]) -> dict[str, Any]:
    """CondorPy's and Tethys's words, brought to ours."""
    found = dict(said)
    for theirs, ours in (("condorpy_template_name", "condor_template"), ("parent_nodes", "parents")):
        if theirs in found:
            found.setdefault(ours, found.pop(theirs))
    if found.pop("type", "JOB") == "FIN":
        found["final"] = True
    if isinstance(found.get("attributes"), Mapping):
        attributes = check.check_one("attributes", check.by_key, found["attributes"])
        found = {**{name: attributes[name] for name in _LIFTED if name in attributes}, **found}
        found["attributes"] = {name: item for name, item in attributes.items() if name not in _LIFTED}
    return found


_NEEDS = (
    ("pre_script_args", "pre_script"),
    ("post_script_args", "post_script"),
    ("pre_skip", "pre_script"),
    ("retry_unless_exit_value", "retry"),
    ("abort_dag_on_return_value", "abort_dag_on"),
)


def _check_node(node: Declaration) -> None:
    name = node.get("name")
    if name is None:
        raise BadParameter("a node has no name")
    for one, other in _NEEDS:
        if one in node and other not in node:
            raise BadParameter(f"node {name!r}: {one} says nothing without {other}")
    rows = node.get("arguments")
    if isinstance(rows, list) and rows and isinstance(rows[0], list) and len(rows) != node.get("num_jobs", 1):
        raise BadParameter(
            f"node {name!r}: arguments has {len(rows)} rows for {node.get('num_jobs', 1)} slices"
        )


def _check_names(nodes: Sequence[Declaration]) -> None:
    for what in ("name", "dir"):
        seen: dict[str, str] = {}
        for node in nodes:
            name = node["name"] if what == "name" else folder_of(node)
            other = seen.setdefault(name.lower(), node["name"])
            if other is not node["name"]:
                raise BadParameter(
                    f"two nodes have the {'name' if what == 'name' else 'folder'} {name!r} "
                    "(capital letters make no difference). Rename one"
                )


def _check_parents(nodes: Sequence[Declaration]) -> None:
    known = {node["name"] for node in nodes}
    for node in nodes:
        for parent in node.get("parents", ()):
            if parent not in known:
                of = "this workflow"
                raise BadParameter(
                    f"node {node['name']!r}: {check.unknown('node', parent, known, of).rstrip('.')}"
                )


def _check_final(nodes: Sequence[Declaration]) -> None:
    final = [node for node in nodes if node.get("final")]
    if len(final) > 1:
        raise BadParameter(
            f"{final[0]['name']!r} and {final[1]['name']!r} are both final; only one node can be"
        )
    for node in final:
        wrong = [name for name in ("parents", "noop", "done", "category", "priority") if name in node]
        if wrong:
            raise BadParameter(f"node {node['name']!r} is final, so {wrong[0]} cannot be said of it")
        child = next((one["name"] for one in nodes if node["name"] in one.get("parents", ())), None)
        if child:
            raise BadParameter(f"node {node['name']!r} is final, so it cannot be a parent of {child!r}")


def _check_inputs(nodes: Sequence[Declaration]) -> None:
    """`node:file` is what an ancestor left; a final node may ask any other."""
    by_name = {node["name"]: node for node in nodes}
    for node in nodes:
        asked = {parent for parent, _ in asked_of_nodes(node, by_name)}
        before = by_name.keys() - {node["name"]} if node.get("final") else _ancestors(node, by_name)
        for name in sorted(asked - before):
            raise BadParameter(
                f"node {node['name']!r}: remote_input_files asks for a file of {name!r}, which does not run "
                "before it. Name it among its parents"
            )


def asked_of_nodes(node: Declaration, known: Iterable[str]) -> list[tuple[str, str]]:
    """(node, pattern) for each `node:pattern` among the inputs."""
    return [
        (name, pattern) for name, pattern in map(_split, node.get("remote_input_files", ())) if name in known
    ]


def _split(text: str) -> tuple[str, str]:
    name, colon, pattern = text.partition(":")
    return (name, pattern or "*") if colon else ("", text)


def _ancestors(node: Declaration, by_name: Mapping[str, Declaration]) -> set[str]:
    found: set[str] = set()
    ahead = list(node.get("parents", ()))
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += by_name[name].get("parents", ())
    return found


def in_order(nodes: Sequence[Declaration]) -> list[Declaration]:
    """Parents before children, otherwise as declared; the final node last."""
    waiting = {node["name"]: set(node.get("parents", ())) for node in nodes}
    children: dict[str, list[str]] = {name: [] for name in waiting}
    for name, parents in waiting.items():
        for parent in parents:
            children[parent].append(name)
    free = [name for name, parents in waiting.items() if not parents]
    done: list[str] = []
    for name in free:  # grows while it is walked
        done.append(name)
        for child in children[name]:
            waiting[child].discard(name)
            if not waiting[child]:
                free.append(child)
    if len(done) < len(waiting):
        left = {name: parents for name, parents in waiting.items() if parents}
        raise BadParameter(
            f"the nodes wait for each other: {' -> '.join(_cycle(left))}. Remove one of these parents"
        )
    place = {node["name"]: node for node in nodes}
    return sorted((place[name] for name in done), key=lambda node: bool(node.get("final")))


def _cycle(left: Mapping[str, Iterable[str]]) -> list[str]:
    """Of nodes that all wait, some that wait for each other; in the direction from parent to child."""
    walked = [next(iter(left))]
    while True:
        parent = next(name for name in sorted(left[walked[-1]]) if name in left)
        if parent in walked:
            return [parent, *reversed(walked[walked.index(parent) :])]
        walked.append(parent)


def folder_of(node: Declaration) -> str:
    return str(node.get("dir") or node["name"])


def slices_of(node: Declaration) -> int:
    return int(node.get("num_jobs", 1))


def ranges(nodes: Sequence[Declaration]) -> Iterator[tuple[Declaration, int]]:
    """Each node in order, and the number of its first slice among the job's."""
    first = 0
    for node in in_order(nodes):
        yield node, first
        first += slices_of(node)


class CondorJobDescription:
    """What a node runs, in CondorPy's words: a template, files, and submit attributes."""

    def __init__(
        self,
        condorpy_template_name: str | None = None,
        remote_input_files: Iterable[str] | None = None,
        **attributes: Any,
    ) -> None:
        known = {"condorpy_template_name": condorpy_template_name, "remote_input_files": remote_input_files}
        self.declaration = {name: item for name, item in known.items() if item is not None}
        self.declaration["attributes"] = attributes


class CondorWorkflowJobTemplate:
    """A node of a workflow's template: a name, and what `NODE` lists."""

    def __init__(
        self, name: str, job_description: CondorJobDescription | None = None, **parameters: Any
    ) -> None:
        described = job_description.declaration if job_description else {}
        self.name = name
        self.declaration: Declaration = {"name": name, **described, **parameters}

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({self.name!r})"


# --- HTCondor's DAGMan is configured by a file --------------------------------------------------------------

# Numbers and truths that change how fast a DAG goes; nothing that names a program or a file.
SETTINGS = frozenset(
    {
        "DAGMAN_MAX_JOBS_IDLE",
        "DAGMAN_MAX_JOBS_SUBMITTED",
        "DAGMAN_MAX_PRE_SCRIPTS",
        "DAGMAN_MAX_POST_SCRIPTS",
        "DAGMAN_MAX_SUBMITS_PER_INTERVAL",
        "DAGMAN_USER_LOG_SCAN_INTERVAL",
        "DAGMAN_SUBMIT_DELAY",
        "DAGMAN_MAX_SUBMIT_ATTEMPTS",
        "DAGMAN_SUBMIT_DEPTH_FIRST",
        "DAGMAN_RETRY_SUBMIT_FIRST",
        "DAGMAN_RETRY_NODE_FIRST",
    }
)
_SETTING = re.compile(r"\s*([A-Za-z_]+)\s*=\s*(\d{1,9}|true|false)\s*", re.IGNORECASE)


def dagman_settings(text: str) -> dict[str, str]:
    """Of a workflow's `config`, which is a file in HTCondor's own language."""
    found = {}
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _SETTING.fullmatch(line)
        if match is None or match[1].upper() not in SETTINGS:
            raise BadParameter(
                f"config: {line!r} cannot be set for one workflow. Whole numbers and true/false can be, for "
                f"{', '.join(sorted(SETTINGS))}"
            )
        found[match[1].upper()] = match[2].lower()
    return found
