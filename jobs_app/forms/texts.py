"""Values as a person writes them into a field, and back. What `write` says, `read` takes for the same value.

a list      a line an item                a mapping    a line an entry: name = value
a file      ising-42/table.csv            a span       90s, 15m, 1.5h, 2d, 01:30:00
anything    JSON where it is JSON, else the text itself

A list or mapping that lines cannot hold (an item with a newline) is written as JSON, and may always be.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

from jobs_app import parameters as check
from jobs_app.errors import BadParameter
from jobs_app.script.jobwithfile import JobWithFile
from jobs_app.script.kinds import Kind
from jobs_app.script.options import decode, encode

Read = Callable[[str], Any]
Write = Callable[[Any], str]

_SPAN = re.compile(r"(-?\d+(?:\.\d+)?)\s*([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_NO_JSON = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
YES, NO = "yes", "no"


def reader(kind: Kind) -> Read:
    if kind.wanted in _CONTAINERS:
        element = kind.of
        return _CONTAINERS[kind.wanted](_element(element) if element else read_any)
    return _READ.get(kind.wanted, as_it_is if _is_word(kind) else read_any)


def _element(kind: Kind) -> Read:
    return read_any if kind.wanted in _CONTAINERS else reader(kind)


def _is_word(kind: Kind) -> bool:
    return kind.wanted.startswith("one of ")


def write(value: Any, kind: Kind) -> str:
    """None is an empty field."""
    if value is None:
        return ""
    if kind.wanted == "anything":
        return write_any(value)
    if isinstance(value, str):
        return str(value)
    if _is_container(value):
        return _container(value, kind)
    return next((form(value) for known, form in _WRITE if isinstance(value, known)), "") or write_any(value)


def _is_container(value: Any) -> bool:
    several = isinstance(value, (list, tuple, set, frozenset, Mapping))
    return several and not isinstance(value, JobWithFile)


def _container(value: Any, kind: Kind) -> str:
    """An empty field means the empty one where the default is one."""
    if not value and kind.default is None:
        return json.dumps(encode(value))
    return _write_mapping(value, kind.of) if isinstance(value, Mapping) else _write_list(value, kind.of)


# --- single values --------------------------------------------------------------------------------------


def as_it_is(text: str) -> str:
    return text


def read_any(text: str) -> Any:
    """JSON, or else the text."""
    try:
        return decode(_json(text))
    except _NO_JSON:
        return text


def write_any(value: Any) -> str:
    if isinstance(value, str) and read_any(value) == value and isinstance(read_any(value), str):
        return str(value)
    return json.dumps(encode(value), ensure_ascii=False)


def _json(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse)


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def number(text: str) -> Any:
    """Whole as long as it can be. What is no number stays as it is: the check says so."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _float(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def _whole(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        return text


def _complex(text: str) -> Any:
    try:
        return complex(text.replace(" ", ""))
    except ValueError:
        return text


def truth(text: str) -> Any:
    return {YES: True, NO: False}.get(text.lower(), text)


def _span(text: str) -> Any:
    found = _SPAN.fullmatch(text.strip().lower())
    try:
        if found:
            return datetime.timedelta(seconds=float(found[1]) * _SECONDS[found[2]])
        return datetime.timedelta(seconds=check.seconds(text))
    except OverflowError:
        raise BadParameter(f"{text!r} is too long a time") from None


def _write_span(value: datetime.timedelta) -> str:
    return f"{value.total_seconds():.15g}s"


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text[2:]) if text.startswith("0x") else text.encode()
    except ValueError:
        return text.encode()


