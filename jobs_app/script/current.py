"""The running job: what prepare, analysis and synthesis may do in its directory."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Callable, NoReturn, Optional

from jobs_app.errors import BadName, Invalid, WrongState
from jobs_app.jobdir import files as jobfiles
from jobs_app.jobdir import links
from jobs_app.jobdir.layout import RESERVED

from .job import CallableText, Job, NoJob, learn, open_text, refuse_writing, sliced
from .jobwithfile import JobWithFile
from .spec import Spec

PICKLE_PROTOCOL = 5  # what Python 3.9 reads


class FinishEarly(BaseException):
    """Ends the part, and with it the job, well. No Exception: a script's `except` shall not catch it."""

    def __init__(self, result: Any) -> None:
        super().__init__()
        self.result = result


@dataclass
class Registered:
    """What a part did with the job's files; its record in `files/<part>.json`."""

    files: set[str] = field(default_factory=set)  # any of these turns automatic registration off
    temporary: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    returned: set[str] = field(default_factory=set)  # registered without turning it off
    subjobs: dict[str, bool] = field(default_factory=dict)
    links: list[dict[str, str]] = field(default_factory=list)  # what is to be among the results

    def add(self, name: str) -> None:
        self.files.add(name)
        self.temporary.discard(name)
        self.removed.discard(name)

    def add_returned(self, name: str) -> None:
        self.returned.add(name)
        self.temporary.discard(name)

    def add_temporary(self, name: str) -> None:
        self.removed.discard(name)
        if name not in self.files:
            self.temporary.add(name)

    def remove(self, name: str) -> None:
        self.files.discard(name)
        self.temporary.discard(name)
        self.removed.add(name)

    def __bool__(self) -> bool:
        named = self.files or self.temporary or self.removed or self.returned
        return bool(named or self.subjobs or self.links)

    def as_json(self) -> dict[str, Any]:
        return {
            "files": sorted(self.files),
            "temporary": sorted(self.temporary),
            "removed": sorted(self.removed),
            "returned": sorted(self.returned),
            "subjobs": self.subjobs,
            "links": self.links,
        }

    def read(self, content: dict[str, Any]) -> None:
        """Adds what an earlier part did."""
        self.removed = (self.removed | set(content["removed"])) - set(content["files"])
        self.files = (self.files | set(content["files"])) - set(content["removed"])
        self.returned |= set(content["returned"])
        kept = self.files | self.removed | self.returned
        self.temporary = (self.temporary | set(content["temporary"])) - kept
        self.subjobs.update(content["subjobs"])
        self.links += content.get("links", [])


class SavedFile:
    """A file that was saved. It may be returned from prepare or analysis."""

    def __init__(self, job: str, name: str, sliceno: Optional[int], load: str) -> None:
        self._job, self._name, self._sliceno, self._load = str(job), name, sliceno, load

    @property
    def filename(self) -> str:
        return sliced(self._name, self._sliceno)

    @property
    def path(self) -> str:
        return self._current.filename(self._name, self._sliceno)

    @property
    def _current(self) -> Job:
        return Job(self._job)

    def load(self) -> Any:
        return getattr(self._current, self._load)(self._name, self._sliceno)

    def wait(self) -> None:
        """The file is complete already."""

    def jobwithfile(self, extra: Any = None) -> JobWithFile:
        return JobWithFile(self._current, self._name, self._sliceno is not None, extra)

    def remove(self) -> None:
        """The file goes, and is not registered any more."""
        running().remove(self.filename)


