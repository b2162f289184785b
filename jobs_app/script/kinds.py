"""What a declared option accepts, and what it makes of it. What a conversion would lose is refused."""

from __future__ import annotations

import datetime
import math
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, Callable, Optional, Union

from jobs_app.jobdir.files import show

from . import conversions as to
from .conversions import Wrong, plain_number
from .declarations import (
    OptionDefault,
    OptionEnum,
    OptionEnumValue,
    OptionNumber,
    OptionString,
    RequiredOption,
)
from .dotdict import dotted
from .jobwithfile import JobWithFile


@dataclass(frozen=True)
class Kind:
    """`convert` is given anything but None and raises Wrong for what it does not accept. `of`: the kind of
    all elements. `number`: what says a number's limits."""

    wanted: str
    convert: Callable[[Any], Any]
    default: Any = None
    required: bool = False
    none_ok: bool = True
    of: Optional[Kind] = None
    number: Optional[OptionNumber] = None

    def __call__(self, value: Any) -> Any:
        if value is not None:
            return self.convert(value)
        if self.none_ok:
            return None
        raise Wrong(None, self.wanted)


class UnknownKind(TypeError):
    """A declaration that means nothing to us."""


# --- from a declaration to its kind -------------------------------------------------------------------------


def kind_of(declared: Any) -> Kind:
    """The kind that a declaration means; UnknownKind if it means none."""
    declared = plain_number(declared)
    if declared is None:
        return Kind("anything", to.anything)
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


def _word(enum: OptionEnum, default: Optional[str] = None) -> Kind:
    wanted, none_ok = f"one of {enum._permitted}", enum._none_ok
    return Kind(wanted, enum._convert, default, required=default is None and not none_ok, none_ok=none_ok)


def _number(declared: OptionNumber) -> Kind:
    _check_limits(declared)
    kind = kind_of(declared.value)
    wanted = f"{'a whole number' if declared.value is int else 'a number'} {declared.limits}"

    def convert(value: Any) -> Any:
        number = kind.convert(value)
        if declared.allows(number):
            return number
        raise Wrong(value, wanted)

    if kind.default is not None and not declared.allows(kind.default):
        raise UnknownKind(f"OptionNumber with the default {kind.default}, where {wanted} is wanted")
    return replace(kind, convert=convert, none_ok=kind.default is None, number=declared)


def _check_limits(declared: OptionNumber) -> None:
    value, limits = plain_number(declared.value), [declared.least, declared.most]
    known = [limit for limit in limits if limit is not None]
    if value not in (int, float) and not _is_number(value):
        raise UnknownKind(f"OptionNumber({show(declared.value)}), which is no number")
    if not known or not all(_is_number(limit) for limit in known):
        raise UnknownKind(f"OptionNumber with the limits {limits[0]} and {limits[1]}")
    if len(known) == len(limits) and known[0] > known[1]:
        raise UnknownKind(f"OptionNumber with least={known[0]}, which is more than most={known[1]}")


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return isinstance(value, int) or math.isfinite(value)  # isfinite cannot hold every int


def _option_string(_: OptionString) -> Kind:
    return _OPTION_STRING


def _jobwithfile(declared: JobWithFile) -> Kind:
    return replace(_FILE, default=declared) if declared.job else _FILE


_FORMS: tuple[tuple[type, Callable[[Any], Kind]], ...] = (
    (type, _kind_of_type),
    (RequiredOption, _required),
    (OptionDefault, _with_default),
    (OptionEnum, _word),
    (OptionEnumValue, lambda declared: _word(declared.enum, str(declared))),
    (OptionNumber, _number),
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


_FILE = Kind("job.withfile(name)", to.a_file)
_OPTION_STRING = Kind("a text that is not empty", to.non_empty, required=True, none_ok=False)

_TYPES: dict[type, Kind] = {
    int: Kind("an int", to.exactly("an int", int)),
    float: Kind("a float", to.exactly("a float", float)),
    str: Kind("a text", to.exactly("a text", str)),
    bool: Kind("True or False", to.truth),
    list: Kind("a list", to.as_list),
    tuple: Kind("a list", to.as_list),
    dict: Kind("a dict", to.as_dict),
    set: Kind("a set", to.as_set),
    bytes: Kind("bytes", to.exactly("bytes", bytes)),
    complex: Kind("a complex number", to.exactly("a complex number", complex)),
    datetime.datetime: Kind("a datetime", to.a_datetime),
    datetime.date: Kind("a date", to.a_date),
    datetime.time: Kind("a time", to.a_time),
    datetime.timedelta: Kind("a timedelta", to.a_timedelta),
    Path: Kind("a path", to.a_path(Path)),
    PurePath: Kind("a path", to.a_path(PurePath)),
}

# In this order: True is an int, a datetime is a date, a Path is a PurePath.
_LIKE: tuple[tuple[type, Callable[[Any], Any], str], ...] = (
    (bool, to.like_bool, "True or False"),
    (int, to.like_int, "a number"),
    (float, to.like_float, "a number"),
    (str, to.like_str, "a text"),
    (bytes, to.exactly("bytes", bytes), "bytes"),
    (complex, to.exactly("a complex number", complex), "a complex number"),
    (datetime.datetime, to.a_datetime, "a datetime"),
    (datetime.date, to.a_date, "a date"),
    (datetime.time, to.a_time, "a time"),
    (datetime.timedelta, to.a_timedelta, "a timedelta"),
    (Path, to.a_path(Path), "a path"),
    (PurePath, to.a_path(PurePath), "a path"),
)


# --- containers ---------------------------------------------------------------------------------------------


def _list_like(declared: Union[list[Any], tuple[Any, ...]]) -> Kind:
    element = _common_kind(list(declared))

    def convert(value: Any) -> list[Any]:
        return [_item(element, f"[{at}]", item) for at, item in enumerate(_items(value, "a list"))]

    return Kind("a list", convert, [] if _is_marker(declared) else convert(declared), of=element)


def _set_like(declared: Any) -> Kind:
    element = _common_kind(list(declared))

    def convert(value: Any) -> Any:
        items = [_item(element, "{}", item) for item in _items(value, "a set")]
        try:
            return set(items)
        except TypeError:
            raise Wrong(value, "a set of texts or numbers") from None

    return Kind("a set", convert, set() if _is_marker(declared) else convert(declared), of=element)


def _dict_like(declared: Mapping[Any, Any]) -> Kind:
    common = _common_kind(list(declared.values()))
    own = {} if _is_marker(declared.values()) else {key: kind_of(item) for key, item in declared.items()}

    def convert(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise Wrong(value, "a dict")
        pairs = ((key, _item(_choose(common, own, key), f"[{key!r}]", item)) for key, item in value.items())
        return OrderedDict(pairs) if isinstance(value, OrderedDict) else dotted(dict(pairs))

    return Kind("a dict", convert, {} if _is_marker(declared.values()) else convert(declared), of=common)


def _choose(common: Kind, own: Mapping[Any, Kind], key: Any) -> Kind:
    """Values of one kind set it for all; values of several kinds each for their own key."""
    return common if common.wanted != "anything" else own.get(key, common)


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
    return kinds[0] if len(kinds) == 1 else Kind("anything", to.anything)


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
    return isinstance(sample, (type, RequiredOption, OptionDefault, OptionEnum, OptionNumber, OptionString))
