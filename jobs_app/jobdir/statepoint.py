"""The state point: the mapping whose hash is a job's address, and the file that keeps it.

Hash and file are those of signac: the md5 of the JSON text with sorted keys. What cannot come back from JSON
as it was is refused, and so is what a database cannot hold.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobs_app.errors import BadStatePoint, Damaged

from . import files
from .layout import STATE_POINT

DEEPEST = 64
LARGEST_INT = 2**1023  # beyond it no other reader of JSON follows


def address(statepoint: Mapping[str, Any]) -> str:
    """The id of the job with this state point; BadStatePoint if it cannot be one."""
    return address_of(plain(statepoint))


def address_of(statepoint: Any) -> str:
    text = json.dumps(statepoint, sort_keys=True)
    return hashlib.md5(text.encode("ascii"), usedforsecurity=False).hexdigest()


def plain(statepoint: Mapping[str, Any]) -> dict[str, Any]:
    """A copy made of dict, list, str, int, float, bool and None, which JSON gives back unchanged."""
    if not isinstance(statepoint, Mapping):
        raise BadStatePoint(
            f"A state point is a mapping; this is {files.show(statepoint)}. Write it as {{'name': value}}."
        )
    copy: dict[str, Any] = _plain(statepoint, ())
    return copy


def _plain(value: Any, path: tuple[str, ...]) -> Any:
    if len(path) > DEEPEST:
        raise BadStatePoint(
            f"The state point is nested deeper than {DEEPEST} levels, or holds itself: {_at(path)}."
        )
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, path, "value")
    if isinstance(value, int):
        return _integer(value, path)
    if isinstance(value, float):
        return _float(value, path)
    if isinstance(value, Mapping):
        return {_key(key, path): _plain(item, (*path, key)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, (*path, str(index))) for index, item in enumerate(value)]
    return _foreign(value, path)


def _foreign(value: Any, path: tuple[str, ...]) -> Any:
    """Numbers and arrays of numpy and its like say themselves what they are in plain Python."""
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        inside = value.tolist()
        if type(inside) is not type(value):
            return _plain(inside, path)
    raise BadStatePoint(
        f"The state point's {_at(path)} is {files.show(value)}, of type {type(value).__name__}, "
        "which JSON lacks. Use text, numbers, True, False, None, lists and mappings."
    )


def _text(value: str, path: tuple[str, ...], what: str) -> str:
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise BadStatePoint(
            f"The state point's {what} {files.show(value)}{' at ' + _at(path) if path else ''} "
            "contains NUL or half a character, which no database holds. Leave it out."
        )
    return str.__str__(value)


def _integer(value: int, path: tuple[str, ...]) -> int:
    if abs(value) < LARGEST_INT:
        return int(value)
    raise BadStatePoint(
        f"The state point's {_at(path)} is a number of {value.bit_length()} bits, which other readers of "
        "JSON do not hold. Write it as text."
    )


def _float(value: float, path: tuple[str, ...]) -> float:
    if math.isfinite(value):
        return float(value)
    raise BadStatePoint(
        f"The state point's {_at(path)} is {float(value)!r}, which JSON lacks. "
        "Use None, or text such as 'nan'."
    )


def _key(key: Any, path: tuple[str, ...]) -> str:
    if not isinstance(key, str):
        raise BadStatePoint(
            f"The state point has the key {files.show(key)}{' in ' + _at(path) if path else ''}, of type "
            f"{type(key).__name__}; keys are text. Write {str(key)[:80]!r}."
        )
    if "." in key:
        raise BadStatePoint(
            f"The state point has the key {files.show(key)}{' in ' + _at(path) if path else ''}; a dot "
            "separates the levels of keys in a search. Use another character, or a mapping in the mapping."
        )
    return _text(key, path, "key")


def _at(path: tuple[str, ...]) -> str:
    joined = ".".join(path[:8]) + ("..." if len(path) > 8 else "")
    return joined if len(joined) <= 120 else joined[:100] + "..."


def write(directory: Path, statepoint: Mapping[str, Any]) -> None:
    files.write_bytes(directory / STATE_POINT, encoded(plain(statepoint)))


def encoded(statepoint: Mapping[str, Any]) -> bytes:
    """A plain one, as its file holds it."""
    return json.dumps(statepoint).encode("ascii")


def read(directory: Path, expected: str = "") -> dict[str, Any]:
    """The state point of the job in `directory`, whose name (or `expected`) is its address.

    Damaged if the file is no JSON object, or is one of another address.
    """
    path = directory / STATE_POINT
    cure = "Restore it, or let `manage.py jobs repair` write it again from the database."
    statepoint = files.read_object(path, cure)
    wanted, found = expected or directory.name, address_of(statepoint)
    if found != wanted:
        raise Damaged(f"{path} is damaged: it is the state point of {found}, not of {wanted}. {cure}")
    return statepoint
