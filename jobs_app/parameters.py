"""What the parameters of a job may be: one check a kind of value.

A check takes what somebody wrote and returns what is stored (JSON), or raises BadParameter, which the caller
completes with the parameter's name. No check loses anything silently.
"""

from __future__ import annotations

import datetime
import difflib
import json
import math
import os
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from jobs_app.errors import BadName, BadParameter, UnknownParameter

Check = Callable[[Any], Any]

_ATTRIBUTE = re.compile(r"(\+|MY\.)?[A-Za-z_][A-Za-z0-9_.]*")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
_MEGABYTES = {"K": 1 / 1024, "": 1, "M": 1, "G": 1024, "T": 1024 * 1024}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_TIME = re.compile(r"(?:(\d+)-)?(\d+):(\d\d)(?::(\d\d))?")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])", re.IGNORECASE)
NAME_LENGTH = 1024
LARGEST = 2**31 - 1  # of a column for whole numbers
MOST_SLICES = 10_000_000  # a byte each in the database and in the pool


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadParameter(f"{value!r} is not a text")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise BadParameter(f"{value[:80]!r} contains NUL or half a character, which no database holds")
    return value


def text_of(length: int) -> Check:
    def check(value: Any) -> str:
        if len(text(value)) > length:
            raise BadParameter(f"a text of {len(value)} characters is longer than {length}")
        return str(value)

    return check


def line(value: Any) -> str:
    """A text that goes into a line of a file, where a newline would begin another."""
    if "\n" in text(value) or "\r" in value:
        raise BadParameter(f"{value!r} contains a newline")
    return str(value)


def path(value: Any) -> str:
    return line(os.fspath(value) if isinstance(value, os.PathLike) else value)


def paths(value: Any) -> list[str]:
    if isinstance(value, (str, os.PathLike)):
        return [path(item) for item in str(value).split(",") if item.strip()]
    if not isinstance(value, (list, tuple, set, frozenset)):
        raise BadParameter(f"{value!r} is not a list of paths")
    return [path(item) for item in value]


def whole(least: int, largest: int = LARGEST) -> Check:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise BadParameter(f"{value!r} is not a whole number")
        if value < least:
            raise BadParameter(f"{value} is less than {least}")
        if value > largest:
            raise BadParameter(f"{value} is more than {largest}")
        return value

    return check


def megabytes(value: Any) -> int:
    """A number of megabytes, or a text with its unit ("512 MB", "2 GB")."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf:
        return math.ceil(value)
    found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise BadParameter(f'{value!r} is not a size. Give megabytes, or say "512 MB" or "2 GB"')
    return math.ceil(float(found[1]) * _MEGABYTES[found[2].upper()])


def is_size(text_: str) -> bool:
    return _SIZE.fullmatch(text_.strip()) is not None


def seconds(value: Any) -> int:
    """A number of seconds, a timedelta, "90m", "1.5 h", "2d", or [days-]hours:minutes[:seconds]."""
    if isinstance(value, datetime.timedelta):
        value = value.total_seconds()
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf:
        return math.ceil(value)
    if isinstance(value, str) and (span := _SPAN.fullmatch(value.strip())):
        return math.ceil(float(span[1]) * _SECONDS[span[2].lower()])
    if isinstance(value, str) and (time := _TIME.fullmatch(value.strip())):
        days, hours, minutes, rest = (int(part or 0) for part in time.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + rest
    raise BadParameter(f'{value!r} is not a length of time. Give seconds, or say "90m", "2h" or "01:30:00"')


# What may be said of the slices of any job that a pool runs.
RESULTS_WORDS = ("at once", "on success", "keep")
RESULTS_DAYS = r"^after [0-9]{1,5} days?$"
_RESULTS_DAYS = re.compile(RESULTS_DAYS)


def results(value: Any) -> str:
    """What stays on the pool when the results are here, and how long."""
    if line(value) not in RESULTS_WORDS and not _RESULTS_DAYS.match(value):
        raise BadParameter(f"{value!r} is none of 'at once', 'on success', 'after 30 days', 'keep'")
    return str(value)


OF_SLICES: dict[str, Check] = {
    "concurrency": whole(0),
    "retries": whole(0),
    "memory": megabytes,
    "disk": megabytes,
    "wall_time": seconds,
    "cpus": whole(1),
    "gpus": whole(0),
    "results": results,
    "remote_from": megabytes,
}


def mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise BadParameter(f"{value!r} is not a dictionary")
    return {text(key): item for key, item in value.items()}


DEEPEST = 64  # what recurses over values stays far from Python's limit
_TOO_DEEP = f"lists and mappings may lie within each other up to {DEEPEST} deep; this is deeper"


def json_value(value: Any) -> Any:
    try:
        copy = json.loads(json.dumps(value, allow_nan=False))
    except RecursionError:
        raise BadParameter(_TOO_DEEP) from None
    except (TypeError, ValueError) as error:
        raise BadParameter(f"{repr(value)[:200]} cannot be written as JSON: {error}") from None
    _check_texts(copy, DEEPEST)
    return copy


def _check_texts(value: Any, deeper: int) -> None:
    if isinstance(value, str):
        text(value)
        return
    if isinstance(value, (dict, list)):
        if not deeper:
            raise BadParameter(_TOO_DEEP)
        for item in (*value, *value.values()) if isinstance(value, dict) else value:
            _check_texts(item, deeper - 1)


def json_mapping(value: Any) -> dict[str, Any]:
    return {key: json_value(item) for key, item in mapping(value).items()}


def attribute_name(name: Any) -> str:
    if not isinstance(name, str) or not _ATTRIBUTE.fullmatch(name):
        raise BadParameter(
            f"{name!r} is not the name of an attribute: letters, digits, _ and . (perhaps + before it)"
        )
    return name


def attribute(value: Any) -> Any:
    """A value of a submit attribute: text of one line, number, truth, or a list of these."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return json_value(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [attribute(item) for item in value]
    return path(value)


