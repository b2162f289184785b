"""DAGs of a sending: DAGMan submits their nodes, and everything else is as for any cluster.

What makes one gives a `Dag`: its text in DAGMan's language, and its `Node`s. `composing.compose` takes a
function from the DAG's number in its sending to the `Dag`, since the names of files begin with that number:

    def workflow(unit: int) -> Dag:
        first = Node("first", description, Share(task.attempt, 1, (Run("first", 0, 1),)), rows="0, run\\n")
        then = Node("then", description, Share(task.attempt, 9, (Run("then", 0, 9),)), rows=...)
        text = f"JOB first {first.file(unit)}\\nJOB then {then.file(unit)}\\nPARENT first CHILD then\\n"
        return Dag((task.attempt,), text, (first, then))

- A node's `description` is submit language without log, identity and queue: they are added here, last, so
  they win. `rows` has a line for each proc of its share, in the order of the share's slices; `columns` names
  what stands in a line. What it says of the slice must be called `slice`.
- Nodes may use one description (`uses`: the name under which it is written); `variables` (VARS) tell them
  apart. `group`, `attempt` and `rows` are added here for every node.
- `retries` must be what the text's RETRY says: an end that DAGMan will repeat is then said to be repeated.
- CONFIG is written here too; more of its settings may be given in `settings`.

The attempts of a DAG are accepted when its DAGMan is; each is finished, once, when DAGMan has ended or a
script of it said so (roost_dag.sh), and no proc of the attempt is left. Slices of nodes that were never
submitted are Skipped then if all went well, else Removed. All procs carry RoostBatch, RoostPlan, RoostGroup,
RoostAttempt, RoostSlice, RoostStep and RoostUnit; DAGMan has RoostLead, RoostAttempts and, if the DAG is one
attempt's, RoostAttempt, so that what is done to the attempt is done to it as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..plan import ClusterPlan, Share

# Without the first, late materialisation is ignored and large nodes fail. Without the second, a hundred held
# procs are taken for a failure, and removed. As strict as it is by default, DAGMan fails a DAG whose nodes
# are all done because it has counted one idle proc too many.
SETTINGS = {
    "DAGMAN_USE_DIRECT_SUBMIT": "False",
    "DAGMAN_MAX_JOB_HOLDS": "0",
    "DAGMAN_MAX_JOBS_IDLE": "0",
    "DAGMAN_SUPPRESS_NOTIFICATION": "True",
    "DAGMAN_USER_LOG_SCAN_INTERVAL": "1",
    "DAGMAN_SUBMIT_DELAY": "0",
    "DAGMAN_MAX_SUBMIT_ATTEMPTS": "16",
    "DAGMAN_USE_STRICT": "0",
}


@dataclass(frozen=True)
class Node:
    """What DAGMan submits at once: a cluster with a share of one attempt."""

    name: str
    description: str
    share: Share
    rows: str
    columns: str = "slice, words"
    uses: str = ""  # the name of its description, if it is not its own
    variables: Mapping[str, str] = field(default_factory=dict)
    retries: int = 0

    def file(self, unit: int) -> str:
        return f"{unit}.{self.uses or self.name}.sub"


@dataclass(frozen=True)
class Dag:
    attempts: tuple[str, ...]
    text: str
    nodes: tuple[Node, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)  # beside it, by name
    graph: Sequence[Mapping[str, Any]] = ()  # of a workflow: see workflow_progress.py

    def plans(self, unit: int) -> list[ClusterPlan]:
        return [ClusterPlan([node.share], unit=unit, retries=node.retries) for node in self.nodes]
