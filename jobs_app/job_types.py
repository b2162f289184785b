"""The types of jobs, open to registration: a name, and the proxy model that holds the type's behaviour.

Nothing here imports a model before it is used, so an `app.py` may import it while apps load.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from jobs_app import parameters as check
from jobs_app.errors import BadParameter, Invalid, UnknownJobType

if TYPE_CHECKING:
    from jobs_app.models import Job

# Other spellings, and the name that rows have.
SPELLINGS = {"CONDOR": "CONDORJOB"}


def _types() -> dict[str, type[Job]]:
    from jobs_app.models import Job

    return Job.types


class JobTypes(Mapping[str, "type[Job]"]):
    """Name -> model, looked up when asked."""

    def __getitem__(self, name: str) -> type[Job]:
        return _types()[type_name(name)]

    def __iter__(self) -> Iterator[str]:
        yield from SPELLINGS
        yield from _types()

    def __len__(self) -> int:
        return len(SPELLINGS) + len(_types())

    def __contains__(self, name: object) -> bool:
        return SPELLINGS.get(str(name), name) in _types()


JOB_TYPES = JobTypes()


def type_name(kind: Any) -> str:
    """The name that rows have, for a name in any spelling or a type's model; None is BASIC."""
    if kind is None:
        return "BASIC"
    types = _types()
    if isinstance(kind, str):
        name = SPELLINGS.get(kind.upper(), kind.upper())
        if name in types:
            return name
    for name, model in types.items():
        if model is kind:
            return name
    raise UnknownJobType(check.unknown("type", getattr(kind, "__name__", kind), list(JOB_TYPES), "a job"))


def register_type(name: str, model: type[Job]) -> None:
    """Adds a type. `model`: a proxy of Job, or of one of its types; its PARAMETERS say what it takes."""
    from jobs_app.models import Job

    given: Any = model
    if not (isinstance(given, type) and issubclass(given, Job) and given._meta.proxy):
        raise Invalid(f"{model!r} cannot be a job type: it must be a proxy model of jobs_app.models.Job.")
    if not name.isidentifier() or name != name.upper() or len(name) > 32 or name in SPELLINGS:
        raise Invalid(f"{name!r} cannot be the name of a type: up to 32 letters, in capitals, not taken.")
    if Job.types.get(name, model) is not model:
        raise Invalid(f"The type {name!r} is taken by {Job.types[name].__name__}. Choose another name.")
    Job.types[name] = model


# --- parameters -----------------------------------------------------------------------------------------


def scheduler_name(value: Any) -> str:
    """A scheduler is kept by its name: the row may change, or come later."""
    name = value if isinstance(value, str) else getattr(value, "name", None)
    if not isinstance(name, str) or not name:
        raise BadParameter(f"{value!r} is not a scheduler. Give one, or its name")
    return name


def function_path(value: Any) -> str:
    from jobs_app.models.parameters import dotted_path

    return dotted_path(value)


def state_point(value: Any) -> dict[str, Any]:
    from jobs_app.jobdir import statepoint

    return statepoint.plain(value)


def job_ids(value: Any) -> list[int]:
    """Jobs, ids, or what scripts call them ("ising-42"); one or many."""
    many = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
    return [job_id(item) for item in many]


def job_id(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        number = value.rpartition("-")[2]
        if number.isdigit():
            return int(number)
    pk = getattr(value, "pk", None)
    if isinstance(pk, int):
        return pk
    raise BadParameter(f"{value!r} is not a job, or one that was not saved yet")


NOTICES = ("end", "failure", "held")


def notices(value: Any) -> bool | list[str]:
    """True: of all; False: of nothing; else of which."""
    wanted = [value] if isinstance(value, str) else value
    if isinstance(wanted, bool):
        return wanted
    if not isinstance(wanted, (list, tuple)) or any(each not in NOTICES for each in wanted):
        raise BadParameter(f"{value!r} cannot be told. Give True, False, or of {', '.join(NOTICES)}")
    return [each for each in NOTICES if each in wanted]


# What every type takes.
COMMON: Mapping[str, check.Check] = {
    "description": check.text_of(2048),
    "workspace": check.path,
    "extended_properties": check.json_mapping,
    "scheduler": scheduler_name,
    "priority": check.whole(-(2**31)),
    "process_results_function": function_path,
    "statepoint": state_point,
    "after": job_ids,
    "notify": notices,
}


def checked_parameters(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a job of this type as they are stored, or an error that names the wrong one."""
    model = JOB_TYPES[kind]
    return check.checked(kind, {**COMMON, **model.PARAMETERS}, model.normalised(given))
