"""The local files that a task takes along, by content: what a pool has already does not travel again."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from jobs_app.jobdir.layout import DOCUMENT, PRIVATE, RESERVED, SETUP, STATE_POINT
from jobs_app.script.letters import JOBS

from ..base import Node, Refused, Task
from . import tar, workflow

_known: dict[tuple[str, int, int, int], str] = {}
_MOST_KNOWN = 10_000


@dataclass(frozen=True)
class Input:
    name: str  # below the slice's folder
    path: Path
    size: int
    sha256: str
    executable: bool

    @property
    def content(self) -> str:
        """Its name among the contents on the pool; the executable bit belongs to the file, so to the name."""
        return self.sha256 + (".x" if self.executable else "")


def inputs_of(task: Task) -> tuple[Input, ...]:
    found = tuple(_all(task))
    names: dict[str, Path] = {}
    for each in found:
        if names.setdefault(each.name, each.path) != each.path:
            raise Refused(
                f"Two inputs have the name {each.name!r}: {names[each.name]} and {each.path}. Rename one."
            )
    return found


def program(task: Task) -> str:
    """What the node starts: a file that travels along by its name, anything else as it was given."""
    return Path(task.executable).name if is_sent(task) else task.executable


def is_sent(task: Task) -> bool:
    return bool(task.executable) and Path(task.executable).is_absolute() and Path(task.executable).is_file()


def _all(task: Task) -> Iterator[Input]:
    for node in task.nodes:
        yield from _of_node(task, node)
    if not task.nodes:
        yield from _of_job(task)


def _of_node(task: Task, node: Node) -> Iterator[Input]:
    """In a folder of its own; the scripts before and after it stay on the access point."""
    if not workflow.runs_of(task, node):
        return
    for which, hook in (("pre", node.pre), ("post", node.post)):
        if hook is not None:
            yield _input(f"{workflow.HOOKS}/{node.name}.{which}", Path(hook.path), executable=True)
    for each in _of_job(workflow.as_task(task, node)):
        yield replace(each, name=f"{node.name}/{each.name}")
    for name, path in workflow.asked_here(task, node):
        yield _input(f"{node.name}/{name}", path)


def _of_job(task: Task) -> Iterator[Input]:
    if is_sent(task):
        path = Path(task.executable)
        yield _input(path.name, path, executable=True)
    for each in task.inputs:
        path = Path(each)
        if os.path.isdir(path):  # Path.is_dir() raises for a name that is too long
            yield from _tree(path)
        else:
            yield _input(path.name, path)
    if task.script:
        yield from _script(task)


def _script(task: Task) -> Iterable[Input]:
    """What the runner reads below the job's directory."""
    root = Path(task.directory)
    attempt = root / PRIVATE / "attempts" / str(task.number)
    wanted = [root / SETUP, attempt / "spec.json", *_files(root / PRIVATE / "source")]
    wanted += [path for path in (root / STATE_POINT, root / DOCUMENT) if path.exists()]
    if task.done:
        wanted += [*_files(attempt), *_own_files(root)]
    yield from (_input(path.relative_to(root).as_posix(), path) for path in dict.fromkeys(wanted))
    for jobid, place in json.loads((attempt / "spec.json").read_text()).get("places", {}).items():
        yield from job_files(jobid, Path(place))


_NOT_READ = ("attempts", "remote", "live")  # below a job's .roost


def job_files(jobid: str, directory: Path) -> Iterator[Input]:
    """What another job may read of this one."""
    for folder, folders, names in os.walk(directory):
        below = Path(folder).relative_to(directory)
        if below == Path(PRIVATE):
            folders[:] = [name for name in folders if name not in _NOT_READ]
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file():
                yield _input(Path(JOBS, jobid, below, name).as_posix(), path)


def _own_files(root: Path) -> Iterator[Path]:
    """What earlier slices left: a rerun goes on beside it."""
    for path in sorted(root.iterdir()):
        if path.name not in RESERVED:
            yield from _files(path) if path.is_dir() else [path]


def _files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def _tree(root: Path) -> Iterator[Input]:
    for path in _files(root):
        yield _input(str(PurePosixPath(root.name, path.relative_to(root).as_posix())), path)


def _input(name: str, path: Path, executable: bool = False) -> Input:
    if "\n" in name:
        raise Refused(f"The name of the input {name!r} contains a line break. Rename the file.")
    try:
        known = path.stat()
        if not stat.S_ISREG(known.st_mode):  # a pipe or a device would be read for ever
            raise Refused(f"The input {path} is no file. Give files, or folders of files.")
        digest = _digest(path)
    except (OSError, ValueError) as error:
        raise Refused(f"The input {str(path)[:200]!r} cannot be read: {error}.") from error
    return Input(name, path, known.st_size, digest, executable or bool(known.st_mode & 0o100))


def packed(each: Input, name: str) -> Iterator[bytes]:
    """As a member of a tar stream; Refused if it is not any more what it was when it was looked at."""
    yield from tar.file(name, each.path, each.size, 0o755 if each.executable else 0o644)
    if _digest(each.path) != each.sha256:
        raise Refused(f"{each.path} was changed while it was sent. Leave it alone until the job has it.")


def _digest(path: Path) -> str:
    known = path.stat()
    key = (str(path), known.st_size, known.st_mtime_ns, known.st_ino)
    if key not in _known:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        with path.open("rb") as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
            if handle.tell() != known.st_size:
                raise Refused(f"The input {path} is written to, or none that can be sent.")
        _known[key] = digest
    return _known[key]
