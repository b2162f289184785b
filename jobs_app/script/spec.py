"""What the runner is told of an attempt: spec.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Union

from jobs_app.errors import Damaged
from jobs_app.jobdir import files


@dataclass(frozen=True)
class Spec:
    attempt: str
    number: int
    job: str
    method: str
    package: str
    script: str  # below the job's directory
    slices: int = 1
    concurrency: int = 0
    options: Any = field(default_factory=dict)  # typed JSON, see typed.py
    datasets: Mapping[str, Any] = field(default_factory=dict)
    jobs: Mapping[str, Any] = field(default_factory=dict)
    parent: str = ""
    seed: int = 0
    input_directory: str = ""
    result_directory: str = ""
    present: frozenset[str] = frozenset()  # the names at the job's top level before the attempt
    retries: int = 0
    capture: bool = True
    caption: str = ""
    alone: bool = False  # no other part shares the directory: nothing is packed together

    @classmethod
    def of(cls, content: Union[Spec, Mapping[str, Any]]) -> Spec:
        if isinstance(content, Spec):
            return content
        known = {name: content[name] for name in cls.__dataclass_fields__ if name in content}
        known["present"] = frozenset(known.get("present", ()))
        try:
            return cls(**known)
        except TypeError as error:
            raise Damaged(
                f"The spec of job {content.get('job')!r} is damaged: {error}. Resubmit the job."
            ) from None

    @classmethod
    def read(cls, path: Path) -> Spec:
        return cls.of(files.read_object(path, "Resubmit the job."))


def parts_of(steps: tuple[str, ...], slices: int) -> tuple[tuple[str, int], ...]:
    """(step, slices of it) in order; synthesis always, because it also collects the files."""
    wanted = {"prepare": 1, "analysis": slices}
    return (*((step, wanted[step]) for step in steps if step in wanted), ("synthesis", 1))
