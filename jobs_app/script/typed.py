"""Values that JSON lacks, written in JSON without loss: a list that begins with a tag.

{1, 2}                  ["set", [1, 2]]
{3: "x"}                ["dict", [[3, "x"]]]           keys that are no plain text; an OrderedDict, "ordered"
Path("a")               ["path", "a"]                  likewise purepath datetime date time timedelta
inf, 1j, b"x"           ["float", "inf"] ["complex", [0.0, 1.0]] ["bytes", "78"]
"half \\ud800"          ["text", "half \\\\ud800"]
a file of a job         ["jobwithfile", {"job": "ising-3", "name": "x", "sliced": false, "extra": null}]
["set", 1]              ["list", ["set", 1]]           a list that would look like one of these
"""

from __future__ import annotations

import datetime
import json
import math
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, Callable

from jobs_app.errors import Invalid
from jobs_app.jobdir.files import show

from .dotdict import DotDict
from .job import Job, JobList, NoJob, learn
from .jobwithfile import JobWithFile

JobForm = Callable[[str], Any]  # what stands for a job: its id, its address, ...


def encode(value: Any) -> Any:
    """JSON from which `decode` makes the value again; tuples become lists."""
    return _encode(value, str, sort=False)


def encode_with_paths(value: Any) -> Any:
    """Like `encode`, and where the jobs of JobWithFiles lie, for a reader that cannot ask a database."""
    return _encode(value, lambda job: {"id": job, "path": Job(job).path} if job else "", sort=False)


def canonical(value: Any, job_form: JobForm = str) -> Any:
    """JSON for a state point, equal for equal values only. `job_form` replaces the ids of jobs."""
    return _encode(value, job_form, sort=True)


def _encode(value: Any, job_form: JobForm, *, sort: bool) -> Any:
    def inner(item: Any) -> Any:
        return _encode(item, job_form, sort=sort)

    if isinstance(value, JobWithFile):
        fields = {"job": job_form(str(value.job)), "name": value.name, "sliced": bool(value.sliced)}
        return ["jobwithfile", {**fields, "extra": inner(value.extra)}]
    if isinstance(value, Mapping):
        return _mapping(value, inner, sort)
    if isinstance(value, (list, tuple)):
        return _list([inner(item) for item in value], value)
    if isinstance(value, (set, frozenset)):
        return ["set", sorted((inner(item) for item in value), key=_order)]
    return _single(value)


def _single(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(str.__str__(value))
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else ["float", repr(float(value))]
    return _other(value)


def _text(text: str) -> Any:
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        return ["text", text.encode("unicode_escape").decode("ascii")]
    return text


def _list(items: list[Any], value: Any) -> Any:
    """A list whose first item is one of our tags would be taken for what it is not."""
    looks_tagged = bool(value) and isinstance(value[0], str) and value[0] in _READ
    return ["list", items] if looks_tagged else items


def _mapping(value: Mapping[Any, Any], inner: Callable[[Any], Any], sort: bool) -> Any:
    pairs = [[inner(key), inner(item)] for key, item in value.items()]
    if isinstance(value, OrderedDict):
        return ["ordered", pairs]
    if all(isinstance(key, str) and "." not in key for key, _ in pairs):
        return dict(sorted(pairs) if sort else pairs)
    return ["dict", sorted(pairs, key=_order) if sort else pairs]


def _order(encoded: Any) -> str:
    return json.dumps(encoded, sort_keys=True)


def _other(value: Any) -> Any:
    for kind, (tag, write) in _WRITE.items():
        if isinstance(value, kind):
            return [tag, write(value)]
    if hasattr(value, "dtype") and hasattr(value, "tolist") and type(value.tolist()) is not type(value):
        return encode(value.tolist())
    raise Invalid(
        f"{show(value)}, of type {type(value).__name__}, cannot be an option. Use text, numbers, True, "
        "False, None, lists, sets, dicts, dates, times, paths or files of jobs."
    )


# In this order: a datetime is a date as well.
_WRITE: dict[type, Any] = {
    datetime.datetime: ("datetime", lambda value: value.isoformat()),
    datetime.date: ("date", lambda value: value.isoformat()),
    datetime.time: ("time", lambda value: value.isoformat()),
    datetime.timedelta: ("timedelta", lambda value: [value.days, value.seconds, value.microseconds]),
    Path: ("path", str),
    PurePath: ("purepath", str),
    bytes: ("bytes", lambda value: value.hex()),
    complex: ("complex", lambda value: [encode(value.real), encode(value.imag)]),
}


def decode(value: Any) -> Any:
    """The value that `encode` was given; dicts are DotDicts."""
    if isinstance(value, dict):
        return DotDict({key: decode(item) for key, item in value.items()})
    if not isinstance(value, list):
        return value
    if len(value) == 2 and isinstance(value[0], str) and value[0] in _READ:
        return _READ[value[0]](value[1])
    return [decode(item) for item in value]


def _hashable(value: Any) -> Any:
    if isinstance(value, set):
        return frozenset(value)
    return tuple(map(_hashable, value)) if isinstance(value, list) else value


def _key(encoded: Any) -> Any:
    return _hashable(decode(encoded))


def _decode_job(encoded: Any) -> Job:
    if isinstance(encoded, dict):
        learn(encoded["id"], encoded["path"])
        return Job(encoded["id"])
    return Job(encoded) if encoded else NoJob


def _decode_jobwithfile(fields: Mapping[str, Any]) -> JobWithFile:
    job = _decode_job(fields["job"])
    return JobWithFile(job, fields["name"], fields["sliced"], decode(fields["extra"]))


_READ: dict[str, Callable[[Any], Any]] = {
    "set": lambda items: {_key(item) for item in items},
    "dict": lambda pairs: {_key(key): decode(item) for key, item in pairs},
    "ordered": lambda pairs: OrderedDict((_key(key), decode(item)) for key, item in pairs),
    "list": lambda items: [decode(item) for item in items],
    "text": lambda text: text.encode("ascii").decode("unicode_escape"),
    "float": float,
    "complex": lambda parts: complex(decode(parts[0]), decode(parts[1])),
    "bytes": bytes.fromhex,
    "datetime": datetime.datetime.fromisoformat,
    "date": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
    "timedelta": lambda parts: datetime.timedelta(*parts),
    "path": Path,
    "purepath": PurePosixPath,
    "jobwithfile": _decode_jobwithfile,
}


def decode_jobs(encoded: Any) -> Any:
    """What spec.json says of one job parameter: a Job, a JobList, or NoJob. Learns where the jobs lie."""
    if isinstance(encoded, list):
        return JobList(_decode_job(item) for item in encoded)
    return _decode_job(encoded)
