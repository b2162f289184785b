"""The options, datasets and jobs that a script declares, and what a caller gives for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Callable

from jobs_app.errors import BadOptions, Invalid, UnknownJob
from jobs_app.jobdir.files import show

from .conversions import Wrong, plain_number
from .dataset import Dataset, DatasetList, NoDataset
from .declarations import OptionDefault, OptionEnum, OptionNumber, OptionString, RequiredOption
from .dotdict import DotDict
from .job import Job, JobList, NoJob
from .kinds import Kind, UnknownKind, kind_of
from .typed import canonical, decode, encode, encode_with_paths

__all__ = [
    "RESERVED_KEYWORDS",
    "Arguments",
    "Declared",
    "OptionDefault",
    "OptionEnum",
    "OptionNumber",
    "OptionString",
    "RequiredOption",
    "canonical",
    "decode",
    "encode",
    "encode_with_paths",
]

# What build() keeps for itself.
RESERVED_KEYWORDS = frozenset(
    ["name", "caption", "why_build", "force_build", "workdir", "concurrency", "options", "datasets", "jobs"]
)

_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Slots:
    """The names of datasets or of jobs that a script declares; `lists` take several."""

    names: tuple[str, ...] = ()
    lists: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, what: str, declared: Any) -> Slots:
        if isinstance(declared, str):
            raise BadOptions(
                f"{what} = ({declared!r}) is a text, not a tuple: a comma is missing. "
                f"Write {what} = ({declared!r},)."
            )
        if not isinstance(declared, (tuple, list)):
            raise BadOptions(f"{what} = {show(declared)} is no tuple of names. Write {what} = ('name',).")
        pairs = [cls._slot(what, item) for item in declared]
        names = tuple(name for name, _ in pairs)
        if len(set(names)) < len(names):
            raise BadOptions(f"{what} names {max(names, key=names.count)!r} twice. Leave one out.")
        return cls(names, frozenset(name for name, several in pairs if several))

    @staticmethod
    def _slot(what: str, item: Any) -> tuple[str, bool]:
        if isinstance(item, str) and item:
            return item, False
        if isinstance(item, (list, tuple)) and len(item) == 1 and isinstance(item[0], str) and item[0]:
            return item[0], True
        raise BadOptions(f"{what} holds {show(item)}. Write a name, or ['name'] for a list.")

    def typed(
        self, one: Callable[[Any], Any], many: Callable[[Iterable[Any]], Any], given: Mapping[str, Any]
    ) -> tuple[DotDict, list[str]]:
        """What was given for each name, `one` or `many` of them, and what was wrong with it."""
        kinds = {name: _several_of(one, many) if name in self.lists else one for name in self.names}
        return _converted(kinds, {name: given.get(name) for name in self.names})


def _several_of(one: Callable[[Any], Any], many: Callable[[Iterable[Any]], Any]) -> Callable[[Any], Any]:
    return lambda value: many(one(item) for item in _several(value))


def _converted(
    kinds: Mapping[str, Callable[[Any], Any]], given: Mapping[str, Any]
) -> tuple[DotDict, list[str]]:
    """The values that could be converted, and a sentence for each that could not."""
    values: DotDict = DotDict()
    problems: list[str] = []
    for name, value in given.items():
        problem = _convert(values, name, kinds[name], value)
        problems += [problem] if problem else []
    return values, problems


def _convert(values: DotDict, name: str, kind: Callable[[Any], Any], value: Any) -> str:
    try:
        values[name] = kind(plain_number(value))
    except Wrong as wrong:
        return str(wrong.at(name))
    except (Invalid, RecursionError) as error:
        return f"{name}: {error}"
    return ""


def _several(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [word.strip() for word in value.split(",")] if value else []
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _one_job(value: Any) -> Job:
    if value is None or value == "":
        return NoJob
    try:
        return Job(value)
    except UnknownJob:
        raise Wrong(value, "a job, as 'ising-42',") from None


def _one_dataset(value: Any) -> Dataset:
    if value is None or value == "":
        return NoDataset
    try:
        return Dataset(value)
    except UnknownJob:
        raise Wrong(value, "a dataset, as 'ising-42/name', or a job") from None


@dataclass(frozen=True)
class Arguments:
    """What a job is given: complete and typed."""

    options: DotDict = field(default_factory=DotDict)
    datasets: DotDict = field(default_factory=DotDict)
    jobs: DotDict = field(default_factory=DotDict)

    def state_point(self, method: str, source: str, address_of: Callable[[str], str]) -> dict[str, Any]:
        """`address_of(id)` is the address of a job: state points speak of jobs by their addresses only."""
        return {
            "method": method,
            "source": source,
            "options": canonical(self.options, lambda job: address_of(job) if job else ""),
            "datasets": {name: _addresses(value, address_of) for name, value in self.datasets.items()},
            "jobs": {name: _addresses(value, address_of) for name, value in self.jobs.items()},
        }


def _addresses(value: Any, address_of: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return [_addresses(item, address_of) for item in value]
    if not value:
        return None
    if isinstance(value, Dataset):
        return f"{address_of(str(value.job))}/{value.name}"
    return address_of(str(value))


@dataclass(frozen=True)
class Declared:
    """All that a script declares."""

    options: Mapping[str, Kind] = field(default_factory=dict)
    datasets: Slots = Slots()
    jobs: Slots = Slots()

    @classmethod
    def parse(cls, options: Any = None, datasets: Any = (), jobs: Any = ()) -> Declared:
        """BadOptions, which says how to write it, if the declaration is none."""
        kinds = _kinds({} if options is None else options)
        return cls(kinds, Slots.parse("datasets", datasets), Slots.parse("jobs", jobs))

    def check(
        self,
        keywords: Mapping[str, Any],
        options: Mapping[str, Any] = _NOTHING,
        datasets: Mapping[str, Any] = _NOTHING,
        jobs: Mapping[str, Any] = _NOTHING,
    ) -> Arguments:
        """Sorts the keywords of a build call to where they belong; they win over the mappings. Types all,
        and fills in the defaults. BadOptions lists all that is wrong at once.
        """
        given, problems = self._sorted(keywords, options, datasets, jobs)
        typed_options, wrong_options = self._typed_options(given["options"])
        typed_datasets, wrong_datasets = self.datasets.typed(_one_dataset, DatasetList, given["datasets"])
        typed_jobs, wrong_jobs = self.jobs.typed(_one_job, JobList, given["jobs"])
        problems += wrong_options + wrong_datasets + wrong_jobs
        if problems:
            raise BadOptions("; ".join(problems) + ".")
        return Arguments(typed_options, typed_datasets, typed_jobs)

    def _names(self) -> dict[str, Iterable[str]]:
        return {"options": self.options, "datasets": self.datasets.names, "jobs": self.jobs.names}

    def _sorted(self, keywords: Mapping[str, Any], *given: Mapping[str, Any]) -> tuple[Any, list[str]]:
        names = self._names()
        sorted_: dict[str, dict[str, Any]] = {what: dict(each) for what, each in zip(names, given)}
        problems = [
            self._unknown(key, what)
            for what, each in sorted_.items()
            for key in each
            if key not in names[what]
        ]
        for key, value in keywords.items():
            targets = [what for what, known in names.items() if key in known]
            if len(targets) == 1:
                sorted_[targets[0]][key] = value
            else:
                problems.append(self._ambiguous(key, targets) if targets else self._unknown(key))
        return sorted_, problems

    def _unknown(self, key: Any, what: str = "") -> str:
        from difflib import get_close_matches

        known = [str(name) for kind, names in self._names().items() if what in ("", kind) for name in names]
        near = get_close_matches(str(key), known, 1)
        guess = f" (did you mean {near[0]!r}?)" if near else ""
        listed = ", ".join(known) or "none"
        return (
            f"{show(key)} is not among the {what or 'options, datasets and jobs'}{guess}; there are: {listed}"
        )

    @staticmethod
    def _ambiguous(key: str, targets: list[str]) -> str:
        ways = " or ".join(f"{what}={{{key!r}: ...}}" for what in targets)
        return f"{key!r} may mean several things; write {ways}"

    def _typed_options(self, given: Mapping[str, Any]) -> tuple[DotDict, list[str]]:
        known = {name: given[name] for name in self.options if name in given}
        values, problems = _converted(self.options, known)
        omitted = {name: kind for name, kind in self.options.items() if name not in given}
        required = {name: kind for name, kind in omitted.items() if kind.required}
        problems += [f"{name} is missing: {kind.wanted} is wanted" for name, kind in required.items()]
        values.update({name: _copy(kind.default) for name, kind in omitted.items()})
        return DotDict({name: values.get(name) for name in self.options}), problems


def _copy(default: Any) -> Any:
    """Nobody shall change a default for the next caller."""
    return decode(encode(default)) if isinstance(default, (list, dict, set)) else default


def _kinds(declared: Any) -> dict[str, Kind]:
    if not isinstance(declared, Mapping):
        raise BadOptions(f"options = {show(declared)} is no dict. Write options = dict(name=default).")
    kinds = {}
    for name, value in declared.items():
        if not isinstance(name, str):
            raise BadOptions(f"options has the key {show(name)}, which is no text. Write {str(name)!r}.")
        try:
            kinds[name] = kind_of(value)
        except (UnknownKind, Wrong) as error:
            raise BadOptions(
                f"The option {name!r} is declared by {error}, which does not say what it accepts. "
                "Write a default, a type, None, an OptionEnum, OptionNumber, OptionString, RequiredOption or "
                "JobWithFile."
            ) from None
    return kinds
