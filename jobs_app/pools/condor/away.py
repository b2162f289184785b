"""Results that are too large to be fetched before somebody reads them: they stay in their part's archive."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

from jobs_app.errors import BadName
from jobs_app.jobdir.files import safe_name
from jobs_app.jobdir.layout import RESERVED

from ..base import Garbled, Task
from ..shell.base import script_text
from .names import checked
from .point import SECONDS, AccessPoint
from .results import members, read_record

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+=,/ -]{0,500}")  # tar would read other names as patterns
_RECORDS = 'cd "$1" && find out -name "*.json" -type f | tar -cf - -T -'
_READ = 'tar -xOf "$1" --no-wildcards -- "$2" | tail -c "+$3"'
_READ_SOME = f'{_READ} | head -c "$4"'

Left = Mapping[str, Mapping[str, Mapping[str, Any]]]  # by part: name, and what its record says of it


def left_there(point: AccessPoint, task: Task) -> Left:
    """What the parts' records say of files that are at least as large as the task says."""
    place = point.names.attempt(task.attempt)
    found: dict[str, dict[str, Any]] = {}
    with point.shell.reading(["sh", "-c", _RECORDS, "roost", place], SECONDS) as stream:
        for part, record in _records(stream):
            large = {
                name: known for name, known in record.get("files", {}).items() if _stays(name, known, task)
            }
            if large:
                found[part] = large
    return found


def _stays(name: str, known: Mapping[str, Any], task: Task) -> bool:
    plain = _PLAIN.fullmatch(name) and name.partition("/")[0] not in RESERVED and _is_safe(name)
    return bool(plain) and known["size"] >= task.remote_from


def _is_safe(name: str) -> bool:
    """As it will be called here; a record may say anything."""
    try:
        return safe_name(name) == name
    except BadName:
        return False


def _records(stream: BinaryIO) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        for member, content in members(stream):
            part = member.name.rpartition("/")[2].removesuffix(".json")
            if content is not None and member.size:
                yield part, read_record(content, part)
    except tarfile.TarError as error:
        raise Garbled(f"The records of an attempt cannot be read: {error}") from error


@contextmanager
def without(point: AccessPoint, task: Task, left: Left) -> Iterator[BinaryIO]:
    """The results as a tar stream, without these."""
    lines = "".join(f"{part}\t{name}\n" for part, names in left.items() for name in names)
    argv = ["sh", "-c", script_text(__package__, "fetch_rest.sh"), "roost", point.names.attempt(task.attempt)]
    with point.shell.reading(argv, SECONDS, stdin=lines.encode()) as stream:
        yield stream


@contextmanager
def reading(
    point: AccessPoint, attempt: str, part: str, member: str, offset: int = 0, length: int | None = None
) -> Iterator[BinaryIO]:
    """One of these files from `offset` on."""
    archive = f"{point.names.attempt(attempt)}/out/{checked(part, 'part')}.tar"
    values = [archive, member, str(offset + 1), *([] if length is None else [str(length)])]
    script = _READ if length is None else _READ_SOME
    with point.shell.reading(["sh", "-c", script, "roost", *values], SECONDS) as stream:
        yield stream
