"""What an attempt at a job consists of: its steps, and which of them the user counts as the job's slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from jobs_app.jobdir.layout import ANALYSIS, RUN
from jobs_app.pools.base import Step


@dataclass(frozen=True)
class Work:
    """Found out when a job is executed, and kept with its attempt: later changes of code do not reach it."""

    steps: tuple[Step, ...] = ()
    independent: bool = True  # each slice is a result of its own (an executable's)
    script: str = ""  # below the job's directory
    package: str = ""  # in which the script's imports are looked up
    needs: Mapping[str, bool] = field(default_factory=dict)  # of the runner, see spec.json
    input_directory: str = ""
    graph: Sequence[Any] = ()  # of a workflow, see workflow.py
    settings: Mapping[str, str] = field(default_factory=dict)  # of HTCondor's DAGMan, for a workflow
    inherits: int = 0  # the number of the attempt whose finished slices this one keeps

    @property
    def counted(self) -> str:
        """The step whose slices are the job's; "" where there is none, and each step counts as one."""
        names = {step.name for step in self.steps}
        return next((name for name in (ANALYSIS, RUN) if name in names), "")

    @property
    def slices(self) -> int:
        return sum(step.slices for step in self.steps if self.counted in ("", step.name)) or 1

    @property
    def slices_of_all(self) -> int:
        """Of all steps together."""
        return sum(step.slices for step in self.steps)

    def inheriting(self, number: int) -> Work:
        return replace(self, inherits=number)

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "steps": [[step.name, step.slices] for step in self.steps]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Work:
        steps = tuple(Step(name, slices) for name, slices in data.get("steps", ()))
        return cls(**{**data, "steps": steps})
