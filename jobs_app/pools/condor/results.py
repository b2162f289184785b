"""Brings an attempt's results home: one stream, unpacked beside, checked against what was said, renamed.

Killed at any moment, it can be called again. Slices that left the same name with other content do not
overwrite each other, and nothing overwrites what Roost keeps: such files go to `slices/<number>/`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO

from jobs_app.errors import BadName
from jobs_app.jobdir import facts
from jobs_app.jobdir.files import safe_name
from jobs_app.jobdir.layout import DOCUMENT, OUTPUT, POST, PRIVATE, RESERVED, RUN, JobPaths
from jobs_app.states import SliceState

from ..base import Garbled, Task

_CHUNK = 1 << 20
_OWN = "slices"
_RUNNERS = ("facts", "files/", "results/", "errors/", "status/")


@dataclass
class Part:
    """What came of one slice."""

    number: int
    aside: Path
    record: Mapping[str, Any] = field(default_factory=dict)
    found: dict[str, tuple[int, str]] = field(default_factory=dict)  # size and sha256, as they arrived

    @property
    def files(self) -> Path:
        return self.aside / "files" / str(self.number)

    @property
    def log(self) -> Path:
        return self.aside / "logs" / str(self.number)

    def problem(self) -> str:
        listed = self.record.get("files", {})
        said = {name: (known["size"], known["sha256"]) for name, known in listed.items()}
        wrong = sorted(name for name in said.keys() | self.found if said.get(name) != self.found.get(name))
        return f"slice {self.number}: {', '.join(wrong[:5])}" if wrong else ""

    # Each receives one file of `out/`, by its suffix.

    def receive_log(self, data: IO[bytes]) -> None:
        _save(data, self.log)

    def receive_json(self, data: IO[bytes]) -> None:
        try:
            self.record = json.loads(data.read())
        except ValueError as error:
            raise Garbled(f"The record of slice {self.number} cannot be read: {error}") from error

    def receive_tar(self, data: IO[bytes]) -> None:
        for member, content in _members(data):
            if content is None:
                raise Garbled(f"Slice {self.number} sent {member.name!r}, which is no plain file.")
            name = _checked(member.name, self.number)
            self.found[name] = _save(content, self.files / name, member.mode)


def unpack(stream: BinaryIO, task: Task, into: Path) -> None:
    """`stream` is a tar of `out/`. Garbled if a file is not as its slice left it."""
    aside = JobPaths(into).attempt(task.number).root / "incoming"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        parts = _receive(stream, aside)
    except tarfile.TarError as error:
        raise Garbled(f"An archive with results of job {task.job} cannot be read: {error}") from error
    problems = [problem for part in parts if (problem := part.problem())]
    if problems:
        raise Garbled(
            f"Results of job {task.job} did not arrive as they were made: {'; '.join(problems[:5])}."
        )
    _deliver(parts, into, task)
    shutil.rmtree(aside)


def _receive(stream: BinaryIO, aside: Path) -> list[Part]:
    parts: dict[int, Part] = {}
    for member, data in _members(stream):
        number, _, kind = member.name.rpartition("/")[2].partition(".")
        if data is not None and number.isdigit() and kind in ("log", "json", "tar"):
            part = parts.setdefault(int(number), Part(int(number), aside))
            getattr(part, f"receive_{kind}")(data)
    return [part for _, part in sorted(parts.items())]


def _members(data: IO[bytes]) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """Each member, and its content if it is a plain file. An empty file is an empty archive: a slice was
    killed before it could pack anything."""
    try:
        with tarfile.open(fileobj=data, mode="r|") as archive:
            for member in archive:
                yield member, archive.extractfile(member) if member.isfile() else None
    except tarfile.ReadError as error:
        if str(error) != "empty file":
            raise


def _checked(name: str, number: int) -> str:
    try:
        return safe_name(name)
    except BadName as error:
        raise Garbled(f"Slice {number} sent a file that cannot be kept: {error}") from error


def _save(data: IO[bytes], path: Path, mode: int = 0o644) -> tuple[int, str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as handle:
        while chunk := data.read(_CHUNK):
            handle.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    path.chmod(mode & 0o777 | 0o600)
    return size, digest.hexdigest()


def _deliver(parts: Sequence[Part], into: Path, task: Task) -> None:
    several = _with_several_contents(parts)
    for part in parts:
        for name in part.found:
            own = name in several or not _may_write(name, task)
            _move(part.files / name, into / _OWN / str(part.number) / name if own else into / name)
        if not task.script:
            if part.log.exists() and part.log.stat().st_size:
                _move(part.log, into / OUTPUT / str(part.number))
            _write_fact(part, task, into)


def _may_write(name: str, task: Task) -> bool:
    """Whether a name that came from a node may stand at this place of the job's directory."""
    if name.partition("/")[0] not in RESERVED:
        return True
    private = (f"{PRIVATE}/manifest.json", *(f"{PRIVATE}/attempts/{task.number}/{each}" for each in _RUNNERS))
    theirs = (POST, DOCUMENT, f"{OUTPUT}/", *private)
    return bool(task.script) and name.startswith(theirs)


def _with_several_contents(parts: Sequence[Part]) -> set[str]:
    first: dict[str, tuple[int, str]] = {}
    return {
        name for part in parts for name, known in part.found.items() if first.setdefault(name, known) != known
    }


def _move(source: Path, home: Path) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    os.replace(source, home)


def _write_fact(part: Part, task: Task, into: Path) -> None:
    """A slice without a record was killed before it could write one; the pool's events tell how it ended."""
    record = part.record
    if "exit_code" not in record:
        return
    well = record["exit_code"] == 0 and record["signal"] == 0
    output = into / OUTPUT / str(part.number)
    fact = facts.Fact(
        state=SliceState.DONE if well else SliceState.FAILED,
        exit_code=record["exit_code"],
        signal=record["signal"],
        start=record["start"],
        end=record["end"],
        cpu_seconds=record["cpu_seconds"],
        memory_bytes=record["memory_bytes"],
        output_bytes=output.stat().st_size if output.exists() else 0,
    )
    facts.write(JobPaths(into).attempt(task.number).facts, RUN, part.number, fact)
