"""Brings an attempt's results home: one stream, unpacked beside, checked against what was said, renamed.

Killed at any moment, it can be called again. Slices that left the same name with other content do not
overwrite each other, and nothing overwrites what Roost keeps: such files go to `slices/<number>/`.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import re
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, BinaryIO

from jobs_app.errors import BadName
from jobs_app.jobdir import facts, remote
from jobs_app.jobdir.files import leads_out, safe_name
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
from .received import Received

_CHUNK = 1 << 20
_HOOKS = ("pre.log", "post.log")  # of a workflow's nodes
_OWN = "slices"
_MOST_KNOWN = 10_000  # folders
_HASH = re.compile(r"[0-9a-f]{64}")
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


@dataclass(frozen=True)
class Part:
    """One slice, or another part of a script that was a proc of its own. What came of it lies aside."""

    name: str
    aside: Path

    @property
    def files(self) -> Path:
        return self.aside / "files" / self._bundle / self.name

    @property
    def log(self) -> Path:
        return self.aside / "logs" / self._bundle / self.name

    @property
    def _bundle(self) -> str:
        """No folder has a million entries: they would be listed in memory."""
        return self.name[:-3] or "0" if self.is_slice else self.name

    @property
    def is_slice(self) -> bool:
        return self.name.isdigit()

    @property
    def title(self) -> str:
        return f"slice {self.name}" if self.is_slice else self.name


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
    files = {_text(name): _size_and_hash(known) for name, known in dict(said.get("files", {})).items()}
    parts = {str(name): base64.b64decode(text, validate=True) for name, text in said.get("parts", {}).items()}
    fact = {name: kind(said[name]) for name, kind in _FACT.items()} if "exit_code" in said else {}
    return {
        **{name: said[name] for name in ("facts",) if name in said},
        **fact,
        "files": files,
        "parts": parts,
    }


def _text(name: str) -> str:
    name.encode()  # ValueError for half a character
    return name


def _size_and_hash(known: Mapping[str, Any]) -> dict[str, Any]:
    size, sha256 = int(known["size"]), str(known["sha256"])
    if not 0 <= size < 1 << 62 or not _HASH.fullmatch(sha256):
        raise ValueError(f"a file of {str(size)[:30]} bytes with the hash {sha256[:80]!r}")
    return {"size": size, "sha256": sha256}


def unpack(stream: BinaryIO, task: Task, into: Path, left: Mapping[str, Any] | None = None) -> None:
    """`stream` is a tar of `out/`, without what is left on the pool. Garbled if a file is not as its slice
    left it."""
    aside = JobPaths(into).attempt(task.number).root / "incoming"
    _refuse_links(into, aside)
    try:
        _unpack(stream, task, into, aside, left or {})
    except tarfile.TarError as error:
        raise Garbled(f"An archive with results of job {task.job} cannot be read: {error}") from error
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        raise Garbled(
            f"Results of job {task.job} cannot lie beside each other: one is a file where another has a "
            f"folder ({error.filename2 or error.filename})."
        ) from error
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise Garbled(f"Results of job {task.job} cannot be kept: {error.filename} is a link.") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _unpack(stream: BinaryIO, task: Task, into: Path, aside: Path, left: Mapping[str, Any]) -> None:
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    with closing(Received()) as received:
        if not _receive(stream, aside, received):
            raise Garbled(f"What came of job {task.job} is no archive: not a byte of it.")
        for part, listed in left.items():
            received.begin(part)
            for name, known in listed.items():
                received.keep_file(part, name, known["size"], known["sha256"], away=True)
        _check(received, task, aside)
        if task.nodes:
            _deliver_nodes(received, aside, into, task)
            _deliver_hooks(aside / "hooks", into, task)
        else:
            _deliver(received, aside, into, task)


def _check(received: Received, task: Task, aside: Path) -> None:
    problems = [
        f"{Part(name, aside).title}: {', '.join(received.wrong_names(name, 5))}"
        for name in islice(_wrong(received, task), 5)
    ]
    for _, first, count in task.well:
        missing = received.without_record(first, count)
        problems += [f"nothing came of slice {missing}, which ended well"] if missing is not None else []
    if problems:
        raise Garbled(f"Results of job {task.job} did not arrive as they were made: {'; '.join(problems)}.")


def _wrong(received: Received, task: Task) -> Iterator[str]:
    """Those of which nobody knows why. Of what was removed while it was on its way, nothing is taken."""
    for name in received.wrong():
        if _was_removed(name, received, task):
            received.forget(name)
        else:
            yield name


def _was_removed(name: str, received: Received, task: Task) -> bool:
    """The pool may have removed it while its results were on their way from the node."""
    if task.script and name == "0" and (received.record(name).get("whole") or received.count() == 1):
        return bool(task.lost)  # its one proc: what it had told of its parts before may be anything
    step = (ANALYSIS if task.script else RUN) if name.isdigit() else name
    number = int(name) if name.isdigit() else 0
    return any(each == step and first <= number < first + count for each, first, count in task.lost)


def _receive(stream: BinaryIO, aside: Path, received: Received) -> bool:
    """False if there was nothing at all, not even the folder."""
    came = False
    for member, data in members(stream):
        came = True
        name, _, kind = member.name.rpartition("/")[2].partition(".")
        if data is not None and kind in _HOOKS:
            _save(data, aside / "hooks" / f"{name}.{kind.removesuffix('.log')}")
        elif data is not None and _is_part(name) and kind in ("log", "json", "tar"):
            received.begin(name)
            _RECEIVERS[kind](data, Part(name, aside), received)
    return came


def _receive_log(data: IO[bytes], part: Part, received: Received) -> None:  # noqa: ARG001
    _save(data, part.log)


def _receive_json(data: IO[bytes], part: Part, received: Received) -> None:
    try:
        record = read_record(data, part.title)
    except Garbled as error:  # half of it came, if the part was removed
        received.keep_file(part.name, str(error), -1, "")
        return
    files = {name: (known["size"], known["sha256"]) for name, known in record["files"].items()}
    parts = {name: base64.b64encode(fact).decode() for name, fact in record["parts"].items()}
    kept = {name: parts[name] for name in (part.name, SYNTHESIS) if name in parts}
    known = {name: record[name] for name in _FACT if name in record}
    received.keep_record(part.name, {**known, "parts": kept, "whole": "facts" in record}, files)


def _receive_tar(data: IO[bytes], part: Part, received: Received) -> None:
    try:
        for member, content in members(data):
            if content is None:
                raise Garbled(f"{part.title} sent {member.name!r}, which is no plain file.".capitalize())
            name = _checked(member.name, part.title)
            received.keep_file(part.name, name, *_save(content, part.files / name, member.mode))
    except tarfile.TarError as error:  # half of it came, if the part was removed
        received.keep_file(part.name, f"Its archive cannot be read: {error}", -1, "")


_RECEIVERS: Mapping[str, Callable[[IO[bytes], Part, Received], None]] = {
    "log": _receive_log,
    "json": _receive_json,
    "tar": _receive_tar,
}


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


def _deliver(received: Received, aside: Path, into: Path, task: Task) -> None:
    left: dict[str, Away] = {}
    homes = Homes(into)
    received.compare()
    for name, record in received.parts():
        part = Part(name, aside)
        for came in received.files(name):
            own = came.differs or not _may_write(came.name, task)
            home = f"{_OWN}/{name}/{came.name}" if own else came.name
            if came.is_away:
                left[home] = Away(task.attempt, name, came.name, came.size, came.sha256)
            else:
                homes.move(part.files / came.name, home)
        if not task.script:
            _keep_of_executable(part, record, homes, task)
        elif record.get("parts"):
            _write_facts(part, record, into, task)
    _remember(left, task, into)


def _remember(left: Mapping[str, Away], task: Task, into: Path) -> None:
    """A rerun goes on beside what earlier attempts left."""
    paths = JobPaths(into)
    remote.write(paths, {**(remote.read(paths) if task.done else {}), **left})


def _deliver_nodes(received: Received, aside: Path, into: Path, task: Task) -> None:
    """Each node's results in a folder of its own, where its slices are counted from 0."""
    homes = Homes(into)
    for node in task.nodes:
        received.compare(node.first, node.slices)
        for number in range(node.first, node.first + node.slices):
            part, home = Part(str(number), aside), f"{NODES}/{node.folder}"
            for came in received.files(part.name):
                place = f"{home}/{_OWN}/{number - node.first}" if came.differs else home
                homes.move(part.files / came.name, f"{place}/{came.name}")
            _keep_of_executable(part, received.record(part.name), homes, task)