class CurrentJob(Job):
    """`job` in prepare, analysis and synthesis: a Job that can also be written to."""

    _spec: Spec
    _root: Path
    _registered: Registered

    def __new__(cls, spec: Spec, directory: Path, registered: Optional[Registered] = None) -> CurrentJob:
        job: CurrentJob = super().__new__(cls, spec.job, spec.method)  # type: ignore[assignment]
        job._spec, job._root = spec, directory
        job._registered = registered if registered is not None else Registered()
        learn(spec.job, directory)
        return job

    # --- where it is ----------------------------------------------------------------------------------------

    @property
    def path(self) -> str:
        return str(self._root)

    @property
    def input_directory(self) -> CallableText:
        return CallableText(self._spec.input_directory)

    @property
    def result_directory(self) -> CallableText:
        return CallableText(self._spec.result_directory)

    @property
    def parent(self) -> Job:
        return Job(self._spec.parent) if self._spec.parent else NoJob

    def input_filename(self, *parts: jobfiles.Name) -> str:
        return os.path.join(self._spec.input_directory, *parts)

    def open_input(
        self,
        filename: jobfiles.Name,
        mode: str = "r",
        encoding: Optional[str] = None,
        errors: Optional[str] = None,
    ) -> IO[Any]:
        refuse_writing(mode, "Files in the input directory can only be read.")
        return open_text(self.input_filename(filename), mode, encoding, errors)

    # --- writing --------------------------------------------------------------------------------------------

    def save(
        self,
        obj: Any,
        filename: jobfiles.Name = "result.pickle",
        sliceno: Optional[int] = None,
        temp: Optional[bool] = None,
        background: bool = False,  # noqa: ARG002 - it is complete when this returns
    ) -> SavedFile:
        """Pickles `obj`. The file is there, complete, or not at all."""
        with self._writing(sliced(filename, sliceno), temp) as handle:
            pickle.dump(obj, handle, PICKLE_PROTOCOL)
        return SavedFile(self, os.fspath(filename), sliceno, "load")

    def json_save(
        self,
        obj: Any,
        filename: jobfiles.Name = "result.json",
        sliceno: Optional[int] = None,
        sort_keys: bool = True,
        temp: Optional[bool] = None,
        background: bool = False,  # noqa: ARG002
    ) -> SavedFile:
        text = json.dumps(obj, indent=4, sort_keys=sort_keys, default=_set_as_list)
        with self._writing(sliced(filename, sliceno), temp) as handle:
            handle.write(text.encode("ascii") + b"\n")
        return SavedFile(self, os.fspath(filename), sliceno, "json_load")

    def open(
        self,
        filename: jobfiles.Name,
        mode: str = "r",
        sliceno: Optional[int] = None,
        encoding: Optional[str] = None,
        errors: Optional[str] = None,
        temp: Optional[bool] = None,
    ) -> Any:
        """To write: `with job.open(name, "w") as fh:`. Others see the file when the block has ended well."""
        name = sliced(filename, sliceno)
        if not set(mode) - set("rbt"):
            return open_text(self.filename(name), mode, encoding, errors)
        path, safe = self._target(name)
        return _Writer(path, mode, encoding, errors, lambda: self._wrote(safe, temp))

    @contextmanager
    def _writing(self, name: str, temp: Optional[bool]) -> Iterator[IO[Any]]:
        path, safe = self._target(name)
        with jobfiles.writing(path) as handle:
            yield handle
        self._wrote(safe, temp)

    def _target(self, name: jobfiles.Name) -> Any:
        safe = jobfiles.writable_name(self._root, name)
        path = self._root / safe
        if not path.parent.is_dir():
            raise FileNotFoundError(2, "There is no such folder; make it first", str(path.parent))
        if path.parent != self._root:
            jobfiles.locate(self._root, os.path.dirname(safe))
        return path, safe

    def _wrote(self, name: str, temp: Optional[bool]) -> None:
        if temp:
            self._registered.add_temporary(name)
        else:
            self._registered.add(name)

    def remove(self, filename: jobfiles.Name) -> None:
        path, safe = self._target(filename)
        os.unlink(path)
        self._registered.remove(safe)

    # --- registration ---------------------------------------------------------------------------------------

    def register_file(self, filename: jobfiles.Name) -> None:
        """The file, made by other means, is one of the job's; if it was temporary, it stays."""
        safe = jobfiles.writable_name(self._root, filename)
        path = jobfiles.locate(self._root, safe)
        if not os.path.lexists(path):
            raise FileNotFoundError(2, "There is no such file to register", str(path))
        if not jobfiles.is_plain_file(path):
            raise BadName(
                f"{safe!r} is not a plain file. Register the files in it: job.register_files('{safe}/*')."
            )
        self._registered.add(safe)

    def register_files(self, pattern: str = "**/*") -> set[str]:
        """Registers what matches; gives the names that were not registered before. Never temporary files."""
        if pattern.startswith("/") or ".." in pattern.split("/"):
            raise BadName(
                f"The pattern {pattern!r} leads out of the job's directory. Leave '/' and '..' out."
            )
        found = {
            name for name in _matching(self._root, pattern) if name.split("/")[0] not in self._spec.present
        }
        new = found - self._registered.files - self._registered.temporary
        for name in new:
            self._registered.add(name)
        return new

    def adopt(self, job: Job, filename: jobfiles.Name) -> None:
        source = job.filename(filename)
        path, safe = self._target(jobfiles.name_in(Path(job.path), filename))
        aside = jobfiles.beside(path)
        try:
            os.link(source, aside)
        except OSError:  # another disk: then a copy
            shutil.copyfile(source, aside)
        os.replace(aside, path)
        self._registered.add(safe)

    def put_among_results(
        self, job: Job, filename: jobfiles.Name, linkname: str, header: str, description: str
    ) -> None:
        """When this job has ended well. A file of its own is registered by that."""
        if len(self._registered.links) >= links.MOST:
            raise Invalid(f"A part of a job can link {links.MOST} results; link a folder's index instead.")
        own = str(job) == str(self)
        safe = self._own_file(filename) if own else _file_of(job, filename)
        link = links.link(safe, linkname, header, description, "" if own else str(job))
        self._registered.links.append(asdict(link))
        if own:
            self._registered.add_returned(safe)

    def _own_file(self, filename: jobfiles.Name) -> str:
        safe = jobfiles.writable_name(self._root, filename)
        path = jobfiles.locate(self._root, safe)
        if not jobfiles.is_plain_file(path):
            raise FileNotFoundError(2, "There is no such file to link", str(path))
        return safe

    # --- ending ---------------------------------------------------------------------------------------------

    def finish_early(self, result: Any = None) -> NoReturn:
        """Ends the job, well, without its later steps. In analysis all slices must do it, with no result."""
        raise FinishEarly(result)


