from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from jobs_app import parameters as check

from .job import Job

# Attributes that are parameters of their own here; both spellings reach the same place.
_PARAMETERS_TOO = frozenset({"executable", "arguments", "environment"})


class CondorJob(Job):
    """An executable, run as one or many slices."""

    PARAMETERS: ClassVar = {
        "executable": check.path,
        "arguments": check.arguments,
        "attributes": check.attributes,
        "remote_input_files": check.paths,
        "num_jobs": check.whole(1, check.MOST_SLICES),
        "condor_template": check.line,
        "environment": check.environment,
        **check.OF_SLICES,
    }

    class Meta:
        proxy = True

    @classmethod
    def normalised(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """CondorPy's name of the template; and what is a parameter here may stand among the attributes."""
        found = dict(given)
        if "condorpy_template_name" in found:
            found.setdefault("condor_template", found.pop("condorpy_template_name"))
        attributes = found.get("attributes")
        if isinstance(attributes, Mapping) and not _PARAMETERS_TOO.isdisjoint(attributes):
            lifted = {name: attributes[name] for name in _PARAMETERS_TOO if name in attributes}
            found = {**lifted, **found}
            found["attributes"] = {name: attributes[name] for name in attributes if name not in lifted}
        return found

    def get_attribute(self, name: str, default: Any = None) -> Any:
        if name in _PARAMETERS_TOO:
            return self.parameters.get(name, default)
        return self.parameters.get("attributes", {}).get(name, default)

    def set_attribute(self, name: str, value: Any) -> None:
        """Sets a submit attribute (None removes it), until the first execute."""
        if name in _PARAMETERS_TOO:
            return self._set_parameter(name, value)
        rest = {key: old for key, old in self.parameters.get("attributes", {}).items() if key != name}
        return self._set_parameter("attributes", rest if value is None else {**rest, name: value})

    def _count_slices(self) -> None:
        self.slices_total = self.parameters.get("num_jobs", 1)

    @property
    def attributes(self) -> dict[str, Any]:
        """All submit attributes, those among the parameters too."""
        own = {name: self.parameters[name] for name in _PARAMETERS_TOO if name in self.parameters}
        return {**self.parameters.get("attributes", {}), **own}

    @attributes.setter
    def attributes(self, attributes: dict[str, Any]) -> None:
        self._refuse_when_frozen("attributes")
        self.parameters.pop("attributes", None)
        for name, value in attributes.items():
            self.set_attribute(name, value)

    @property
    def executable(self) -> str:
        return str(self.parameters.get("executable", ""))

    @executable.setter
    def executable(self, executable: str) -> None:
        self._set_parameter("executable", executable)

    @property
    def arguments(self) -> Any:
        return self.parameters.get("arguments", "")

    @arguments.setter
    def arguments(self, arguments: Any) -> None:
        self._set_parameter("arguments", arguments)

    @property
    def num_jobs(self) -> int:
        return int(self.parameters.get("num_jobs", 1))

    @num_jobs.setter
    def num_jobs(self, num_jobs: int) -> None:
        self._set_parameter("num_jobs", num_jobs)

    @property
    def remote_input_files(self) -> list[str]:
        return list(self.parameters.get("remote_input_files", ()))

    @remote_input_files.setter
    def remote_input_files(self, files: list[str]) -> None:
        self._set_parameter("remote_input_files", files)
