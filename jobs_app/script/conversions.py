"""Conversions of what callers give for options: they lose nothing, and raise Wrong for what they refuse."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Callable, Union

from jobs_app.errors import BadName, UnknownJob
from jobs_app.jobdir.files import safe_name, show

from .job import Job
from .jobwithfile import JobWithFile


class Wrong(Exception):
    """A value that an option does not accept: where it is, what it is, what is wanted."""

    def __init__(self, value: Any, wanted: str, path: str = "") -> None:
        super().__init__(path, value, wanted)
        self.value, self.wanted, self.path = value, wanted, path

    def at(self, place: str) -> Wrong:
        return Wrong(self.value, self.wanted, place + self.path)

    def __str__(self) -> str:
        return f"{self.path}={show(self.value)}: {self.wanted} is wanted"


def plain_number(value: Any) -> Any:
    """Numbers and arrays of numpy and its like, as plain Python."""
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        return value.tolist()
    return value


# --- declared by a type: exactly that -----------------------------------------------------------------------


def exactly(wanted: str, *types: type[Any]) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        if isinstance(value, types) and (bool in types or not isinstance(value, bool)):
            return value
        raise Wrong(value, wanted)

    return convert


def truth(value: Any) -> bool:
    if isinstance(value, int) and value in (0, 1):  # True and False are ints as well
        return bool(value)
    raise Wrong(value, "True or False")


def as_list(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return anything(list(value))
    raise Wrong(value, "a list")


def as_dict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return anything(value)
    raise Wrong(value, "a dict")


def as_set(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return anything(set(value))
    raise Wrong(value, "a set")


def anything(value: Any) -> Any:
    from .typed import decode, encode

    return decode(encode(value))


# --- declared by a value: what can become like it -----------------------------------------------------------


def like_int(value: Any) -> Union[int, float]:
    if isinstance(value, str):
        value = _parsed(int, value, "an integer")
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return int(value) if value.is_integer() else float(value)  # 3.7 cut off would be the job of 3
    raise Wrong(value, "a number")


def like_float(value: Any) -> float:
    if isinstance(value, str):
        return float(_parsed(float, value, "a number"))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Wrong(value, "a number")
    if isinstance(value, int) and not _fits_float(value):
        raise Wrong(value, "a number that a float holds exactly")
    return float(value)


def _fits_float(value: int) -> bool:
    try:
        return int(float(value)) == value
    except OverflowError:
        return False


def _parsed(reader: Callable[[str], Any], text: str, wanted: str) -> Any:
    try:
        return reader(text)
    except ValueError:
        raise Wrong(text, wanted) from None


def like_str(value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise Wrong(value, "a text")


_WORDS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


def like_bool(value: Any) -> bool:
    if isinstance(value, str) and value.lower() in _WORDS:
        return _WORDS[value.lower()]
    return truth(value)


# --- times, paths, files ------------------------------------------------------------------------------------

_DATE = r"\d{4}-\d\d-\d\d"
_TIME = r"\d\d:\d\d(:\d\d(\.\d{3}(\d{3})?)?)?([+-]\d\d:\d\d(:\d\d)?)?"


def _moment(kind: type[Any], shape: str, wanted: str) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        if type(value) is kind:
            return value
        if isinstance(value, str) and re.fullmatch(shape, value):
            return _parsed(kind.fromisoformat, value, wanted)
        raise Wrong(value, wanted)

    return convert


def a_path(kind: type[PurePath]) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        if isinstance(value, (str, PurePath)):
            return kind(value)
        raise Wrong(value, "a path")

    return convert


def a_file(value: Any) -> Any:
    if isinstance(value, JobWithFile):
        return _file_of(value)
    if isinstance(value, (list, tuple)) and 2 <= len(value) <= 4:
        return _file_of(JobWithFile(*value))
    raise Wrong(value, "job.withfile(name)")


def _file_of(value: JobWithFile) -> Any:
    if not value.job and not value.name:
        return None
    try:
        job, name = Job(value.job), safe_name(value.name)
    except (UnknownJob, BadName, TypeError):
        raise Wrong(value, "job.withfile(name)") from None
    return JobWithFile(job, name, bool(value.sliced), value.extra)


def non_empty(value: Any) -> str:
    if isinstance(value, str) and value:
        return str(value)
    raise Wrong(value, "a text that is not empty")


a_datetime = _moment(datetime.datetime, f"{_DATE}[ T]{_TIME}", "a date and time, as 2020-01-31T12:00:00,")
a_date = _moment(datetime.date, _DATE, "a date, as 2020-01-31,")
a_time = _moment(datetime.time, _TIME, "a time, as 12:00:00,")
a_timedelta = exactly("a timedelta", datetime.timedelta)
