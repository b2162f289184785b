"""Brings an attempt's results home: one stream, unpacked beside, checked against what was said, renamed.

Killed at any moment, it can be called again. Slices that left the same name with other content do not
overwrite each other, and nothing overwrites what Roost keeps: such files go to `slices/<number>/`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO

from jobs_app.errors import BadName
from jobs_app.jobdir import facts, remote
from jobs_app.jobdir.files import safe_name
from jobs_app.jobdir.layout import (
    ANALYSIS,
    DOCUMENT,
    NODES,
    OUTPUT,
    POST,
    PREPARE,
    PRIVATE,
    RESERVED,
    RUN,
    SYNTHESIS,
    JobPaths,
)
from jobs_app.jobdir.output import Output
from jobs_app.jobdir.pack import FROM_SLICES
from jobs_app.jobdir.remote import Away
from jobs_app.states import SliceState

from ..base import Garbled, Task

_CHUNK = 1 << 20
_HOOKS = ("pre.log", "post.log")  # of a workflow's nodes
_OWN = "slices"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
_SAYINGS = (
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
)
MOST_SAID, LARGEST_RECORD = 1 << 20, 256 << 20  # bytes
_FACT: Mapping[str, Callable[[Any], Any]] = {
    "exit_code": lambda value: max(min(int(value), _INT), -_INT),
    "signal": lambda value: max(min(int(value), _INT), -_INT),
    "start": float,
    "end": float,
    "cpu_seconds": lambda value: min(float(value), 1e38),
    "memory_bytes": lambda value: max(0, min(int(value), 1 << 62)),
}
_INT = 2**31 - 1
_RUNNERS = ("facts", "files/", "results/", "errors/", "status/")


@dataclass
class Part:
    """What came of one slice, or of another part of a script that was a proc of its own."""

    name: str
    aside: Path
    record: Mapping[str, Any] = field(default_factory=dict)
    found: dict[str, tuple[int, str]] = field(default_factory=dict)  # size and sha256, as they arrived
    left: Mapping[str, Any] = field(default_factory=dict)  # files that stay on the pool

    @property
    def files(self) -> Path:
        return self.aside / "files" / self.name

    @property
    def log(self) -> Path:
        return self.aside / "logs" / self.name

    def leave(self, left: Mapping[str, Any]) -> None:
        """These stay where they are, as its record tells them."""
        self.left = left
        self.found.update({name: (known["size"], known["sha256"]) for name, known in left.items()})

    def give_up(self) -> None:
        """Nothing is taken of it but what it printed."""
        self.record, self.found = {}, {}

    def problem(self) -> str:
        listed = self.record.get("files", {})
        said = {name: (known["size"], known["sha256"]) for name, known in listed.items()}
        wrong = sorted(name for name in said.keys() | self.found if said.get(name) != self.found.get(name))
        return f"{self.title}: {', '.join(wrong[:5])}" if wrong else ""

    @property
    def is_slice(self) -> bool:
        return self.name.isdigit()

    @property
    def title(self) -> str:
        return f"slice {self.name}" if self.is_slice else self.name

    @property
    def order(self) -> tuple[int, int]:
        """Later parts saw what earlier ones left."""
        return (1, int(self.name)) if self.is_slice else (0 if self.name == PREPARE else 2, 0)

    # Each receives one file of `out/`, by its suffix.

    def receive_log(self, data: IO[bytes]) -> None:
        _save(data, self.log)

    def receive_json(self, data: IO[bytes]) -> None:
        self.record = read_record(data, self.title)

    def receive_tar(self, data: IO[bytes]) -> None:
        for member, content in members(data):
            if content is None:
                raise Garbled(f"{self.title} sent {member.name!r}, which is no plain file.".capitalize())
            name = _checked(member.name, self.title)
            self.found[name] = _save(content, self.files / name, member.mode)


def read_record(data: IO[bytes], part: str) -> dict[str, Any]:
    """What a node wrote; Garbled if it is not of the kind that its wrapper writes."""
    try:
        return _record(data.read(LARGEST_RECORD + 1))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Garbled(f"The record of {part} cannot be read: {error!r}"[:500]) from error


def _record(text: bytes) -> dict[str, Any]:
    if len(text) > LARGEST_RECORD:
        raise ValueError(f"it is larger than {LARGEST_RECORD} bytes")
    said = json.loads(text)
    files = {str(name): _size_and_hash(known) for name, known in dict(said.get("files", {})).items()}
    parts = {str(name): base64.b64decode(text, validate=True) for name, text in said.get("parts", {}).items()}
    fact = {name: kind(said[name]) for name, kind in _FACT.items()} if "exit_code" in said else {}
    return {
        **{name: said[name] for name in ("facts",) if name in said},
        **fact,
        "files": files,
        "parts": parts,
    }


def _size_and_hash(known: Mapping[str, Any]) -> dict[str, Any]:
    return {"size": int(known["size"]), "sha256": str(known["sha256"])}


def unpack(stream: BinaryIO, task: Task, into: Path, left: Mapping[str, Any] | None = None) -> None:
    """`stream` is a tar of `out/`, without what is left on the pool. Garbled if a file is not as its slice
    left it."""
    aside = JobPaths(into).attempt(task.number).root / "incoming"
    try:
        _unpack(stream, task, into, aside, left or {})
    except tarfile.TarError as error:
        raise Garbled(f"An archive with results of job {task.job} cannot be read: {error}") from error
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        raise Garbled(
            f"Results of job {task.job} cannot lie beside each other: one is a file where another has a "
            f"folder ({error.filename2 or error.filename})."
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _unpack(stream: BinaryIO, task: Task, into: Path, aside: Path, left: Mapping[str, Any]) -> None:
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    parts = _receive(stream, aside)
    for part in parts:
        part.leave(left.get(part.name, {}))
        if part.problem() and _was_removed(part, task):
            part.give_up()
    problems = [problem for part in parts if (problem := part.problem())]
    if problems:
        raise Garbled(
            f"Results of job {task.job} did not arrive as they were made: {'; '.join(problems[:5])}."
        )
    if task.nodes:
        _deliver_nodes(parts, into, task)
        _deliver_hooks(aside / "hooks", into, task)
    else:
        _deliver(parts, into, task)


def _was_removed(part: Part, task: Task) -> bool:
    """The pool may have removed it while its results were on their way from the node."""
    if "facts" in part.record:  # all of a script
        return bool(task.lost)
    step = (ANALYSIS if task.script else RUN) if part.is_slice else part.name
    number = int(part.name) if part.is_slice else 0
    return any(name == step and first <= number < first + count for name, first, count in task.lost)


def _receive(stream: BinaryIO, aside: Path) -> list[Part]:
    parts: dict[str, Part] = {}
    for member, data in members(stream):
        name, _, kind = member.name.rpartition("/")[2].partition(".")
        if data is not None and kind in _HOOKS:
            _save(data, aside / "hooks" / f"{name}.{kind.removesuffix('.log')}")
        elif data is not None and _is_part(name) and kind in ("log", "json", "tar"):
            part = parts.setdefault(name, Part(name, aside))
            getattr(part, f"receive_{kind}")(data)
    return sorted(parts.values(), key=lambda part: part.order)


def _is_part(name: str) -> bool:
    return bool(_NUMBER.fullmatch(name)) or name in (PREPARE, SYNTHESIS)


class _Header(tarfile.TarInfo):
    """tarfile holds what it says of a member in memory, and fills the holes of sparse files: a slice that
    writes its archive itself could ask for any amount of either."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _SAYINGS and self.size > MOST_SAID:
            raise tarfile.ReadError(f"a name or a header of {self.size} bytes")
        member = super()._proc_member(archive)  # type: ignore[misc]
        if member.sparse is not None or member.type == tarfile.GNUTYPE_SPARSE:
            raise tarfile.ReadError(f"{member.name[:200]!r} is a sparse file")
        return member  # type: ignore[no-any-return]


