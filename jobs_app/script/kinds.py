"""What a declared option accepts, and what it makes of it. What a conversion would lose is refused."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, Callable, Union

from jobs_app.errors import BadName, UnknownJob
from jobs_app.jobdir.files import safe_name, show

from .dotdict import dotted
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


@dataclass(frozen=True)
class Kind:
    """`convert` is given anything but None and raises Wrong for what it does not accept."""

    wanted: str
    convert: Callable[[Any], Any]
    default: Any = None
    required: bool = False
    none_ok: bool = True

    def __call__(self, value: Any) -> Any:
        if value is not None:
            return self.convert(value)
        if self.none_ok:
            return None
        raise Wrong(None, self.wanted)


class UnknownKind(TypeError):
    """A declaration that means nothing to us."""


# --- what scripts declare -----------------------------------------------------------------------------------


class OptionEnumValue(str):
    """A member of an OptionEnum; as a declaration it is also the default."""

    enum: OptionEnum

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (str(self),)


class OptionEnum:
    """One of some words: `OptionEnum("fast exact level*")`; `level*` allows all that begin with "level".

    Required, unless none_ok; `OptionEnum("fast exact").fast` has a default.
    """

    def __init__(self, values: Union[str, Iterable[str]], none_ok: bool = False) -> None:
        words = values.replace(",", " ").split() if isinstance(values, str) else list(values)
        self._words = tuple(words)
        self._none_ok = none_ok
        self._prefixes = tuple(word[:-1] for word in words if word.endswith("*"))

    def __getattr__(self, name: str) -> OptionEnumValue:
        if name.startswith("_"):
            raise AttributeError(name)  # copies and pickles ask, before there are any words
        if not self._allows(name):
            raise AttributeError(f"{name!r} is not one of {self._permitted}.")
        value = OptionEnumValue(name)
        value.enum = self
        return value

    def _allows(self, word: str) -> bool:
        return word in self._words or (bool(self._prefixes) and word.startswith(self._prefixes))

    @property
    def _permitted(self) -> str:
        return ", ".join(self._words)

    def _convert(self, value: Any) -> Any:
        if value == "" and self._none_ok:
            return None
        if isinstance(value, str) and self._allows(value):
            return str(value)
        raise Wrong(value, f"one of {self._permitted}")

    def _kind(self, default: Any = None) -> Kind:
        needed = default is None and not self._none_ok
        wanted = f"one of {self._permitted}"
        return Kind(wanted, self._convert, default, required=needed, none_ok=self._none_ok)


class OptionString:
    """A text that must be given and not be empty: `OptionString`, or `OptionString("an example")`."""

    def __init__(self, example: str = "") -> None:
        self.example = example


class RequiredOption:
    """`value` declares as it would alone, but the option must be given."""

    def __init__(self, value: Any, none_ok: bool = False) -> None:
        self.value, self.none_ok = value, none_ok


class OptionDefault:
    """`value` declares as it would alone, but `default` is what the option is when it is not given."""

    def __init__(self, value: Any, default: Any = None) -> None:
        self.value, self.default = value, default


# --- from a declaration to its kind -------------------------------------------------------------------------


def kind_of(declared: Any) -> Kind:
    """The kind that a declaration means; UnknownKind if it means none."""
    declared = plain_number(declared)
    if declared is None:
        return Kind("anything", _anything)
    for form, make in _FORMS:
        if isinstance(declared, form):
            return make(declared)
    return _kind_of_value(declared)


def _required(declared: RequiredOption) -> Kind:
    return replace(kind_of(declared.value), required=True, none_ok=declared.none_ok)


def _with_default(declared: OptionDefault) -> Kind:
    kind, default = kind_of(declared.value), declared.default
    return replace(kind, default=default, required=False, none_ok=kind.none_ok or default is None)


def _kind_of_type(declared: type) -> Kind:
    if issubclass(declared, JobWithFile):
        return _FILE
    if issubclass(declared, OptionString):
        return _OPTION_STRING
    for known, kind in _TYPES.items():
        if declared is known:
            return kind
    raise UnknownKind(f"the type {declared.__name__}")


def _option_string(_: OptionString) -> Kind:
    return _OPTION_STRING


def _jobwithfile(declared: JobWithFile) -> Kind:
    return replace(_FILE, default=declared) if declared.job else _FILE


_FORMS: tuple[tuple[type, Callable[[Any], Kind]], ...] = (
    (type, _kind_of_type),
    (RequiredOption, _required),
    (OptionDefault, _with_default),
    (OptionEnum, lambda declared: declared._kind()),
    (OptionEnumValue, lambda declared: declared.enum._kind(str(declared))),
    (OptionString, _option_string),
    (JobWithFile, _jobwithfile),
)


def _kind_of_value(declared: Any) -> Kind:
    if isinstance(declared, Mapping):
        return _dict_like(declared)
    if isinstance(declared, (list, tuple)):
        return _list_like(declared)
    if isinstance(declared, (set, frozenset)):
        return _set_like(declared)
    for known, convert, wanted in _LIKE:
        if isinstance(declared, known):
            return Kind(wanted, convert, declared)
    raise UnknownKind(f"{show(declared)}, of type {type(declared).__name__}")


def plain_number(value: Any) -> Any:
    """Numbers and arrays of numpy and its like, as plain Python."""
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        return value.tolist()
    return value


# --- declared by a type: exactly that -----------------------------------------------------------------------


def _exactly(wanted: str, *types: type[Any]) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        if isinstance(value, types) and (bool in types or not isinstance(value, bool)):
            return value
        raise Wrong(value, wanted)

    return convert


def _truth(value: Any) -> bool:
    if isinstance(value, int) and value in (0, 1):  # True and False are ints as well
        return bool(value)
    raise Wrong(value, "True or False")


def _as_list(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return list(value)
    raise Wrong(value, "a list")


def _as_dict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dotted(dict(value)) if type(value) is dict else value
    raise Wrong(value, "a dict")


def _as_set(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return set(value)
    raise Wrong(value, "a set")


def _anything(value: Any) -> Any:
    from .typed import decode, encode

    return decode(encode(value))


# --- declared by a value: what can become like it -----------------------------------------------------------


def _like_int(value: Any) -> Union[int, float]:
    if isinstance(value, str):
        value = _parsed(int, value, "an integer")
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return int(value) if value.is_integer() else float(value)  # 3.7 cut off would be the job of 3
    raise Wrong(value, "a number")


def _like_float(value: Any) -> float:
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


def _like_str(value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise Wrong(value, "a text")


_WORDS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


def _like_bool(value: Any) -> bool:
    if isinstance(value, str) and value.lower() in _WORDS:
        return _WORDS[value.lower()]
    return _truth(value)


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


def _path(kind: type[PurePath]) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        if isinstance(value, (str, PurePath)):
            return kind(value)
        raise Wrong(value, "a path")

    return convert


def _file(value: Any) -> Any:
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


_FILE = Kind("job.withfile(name)", _file)


def _non_empty(value: Any) -> str:
    if isinstance(value, str) and value:
        return str(value)
    raise Wrong(value, "a text that is not empty")


_OPTION_STRING = Kind("a text that is not empty", _non_empty, required=True, none_ok=False)

_datetime = _moment(datetime.datetime, f"{_DATE}[ T]{_TIME}", "a date and time, as 2020-01-31T12:00:00,")
_date = _moment(datetime.date, _DATE, "a date, as 2020-01-31,")
_time = _moment(datetime.time, _TIME, "a time, as 12:00:00,")
_timedelta = _exactly("a timedelta", datetime.timedelta)

_TYPES: dict[type, Kind] = {
    int: Kind("an int", _exactly("an int", int)),
    float: Kind("a float", _exactly("a float", float)),
    str: Kind("a text", _exactly("a text", str)),
    bool: Kind("True or False", _truth),
    list: Kind("a list", _as_list),
    tuple: Kind("a list", _as_list),
    dict: Kind("a dict", _as_dict),
    set: Kind("a set", _as_set),
    bytes: Kind("bytes", _exactly("bytes", bytes)),
    complex: Kind("a complex number", _exactly("a complex number", complex)),
    datetime.datetime: Kind("a datetime", _datetime),
    datetime.date: Kind("a date", _date),
    datetime.time: Kind("a time", _time),
    datetime.timedelta: Kind("a timedelta", _timedelta),
    Path: Kind("a path", _path(Path)),
    PurePath: Kind("a path", _path(PurePath)),
}

# In this order: True is an int, a datetime is a date, a Path is a PurePath.
_LIKE: tuple[tuple[type, Callable[[Any], Any], str], ...] = (
    (bool, _like_bool, "True or False"),
    (int, _like_int, "a number"),
    (float, _like_float, "a number"),
    (str, _like_str, "a text"),
    (bytes, _exactly("bytes", bytes), "bytes"),
    (complex, _exactly("a complex number", complex), "a complex number"),
    (datetime.datetime, _datetime, "a datetime"),
    (datetime.date, _date, "a date"),
    (datetime.time, _time, "a time"),
    (datetime.timedelta, _timedelta, "a timedelta"),
    (Path, _path(Path), "a path"),
    (PurePath, _path(PurePath), "a path"),
)


# --- containers ---------------------------------------------------------------------------------------------


def _list_like(declared: Union[list[Any], tuple[Any, ...]]) -> Kind:
    element = _common_kind(list(declared))

    def convert(value: Any) -> list[Any]:
        return [_item(element, f"[{at}]", item) for at, item in enumerate(_items(value, "a list"))]

    return Kind("a list", convert, [] if _is_marker(declared) else convert(declared))


def _set_like(declared: Any) -> Kind:
    element = _common_kind(list(declared))

    def convert(value: Any) -> Any:
        items = [_item(element, "{}", item) for item in _items(value, "a set")]
        try:
            return set(items)
        except TypeError:
            raise Wrong(value, "a set of texts or numbers") from None

    return Kind("a set", convert, set() if _is_marker(declared) else convert(declared))


def _dict_like(declared: Mapping[Any, Any]) -> Kind:
    common = _common_kind(list(declared.values()))
    own = {} if _is_marker(declared.values()) else {key: kind_of(item) for key, item in declared.items()}

    def convert(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise Wrong(value, "a dict")
        pairs = ((key, _item(_choose(common, own, key), f"[{key!r}]", item)) for key, item in value.items())
        return dotted(dict(pairs)) if type(value) is not _ordered() else _ordered()(pairs)

    return Kind("a dict", convert, {} if _is_marker(declared.values()) else convert(declared))


def _choose(common: Kind, own: Mapping[Any, Kind], key: Any) -> Kind:
    """Values of one kind set it for all; values of several kinds each for their own key."""
    return common if common.wanted != "anything" else own.get(key, common)


def _ordered() -> Any:
    from collections import OrderedDict

    return OrderedDict


def _items(value: Any, wanted: str) -> list[Any]:
    if isinstance(value, str):
        return [word.strip() for word in value.split(",")] if value.strip() else []
    if isinstance(value, (set, frozenset)):
        return _sorted(value)
    if isinstance(value, (list, tuple)):
        return list(value)
    raise Wrong(value, wanted)


def _sorted(value: Any) -> list[Any]:
    try:
        return sorted(value)
    except TypeError:
        return sorted(value, key=repr)


def _common_kind(samples: list[Any]) -> Kind:
    kinds = [kind_of(sample) for sample in samples]
    if kinds and all(kind.convert is kinds[0].convert for kind in kinds):
        return kinds[0]
    return kinds[0] if len(kinds) == 1 else Kind("anything", _anything)


def _item(kind: Kind, place: str, value: Any) -> Any:
    try:
        return kind(plain_number(value))
    except Wrong as wrong:
        raise wrong.at(place) from None


def _is_marker(samples: Iterable[Any]) -> bool:
    """`[int]` says what the elements are; `[1, 2]` is also the default."""
    return any(_says_kind(sample) for sample in samples)


def _says_kind(sample: Any) -> bool:
    if isinstance(sample, JobWithFile):
        return not sample.job
    if isinstance(sample, (list, tuple, set, frozenset)):
        return _is_marker(sample)
    if isinstance(sample, Mapping):
        return _is_marker(sample.values())
    return isinstance(sample, (type, RequiredOption, OptionDefault, OptionEnum, OptionString))