class _Writer:
    """A file being written, under another name until its block ends well."""

    def __init__(
        self,
        path: Path,
        mode: str,
        encoding: Optional[str],
        errors: Optional[str],
        done: Callable[[], None],
    ) -> None:
        if "x" in mode and os.path.lexists(path):
            raise FileExistsError(17, "The file is there already", str(path))
        self._path, self._aside = path, jobfiles.beside(path)
        self._how = (mode.replace("x", "w"), encoding, errors)
        self._done = done

    def __enter__(self) -> IO[Any]:
        mode = self._how[0]
        if "r" in mode or ("a" in mode and self._path.exists()):
            shutil.copyfile(self._path, self._aside)
        self._handle = open_text(str(self._aside), *self._how)
        return self._handle

    def __exit__(
        self, kind: Optional[type[BaseException]], _: Optional[BaseException], __: Optional[TracebackType]
    ) -> None:
        try:
            self._handle.close()
            if kind is None:
                os.replace(self._aside, self._path)
                self._done()
        finally:
            self._aside.unlink(missing_ok=True)

    def __getattr__(self, name: str) -> NoReturn:
        raise Invalid(
            f"A file is written in a block: with job.open({self._path.name!r}, ...) as fh: fh.{name}(...)"
        )


def _file_of(job: Job, filename: jobfiles.Name) -> str:
    safe = jobfiles.name_in(Path(job.path), filename)
    if safe not in job.files:
        raise FileNotFoundError(2, f"{job} has no such registered file to link", safe)
    return safe


def _set_as_list(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(
        f"{jobfiles.show(value)}, of type {type(value).__name__}, cannot be written as JSON; save() can."
    )


def _matching(root: Path, pattern: str) -> Iterator[str]:
    for path in root.glob(pattern):
        name = path.relative_to(root).as_posix()
        hidden = any(part.startswith(".") for part in name.split("/"))
        if not hidden and name.split("/")[0] not in RESERVED and jobfiles.is_plain_file(path):
            yield jobfiles.name_in(root, str(jobfiles.locate(root, name)))


_running: list[CurrentJob] = []  # none, or the one that this process runs


def run_as(job: CurrentJob) -> None:
    """This process is now that job."""
    _running[:] = [job]


def running() -> CurrentJob:
    if not _running:
        raise WrongState("This works only inside a running job: in prepare, analysis or synthesis.")
    return _running[0]