def members(data: IO[bytes]) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """Each member, and its content if it is a plain file. An empty file is an empty archive: a slice was
    killed before it could pack anything."""
    try:
        with tarfile.open(fileobj=data, mode="r|", bufsize=_CHUNK, tarinfo=_Header) as archive:
            for member in archive:
                yield member, archive.extractfile(member) if member.isfile() else None
                archive.members.clear()  # type: ignore[attr-defined]  # it keeps them all
    except tarfile.ReadError as error:
        if str(error) != "empty file":
            raise


def _checked(name: str, part: str) -> str:
    try:
        return safe_name(name)
    except BadName as error:
        raise Garbled(f"{part} sent a file that cannot be kept: {error}".capitalize()) from error


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
    left: dict[str, Away] = {}
    for part in parts:
        for name, known in part.found.items():
            own = (part.is_slice and name in several) or not _may_write(name, task)
            home = f"{_OWN}/{part.name}/{name}" if own else name
            if name in part.left:
                left[home] = Away(task.attempt, part.name, name, *known)
            else:
                _move(part.files / name, into / home)
        if not task.script:
            _keep_of_executable(part, task, into)
        elif part.record.get("parts"):
            _write_facts(part, task, into)
    _remember(left, task, into)


def _remember(left: Mapping[str, Away], task: Task, into: Path) -> None:
    """A rerun goes on beside what earlier attempts left."""
    paths = JobPaths(into)
    remote.write(paths, {**(remote.read(paths) if task.done else {}), **left})


