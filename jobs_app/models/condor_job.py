from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from jobs_app import parameters as check
from jobs_app.errors import BadParameter

from .job import Job

# Attributes that are parameters of their own, and their names there; both spellings reach the same place.
_HOMES: Mapping[str, str] = {
    **{name: name for name in ("executable", "arguments", "environment", "container_image", "max_idle")},
    **{name: name for name in ("accounting_group", "accounting_group_user")},
    "request_cpus": "cpus",
    "request_gpus": "gpus",
    "request_memory": "memory",
    "request_disk": "disk",
    "max_retries": "retries",
}
REQUESTS = ("request_cpus", "request_memory", "request_disk", "request_gpus")
_NO_ATTRIBUTES = frozenset({"num_jobs", "remote_input_files", "condor_template", *check.OF_SLICES})
_SIZES = frozenset({"memory", "disk"})
_KILOBYTES = "request_disk"  # what HTCondor takes a plain number for; a parameter counts megabytes


def _request(name: str) -> property:
    """As HTCondor counts it: disk in kilobytes."""
    return property(lambda job: job.get_attribute(name), lambda job, value: job.set_attribute(name, value))


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
        "container_image": check.line,
        "max_idle": check.whole(1),
        "accounting_group": check.line,
        "accounting_group_user": check.line,
        **check.OF_SLICES,
    }

    class Meta:
        proxy = True

    @classmethod
    def normalised(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """CondorPy's name of the template and HTCondor's of requests; and what is a parameter here may stand
        among the attributes."""
        found = _with_requests(given)
        if "condorpy_template_name" in found:
            found.setdefault("condor_template", found.pop("condorpy_template_name"))
        if isinstance(found.get("attributes"), Mapping):
            attributes = check.check_one("attributes", check.by_key, found["attributes"])
            lifted = dict(
                _lifted(name, value) for name, value in attributes.items() if _has_home(name, value)
            )
            found = {**lifted, **found}
            found["attributes"] = {
                name: value for name, value in attributes.items() if not _has_home(name, value)
            }
        return found

    def complete(self, parameters: dict[str, Any]) -> None:
        super().complete(parameters)
        self.check_table()

    def get_attribute(self, name: str, default: Any = None) -> Any:
        """By its name in any letters."""
        wanted = check.one_attribute(name)
        for key, value in self.attributes.items():
            if check.one_attribute(key) == wanted:
                return value
        return self.parameters.get(name, default) if name in _NO_ATTRIBUTES else default

    def set_attribute(self, name: str, value: Any) -> None:
        """Sets a submit attribute (None removes it), until the first execute."""
        name = check.attribute_key(name)
        if name == "attributes":
            self.attributes = value or {}
            return None
        if name in _NO_ATTRIBUTES:
            return self._set_parameter(name, value)
        home = _HOMES.get(name)
        if home and value is None:
            self._set_parameter(home, None)
        elif _has_home(name, value):
            return self._set_parameter(*_lifted(name, value))
        rest = self._attributes_but(name)
        return self._set_parameter("attributes", rest if value is None else {**rest, name: value})

    def _attributes_but(self, name: str) -> dict[str, Any]:
        own = self.parameters.get("attributes", {}).items()
        return {key: old for key, old in own if check.one_attribute(key) != check.one_attribute(name)}

    def _check_asked(self, parameters: Mapping[str, Any]) -> None:
        from jobs_app.lifecycle.asked import check_asked

        check_asked(self, parameters)

    def _count_slices(self) -> None:
        self.slices_total = self.num_jobs

    def check_table(self) -> None:
        rows = _rows(self.parameters.get("arguments"))
        if rows > 1 and rows != self.num_jobs:
            raise BadParameter(
                f"arguments: a table of {rows} rows is given for {self.num_jobs} slices. Each slice takes "
                f"a row: say num_jobs={rows}, or leave it out where no template says it."
            )

    def _of_parameters(self) -> dict[str, Any]:
        """As attributes."""
        found = {name: self.parameters[home] for name, home in _HOMES.items() if home in self.parameters}
        if _KILOBYTES in found:
            found[_KILOBYTES] *= 1024
        return found

    request_cpus, request_memory, request_disk, request_gpus = map(_request, REQUESTS)

    @property
    def attributes(self) -> dict[str, Any]:
        """All submit attributes, those among the parameters too."""
        return {**self._of_parameters(), **self.parameters.get("attributes", {})}

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
        """As many as it was told; else one for each row of a table of arguments."""
        return int(self.parameters.get("num_jobs") or _rows(self.parameters.get("arguments")) or 1)

    @num_jobs.setter
    def num_jobs(self, num_jobs: int) -> None:
        self._set_parameter("num_jobs", num_jobs)

    @property
    def remote_input_files(self) -> list[str]:
        return list(self.parameters.get("remote_input_files", ()))

    @remote_input_files.setter
    def remote_input_files(self, files: list[str]) -> None:
        self._set_parameter("remote_input_files", files)


def _with_requests(given: Mapping[str, Any]) -> dict[str, Any]:
    """request_memory=512 is memory=512. Both together are refused, since one of them would be lost."""
    found = {name: value for name, value in given.items() if name not in REQUESTS}
    for name in REQUESTS:
        value = given.get(name)
        if value is None:
            continue
        home, wanted = _request_of(name, value)
        if found.get(home) is not None:
            raise BadParameter(f"{name} and {home} are one parameter. Leave one of them out.")
        found[home] = wanted
    return found


def _request_of(name: str, value: Any) -> tuple[str, Any]:
    plain = _plain(value)
    if _is_whole(plain) or (_HOMES[name] in _SIZES and isinstance(plain, str) and check.is_size(plain)):
        return _lifted(name, value)
    raise BadParameter(
        f"{name}: {value!r} is no number that Roost knows. An expression goes among the attributes: "
        f"attributes={{{name!r}: {value!r}}}."
    )


def _rows(arguments: Any) -> int:
    """Of a table; 0 for what is one command line."""
    is_table = isinstance(arguments, list) and arguments and isinstance(arguments[0], list)
    return len(arguments) if is_table else 0


def _has_home(name: str, value: Any) -> bool:
    """An expression ("2 * MemoryUsage") is no size that Roost could know: it stays an attribute. So do parts
    of a megabyte."""
    home = _HOMES.get(name)
    if home is None or home == name:
        return home is not None
    plain = _plain(value)
    if _is_whole(plain):
        return name != _KILOBYTES or plain % 1024 == 0
    return isinstance(plain, str) and home in _SIZES and check.is_size(plain)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.strip().isdecimal() else value


def _lifted(name: str, value: Any) -> tuple[str, Any]:
    home = _HOMES[name]
    if home == name:
        return home, value
    plain = _plain(value)
    return home, -(-plain // 1024) if name == _KILOBYTES and isinstance(plain, int) else plain
