from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from jobs_app import parameters as check
from jobs_app import workflows
from jobs_app.errors import BadParameter, Invalid, Unknown

from .job import Job


class CondorWorkflow(Job):
    """Nodes with parents: each runs when its parents have ended well. Its slices are those of all nodes, in
    order: a node with `num_jobs=3` has three of them."""

    PARAMETERS: ClassVar = {
        "jobs": workflows.checked,
        "max_jobs": workflows.throttles,
        "config": check.path,
    }

    class Meta:
        proxy = True

    def _check_asked(self, parameters: Mapping[str, Any]) -> None:
        from jobs_app.lifecycle.asked import check_asked

        check_asked(self, parameters)

    def _count_slices(self) -> None:
        self.slices_total = sum(map(workflows.slices_of, self._declared)) or 1

    @property
    def _declared(self) -> list[workflows.Declaration]:
        found: list[workflows.Declaration] = self.parameters.get("jobs", [])
        return found

    # --- nodes ----------------------------------------------------------------------------------------

    @property
    def nodes(self) -> list[CondorWorkflowNode]:
        """Parents before children."""
        return [CondorWorkflowNode.of(self, said["name"]) for said in workflows.in_order(self._declared)]

    def node(self, name: str) -> CondorWorkflowNode:
        if all(said["name"] != name for said in self._declared):
            known = [said["name"] for said in self._declared]
            raise Unknown(check.unknown("node", name, known, f"workflow {self.pk} ({self.name!r})"))
        return CondorWorkflowNode.of(self, name)

    get_job = node

    def add_node(self, name: str, **parameters: Any) -> CondorWorkflowNode:
        self._set_parameter("jobs", [*self._declared, {"name": name, **parameters}])
        return self.node(name)

    def remove_node(self, name: str) -> None:
        self.node(name)
        self._set_parameter("jobs", [said for said in self._declared if said["name"] != name])

    def slices_of(self, *names: str) -> list[int]:
        """The numbers of these nodes' slices, as stop(), pause() and resume() take them."""
        known = {
            said["name"]: (first, workflows.slices_of(said))
            for said, first in workflows.ranges(self._declared)
        }
        ranges = [known[self.node(name).name] for name in names]
        return [number for first, count in ranges for number in range(first, first + count)]

    # --- all nodes together ---------------------------------------------------------------------------

    @property
    def max_jobs(self) -> dict[str, int]:
        return dict(self.parameters.get("max_jobs", {}))

    @max_jobs.setter
    def max_jobs(self, throttles: Mapping[str, int]) -> None:
        self._set_parameter("max_jobs", throttles)

    def add_max_jobs_throttle(self, category: str, max_jobs: int) -> None:
        """At most so many nodes of the category at once."""
        self.max_jobs = {**self.max_jobs, category: max_jobs}

    @property
    def config(self) -> str:
        return str(self.parameters.get("config", ""))

    @config.setter
    def config(self, path: str) -> None:
        self._set_parameter("config", path)


class CondorWorkflowNode:
    """A node of a workflow, as a handle: what is set here is set in the workflow, which has to be saved.

    `CondorWorkflowNode(name="solve", workflow=job, executable="solve.sh")` adds one.
    """

    workflow: CondorWorkflow
    name: str

    def __init__(self, name: str, workflow: CondorWorkflow, **parameters: Any) -> None:
        workflow.add_node(name, **parameters)
        self.__dict__.update(workflow=workflow, name=name)

    @classmethod
    def of(cls, workflow: CondorWorkflow, name: str) -> CondorWorkflowNode:
        node = cls.__new__(cls)
        node.__dict__.update(workflow=workflow, name=name)
        return node

    def __repr__(self) -> str:
        return f"<node {self.name} of workflow {self.workflow.pk}>"

    def __eq__(self, other: object) -> bool:
        mine = (self.workflow, self.name)
        return isinstance(other, CondorWorkflowNode) and mine == (other.workflow, other.name)

    def __hash__(self) -> int:
        return hash((self.workflow, self.name))

    # --- what was declared ----------------------------------------------------------------------------

    @property
    def declaration(self) -> workflows.Declaration:
        return next(said for said in self.workflow._declared if said["name"] == self.name)

    def __getattr__(self, name: str) -> Any:
        if name not in workflows.NODE:
            raise AttributeError(f"a node has no {name!r}")
        return self.declaration.get(name, _EMPTY.get(name))

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in workflows.NODE or name == "name":
            raise AttributeError(f"{name!r} of a node cannot be set")
        self._change({**self.declaration, name: value})

    def get_attribute(self, name: str, default: Any = None) -> Any:
        wanted = check.one_attribute(name)
        own = self.declaration.get("attributes", {}).items()
        return next((value for key, value in own if check.one_attribute(key) == wanted), default)

    def set_attribute(self, name: str, value: Any) -> None:
        wanted = check.one_attribute(name)
        own = self.declaration.get("attributes", {}).items()
        rest = {key: old for key, old in own if check.one_attribute(key) != wanted}
        self.attributes = rest if value is None else {**rest, name: value}

    def _change(self, said: workflows.Declaration) -> None:
        given = {name: value for name, value in said.items() if value is not None}
        rest = [given if one["name"] == self.name else one for one in self.workflow._declared]
        self.workflow._set_parameter("jobs", rest)

    # --- edges ----------------------------------------------------------------------------------------

    @property
    def parents(self) -> list[CondorWorkflowNode]:
        return [self.of(self.workflow, name) for name in self.declaration.get("parents", ())]

    @property
    def children(self) -> list[CondorWorkflowNode]:
        declared = self.workflow._declared
        return [
            self.of(self.workflow, one["name"]) for one in declared if self.name in one.get("parents", ())
        ]

    def add_parent(self, parent: CondorWorkflowNode | str) -> None:
        if isinstance(parent, CondorWorkflowNode) and parent.workflow != self.workflow:
            raise Invalid(f"{parent!r} belongs to another workflow than {self!r}.")
        before = self.declaration.get("parents", [])
        try:
            self._change({**self.declaration, "parents": [*before, *workflows.names(parent)]})
        except BadParameter as error:
            raise BadParameter(str(error).removeprefix("jobs: ")) from None

    def save(self) -> None:
        """Writes the workflow, and so this node."""
        self.workflow.save()

    # --- how it goes ----------------------------------------------------------------------------------

    @property
    def slices(self) -> list[int]:
        return self.workflow.slices_of(self.name)


_EMPTY: dict[str, Any] = {
    "attributes": {},
    "variables": {},
    "environment": {},
    "arguments": "",
    "executable": "",
    "remote_input_files": [],
    "num_jobs": 1,
    "priority": 0,
    "retry": 0,
    "noop": False,
    "done": False,
    "final": False,
    "pre_script_args": [],
    "post_script_args": [],
}