def _deliver_nodes(parts: Sequence[Part], into: Path, task: Task) -> None:
    """Each node's results in a folder of its own, where its slices are counted from 0."""
    by_number = {int(part.name): part for part in parts if part.is_slice}
    for node in task.nodes:
        numbers = range(node.first, node.first + node.slices)
        mine = [by_number[number] for number in numbers if number in by_number]
        several, home = _with_several_contents(mine), into / NODES / node.folder
        for part in mine:
            own = home / _OWN / str(int(part.name) - node.first)
            for name in part.found:
                _move(part.files / name, (own if name in several else home) / name)
            _keep_of_executable(part, task, into)


def _deliver_hooks(found: Path, into: Path, task: Task) -> None:
    """What the scripts before and after a node printed."""
    for name in (f"{node.name}.{which}" for node in task.nodes for which in ("pre", "post")):
        if (found / name).exists() and (found / name).stat().st_size:
            _move(found / name, into / OUTPUT / name)


def _keep_of_executable(part: Part, task: Task, into: Path) -> None:
    if part.log.exists() and part.log.stat().st_size:
        _move(part.log, into / OUTPUT / part.name)
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
        name
        for part in parts
        if part.is_slice
        for name, known in part.found.items()
        if first.setdefault(name, known) != known
    }


def _move(source: Path, home: Path) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    os.replace(source, home)


def _write_facts(part: Part, task: Task, into: Path) -> None:
    """Of a script's part that was a proc of its own; what it printed is packed where slices are many."""
    path = JobPaths(into).attempt(task.number).facts
    for name in {part.name, SYNTHESIS} & part.record["parts"].keys():
        step, number = (ANALYSIS, int(name)) if part.is_slice and name == part.name else (name, 0)
        facts.write_raw(path, step, number, part.record["parts"][name])
    if part.is_slice and max(step.slices for step in task.steps) >= FROM_SLICES:
        Output(into / OUTPUT).pack(int(part.name))


def _write_fact(part: Part, task: Task, into: Path) -> None:
    """A slice without a record was killed before it could write one; the pool's events tell how it ended."""
    record = part.record
    if "exit_code" not in record:
        return
    well = record["exit_code"] == 0 and record["signal"] == 0
    output = into / OUTPUT / part.name
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
    facts.write(JobPaths(into).attempt(task.number).facts, RUN, int(part.name), fact)