def _write_bytes(value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return "0x" + value.hex()
    return text if _bytes(text) == value and text.isprintable() else "0x" + value.hex()


def _file(text: str) -> Any:
    """`ising-42/table.csv`; with more to say of it, as JSON."""
    if text.startswith("["):
        return read_any(text)
    job, slash, name = text.partition("/")
    return [job.strip(), name.strip()] if slash else text


def _write_file(value: JobWithFile) -> str:
    plain = f"{value.job}/{value.name}"
    if value.job and not value.sliced and value.extra is None:
        return plain
    parts = [str(value.job), value.name, bool(value.sliced), value.extra]
    return json.dumps(encode(parts)) if value.job else ""


# --- several values -------------------------------------------------------------------------------------


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def a_list(element: Read) -> Read:
    def read(text: str) -> Any:
        whole = read_any(text) if text.lstrip().startswith("[") else None
        if isinstance(whole, (list, set, frozenset)):
            return list(whole) if isinstance(whole, list) else whole
        return [element(line) for line in _lines(text)]

    return read


def a_set(element: Read) -> Read:
    as_list = a_list(element)

    def read(text: str) -> Any:
        items = as_list(text)
        try:
            return set(items)
        except TypeError:
            return items  # which the check refuses

    return read


def a_mapping(element: Read) -> Read:
    def read(text: str) -> Any:
        if text.lstrip().startswith(("{", "[")):
            return read_any(text)
        return dict(_entry(line, element) for line in _lines(text))

    return read


def _entry(line: str, element: Read) -> tuple[str, Any]:
    name, sign, value = line.partition("=")
    if not sign:
        raise BadParameter(f"{line[:80]!r} says no value. Write name = value, an entry a line")
    return name.strip(), element(value.strip())


def write_lines(value: Any) -> str:
    """Of a parameter: of whatever kind its items are."""
    if isinstance(value, Mapping):
        return _write_mapping(value, None)
    return _write_list(value, None) if _is_container(value) else write_any(value)


def _write_list(value: Any, element: Kind | None) -> str:
    items = [_write_item(item, element) for item in value]
    text = "\n".join(items)
    readable = all(_fits_a_line(item) for item in items) and not text.startswith("[")
    return text if readable else json.dumps(encode(list(value)), ensure_ascii=False)


def _write_mapping(value: Mapping[Any, Any], element: Kind | None) -> str:
    pairs = {key: _write_item(item, element) for key, item in value.items()}
    text = "\n".join(f"{key} = {item}" for key, item in pairs.items())
    fits = all(
        isinstance(key, str) and "=" not in key and _fits_a_line(key) and _fits_a_line(item)
        for key, item in pairs.items()
    )
    readable = fits and not text.startswith(("{", "["))
    return text if readable else json.dumps(encode(value), ensure_ascii=False)


def _write_item(value: Any, element: Kind | None) -> str:
    plain = element is None or value is None or _is_container(value)
    return write_any(value) if plain or element is None else write(value, element)


def _fits_a_line(text: str) -> bool:
    return bool(text) and text == text.strip() and len(text.splitlines()) == 1


# --- command lines --------------------------------------------------------------------------------------


def arguments(text: str) -> Any:
    """One line: a command line. Several: one for each slice."""
    lines = _lines(text)
    if len(lines) < 2:
        return lines[0] if lines else ""
    return [check.split_arguments(line) for line in lines]


def write_arguments(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        table = bool(value) and all(isinstance(row, (list, tuple)) for row in value)
        return "\n".join(_command(row) for row in (value if table else [value]))
    return str(value)


def _command(words: Any) -> str:
    return " ".join(_quoted(str(word)) for word in words)


def _quoted(word: str) -> str:
    if word and not re.search(r"[\s'\"]", word):
        return word
    return "'" + word.replace("'", "''") + "'"


_CONTAINERS: dict[str, Callable[[Read], Read]] = {"a list": a_list, "a set": a_set, "a dict": a_mapping}

_READ: dict[str, Read] = {
    "an int": _whole,
    "a float": _float,
    "a number": number,
    "a complex number": _complex,
    "True or False": truth,
    "a timedelta": _span,
    "bytes": _bytes,
    "job.withfile(name)": _file,
    **dict.fromkeys(("a text", "a text that is not empty", "a path"), as_it_is),
    **dict.fromkeys(("a datetime", "a date", "a time"), as_it_is),
}

# In this order: True is an int, a datetime is a date.
_WRITE: tuple[tuple[type | tuple[type, ...], Write], ...] = (
    (bool, lambda value: YES if value else NO),
    (JobWithFile, _write_file),
    ((int, float), repr),
    (complex, lambda value: str(value).strip("()")),
    ((datetime.datetime, datetime.date, datetime.time), lambda value: str(value.isoformat())),
    (datetime.timedelta, _write_span),
    (bytes, _write_bytes),
    (PurePath, str),
)