def _deliver_hooks(found: Path, into: Path, task: Task) -> None:
    """What the scripts before and after a node printed."""
    homes = Homes(into)
    for name in (f"{node.name}.{which}" for node in task.nodes for which in ("pre", "post")):
        if (found / name).exists() and (found / name).stat().st_size:
            homes.move(found / name, f"{OUTPUT}/{name}")


def _keep_of_executable(part: Part, record: Mapping[str, Any], homes: Homes, task: Task) -> None:
    if part.log.exists() and part.log.stat().st_size:
        homes.move(part.log, f"{OUTPUT}/{part.name}")
    _write_fact(part, record, homes.root, task)


def _may_write(name: str, task: Task) -> bool:
    """Whether a name that came from a node may stand at this place of the job's directory."""
    if name.partition("/")[0] not in RESERVED:
        return True
    private = (f"{PRIVATE}/manifest.json", *(f"{PRIVATE}/attempts/{task.number}/{each}" for each in _RUNNERS))
    theirs = (POST, DOCUMENT, f"{OUTPUT}/", *private)
    return bool(task.script) and name.startswith(theirs)


class Homes:
    """The folders of a job's directory, each looked at once: a link that an earlier attempt left there must
    not lead what comes now to another place."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: set[Path] = set()

    def move(self, source: Path, name: str) -> None:
        home = self.root / name
        if home.parent not in self._known:
            _refuse_links(self.root, home)
            home.parent.mkdir(parents=True, exist_ok=True)
            if len(self._known) > _MOST_KNOWN:
                self._known.clear()
            self._known.add(home.parent)
        os.replace(source, home)


def _refuse_links(root: Path, path: Path) -> None:
    if leads_out(root, path.parent / "x"):
        name = path.relative_to(root)
        raise Garbled(
            f"Results cannot be put at {str(name)!r}: a link on the way leads out of the job's directory. "
            "Remove the link, and resubmit the job."
        )


def _write_facts(part: Part, record: Mapping[str, Any], into: Path, task: Task) -> None:
    """Of a script's part that was a proc of its own; what it printed is packed where slices are many."""
    path = JobPaths(into).attempt(task.number).facts
    for name, text in record["parts"].items():
        step, number = (ANALYSIS, int(name)) if part.is_slice and name == part.name else (name, 0)
        facts.write_raw(path, step, number, base64.b64decode(text))
    if part.is_slice and max(step.slices for step in task.steps) >= FROM_SLICES:
        Output(into / OUTPUT).pack(int(part.name))


def _write_fact(part: Part, record: Mapping[str, Any], into: Path, task: Task) -> None:
    """A slice without a record was killed before it could write one; the pool's events tell how it ended."""
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