def attribute_key(name: str) -> str:
    """HTCondor's commands in small letters, as all rules about them are written. Custom attributes (+Name,
    MY.Name) keep their spelling, which their readers may show."""
    return name if is_custom(name) else name.lower()


def is_custom(name: str) -> bool:
    return name.startswith("+") or name[:3].lower() == "my."


def one_attribute(name: str) -> str:
    """The same for all names of which HTCondor would take the last: capitals make no difference to it."""
    return re.sub(r"^\+", "my.", name.lower())


def by_key(value: Any) -> dict[str, Any]:
    """Attributes by the keys that rules know; one that is said twice is refused, since one would be lost."""
    found: dict[str, Any] = {}
    said: dict[str, str] = {}
    for name, item in mapping(value).items():
        other = said.setdefault(one_attribute(name), name)
        if other != name:
            raise BadParameter(f"{other!r} and {name!r} are one attribute. Leave one out")
        found[attribute_key(name)] = item
    return found


def attributes(value: Any) -> dict[str, Any]:
    return {attribute_name(name): attribute(item) for name, item in by_key(value).items()}


def environment(value: Any) -> dict[str, str]:
    found = {line(name): line(str(item)) for name, item in mapping(value).items()}
    for name in found:
        if not name or "=" in name:
            raise BadParameter(f"{name!r} is not the name of an environment variable")
    return found


def arguments(value: Any) -> Any:
    """One command line (a text, or a list of words), or a list of lists: one for each slice."""
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(row, (list, tuple)) for row in value):
            return [[word(item) for item in row] for row in value]
        return [word(item) for item in value]
    return line(value)


def word(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float, os.PathLike)):
        raise BadParameter(f"{value!r} cannot be an argument")
    return line(os.fspath(value) if isinstance(value, os.PathLike) else str(value))


def split_arguments(line_: str) -> list[str]:
    """The words of a command line as HTCondor reads it: white space separates, 'single quotes' hold together,
    '' within them is a quote. Double quotes around the whole are its newer form, and mean the same here."""
    text_ = line_.strip()
    if len(text_) >= 2 and text_[0] == text_[-1] == '"':
        text_ = text_[1:-1].replace('""', '"')
    words: list[str] = []
    for quoted in re.findall(r"(?:'(?:[^']|'')*'|[^\s'])+", text_):
        pieces = re.findall(r"'((?:[^']|'')*)'|([^\s']+)", quoted)
        words.append("".join(plain or held.replace("''", "'") for held, plain in pieces))
    return words


# --- names and parameters ---------------------------------------------------------------------------------


def job_name(name: Any) -> str:
    """The name as it may be stored; `{id}` in it has room for any id."""
    if not isinstance(name, str) or not name.strip():
        raise BadName(f"{name!r} cannot be a job's name. Give it a text.")
    longest = len(name.replace("{id}", "9" * 19))
    if longest > NAME_LENGTH:
        raise BadName(f"The name {name[:40]!r}... has {longest} characters; {NAME_LENGTH} are allowed.")
    if "/" in name or ".." in name:
        raise BadName(f"The name {name!r} contains '/' or '..', which belong to paths. Use other characters.")
    if not name.isprintable():
        raise BadName(
            f"The name {name!r} contains a newline, NUL or another character that cannot be printed. "
            "Leave it out."
        )
    return name


def checked(kind: str, known: Mapping[str, Check], given: Mapping[str, Any]) -> dict[str, Any]:
    """The given parameters as they are stored. None means: not given."""
    for name in given:
        if name not in known:
            raise UnknownParameter(unknown("parameter", name, known, f"a {kind} job"))
    return {name: check_one(name, known[name], value) for name, value in given.items() if value is not None}


def check_one(name: str, check: Check, value: Any) -> Any:
    try:
        return check(value)
    except BadParameter as error:
        raise BadParameter(f"{name}: {error}.") from None


def unknown(what: str, name: Any, known: Collection[str], of: str) -> str:
    """What to say of a name that is not there: the nearest one, and all."""
    near = difflib.get_close_matches(str(name), known, 1)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    kind = f"an {what}" if what[0] in "aeiou" else f"a {what}"
    return f"{name!r} is not {kind} of {of}.{guess} There are: {', '.join(sorted(known)) or 'none'}."
