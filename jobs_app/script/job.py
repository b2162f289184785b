"""A finished job, as scripts see it: a str ("ising-42") that knows the files of its directory."""

from __future__ import annotations

import fnmatch
import json
import os
import pickle
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Callable, Optional, Union

from jobs_app.errors import Invalid, NotAllowed, UnknownJob
from jobs_app.jobdir import files as jobfiles
from jobs_app.jobdir.layout import JobPaths
from jobs_app.jobdir.output import Output

from .dotdict import DotDict

if TYPE_CHECKING:
    from .jobwithfile import JobWithFile

_ID = re.compile(r"(?P<workdir>.+)-(?P<number>\d+)")
_NONE = object()  # stands for "no default given"

Resolver = Callable[[str], Union[str, "os.PathLike[str]", None]]


class _Whereabouts:
    """Where the jobs lie that this process has heard of, and whom to ask about the others."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.resolver: Optional[Resolver] = None

    def find(self, jobid: str) -> str:
        found = self.known.get(jobid) or (self.resolver(jobid) if self.resolver else None)
        if found is None:
            raise UnknownJob(f"There is no job {jobid!r} here. Pass it in `jobs`, then it can be found.")
        return os.fspath(found)


_whereabouts = _Whereabouts()


def can_ask() -> bool:
    return _whereabouts.resolver is not None


def set_resolver(resolver: Optional[Resolver]) -> None:
    """`resolver(id)` gives the directory of a job, or None. It is asked about jobs that nobody `learn`ed."""
    _whereabouts.resolver = resolver


def learn(jobid: str, path: Union[str, os.PathLike[str]]) -> None:
    """From now on this job lies there."""
    _whereabouts.known[str(jobid)] = os.fspath(path)


def forget_all() -> None:
    """What was learned. (Tests, and processes that live long.)"""
    _whereabouts.known.clear()


class Files(set[str]):
    """The names of a job's files: a set, which may also be called to choose among them."""

    def __init__(self, names: Iterable[str] = (), root: str = "") -> None:
        super().__init__(names)
        self._root = root

    def __call__(self, pattern: str = "*", absolute: bool = False) -> Files:
        chosen = fnmatch.filter(self, pattern)
        return Files((os.path.join(self._root, name) for name in chosen) if absolute else chosen, self._root)


class CallableText(str):
    """A text that may be called, because it is a method elsewhere: `job.input_directory()`."""

    __slots__ = ()

    def __call__(self) -> str:
        return str(self)


class Job(str):
    """A job, by its id. It is the text of the id in every respect; nothing is read before it is asked for.

    Pickled it becomes a plain str.
    """

    def __new__(cls, jobid: str, method: Optional[str] = None) -> Job:
        if isinstance(jobid, cls) and method is None:
            return jobid
        text: object = jobid  # callers of scripts pass anything
        if not isinstance(text, str) or not _ID.fullmatch(text):
            raise UnknownJob(f"{jobid!r} is not the id of a job. It looks like 'ising-42'.")
        job = super().__new__(cls, jobid)
        job._method = method
        return job

    _method: Optional[str]

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (str(self),)

    # --- what it is -----------------------------------------------------------------------------------------

    @property
    def workdir(self) -> str:
        return self.rpartition("-")[0]

    @property
    def number(self) -> int:
        return int(self.rpartition("-")[2])

    @property
    def path(self) -> str:
        return _whereabouts.find(str(self))

    @property
    def method(self) -> str:
        return self._method or str(self.params.method)

    @property
    def paths(self) -> JobPaths:
        return JobPaths(self.path)

    @property
    def params(self) -> DotDict:
        """What was asked for: setup.json, with the options typed as they were."""
        from .parameters import read_params

        return read_params(self)

    @property
    def post(self) -> DotDict:
        """How it went: post.json. FileNotFoundError until the job ended well."""
        from .parameters import read_post

        return read_post(self)

    @property
    def version(self) -> int:
        return int(self.params.version)

    @property
    def input_directory(self) -> CallableText:
        return CallableText(self.params.get("input_directory") or "")

    @property
    def parent(self) -> Job:
        """The job that built this one, or NoJob."""
        parent = self.params.get("parent")
        return Job(parent) if parent else NoJob

    @property
    def is_build(self) -> bool:
        return bool(self.params.get("is_build", False))

    @property
    def build_job(self) -> Job:
        """The build script that this job goes back to, or NoJob."""
        job = self
        while job and not job.is_build:
            job = job.parent
        return job

    # --- its files ------------------------------------------------------------------------------------------

    @property
    def files(self) -> Files:
        """The registered files, also `job.files("*.txt")`; none as long as the job has not ended well."""
        try:
            return Files(self.post["files"], self.path)
        except (FileNotFoundError, UnknownJob):
            return Files()

    def filename(self, filename: jobfiles.Name, sliceno: Optional[int] = None) -> str:
        return str(jobfiles.locate(Path(self.path), sliced(filename, sliceno)))

    def open(
        self,
        filename: jobfiles.Name,
        mode: str = "r",
        sliceno: Optional[int] = None,
        encoding: Optional[str] = None,
        errors: Optional[str] = None,
    ) -> IO[Any]:
        refuse_writing(mode, f"{self} is another job, or has ended: its files can only be read.")
        return open_text(self.filename(filename, sliceno), mode, encoding, errors)

    def load(
        self,
        filename: jobfiles.Name = "result.pickle",
        sliceno: Optional[int] = None,
        encoding: str = "bytes",
        default: Any = _NONE,
    ) -> Any:
        """What `save` wrote, or a script returned. Only for files of jobs that you trust: it is a pickle."""
        return _read(self.filename(filename, sliceno), lambda fh: pickle.load(fh, encoding=encoding), default)

    def json_load(
        self,
        filename: jobfiles.Name = "result.json",
        sliceno: Optional[int] = None,
        unicode_as_utf8bytes: bool = False,
        default: Any = _NONE,
    ) -> Any:
        value = _read(
            self.filename(filename, sliceno), lambda fh: json.load(fh, object_pairs_hook=DotDict), default
        )
        return _as_bytes(value) if unicode_as_utf8bytes and value is not default else value

    def withfile(self, filename: str, sliced: bool = False, extra: Any = None) -> JobWithFile:
        from .jobwithfile import JobWithFile

        return JobWithFile(self, jobfiles.safe_name(filename), sliced, extra)

    # --- its output -----------------------------------------------------------------------------------------

    def output(self, what: Union[str, int, None] = None) -> Any:
        """What the job printed: all of it, or that of "prepare", "analysis", "synthesis" or a slice's number.

        "parts" gives a dict of all parts, in order.
        """
        output = Output(JobPaths(self.path).output)
        if what is None:
            return "".join(output.parts().values())
        if what == "parts":
            return output.parts()
        if isinstance(what, int):
            return output.text(str(what))
        if what == "analysis":
            return "".join(text for part, text in output.parts().items() if isinstance(part, int))
        if what in ("prepare", "synthesis"):
            return output.text(what)
        raise Invalid(
            f"{what!r} is no part of a job. "
            "Ask for 'prepare', 'analysis', 'synthesis', 'parts' or a slice's number."
        )

    # --- its relations --------------------------------------------------------------------------------------

    def chain(
        self, length: int = -1, reverse: bool = False, stop_job: Union[str, Mapping[str, str], None] = None
    ) -> list[Job]:
        """This job and those before it (`jobs.previous`), the oldest first, down to before `stop_job`."""
        stop = _stop(stop_job)
        chain: list[Job] = []
        job = self
        while job and job != stop and len(chain) != length and job not in chain:
            chain.append(job)
            job = job.params.jobs.get("previous") or NoJob
        return chain if reverse else chain[::-1]

    def link_to_here(self, filename: jobfiles.Name = "result.pickle") -> None:
        """Inside a running job: the current job has this file of a finished one too, registered."""
        from .current import running

        running().adopt(self, filename)

    def link_result(
        self,
        filename: jobfiles.Name = "result.pickle",
        linkname: Optional[str] = None,
        header: Optional[str] = None,
        description: Optional[str] = None,
    ) -> None:
        """Inside a running job: this file, its own or a finished one's, is put among the results.

        It is at /results/ when the running job has ended well."""
        from .current import running

        running().put_among_results(self, filename, linkname or "", header or "", description or "")

    link_results = link_result


class _NoJob(Job):
    """An unset job: false, equal to '', without files."""

    def __new__(cls) -> _NoJob:
        job = str.__new__(cls, "")
        job._method = None
        return job

    path = None  # type: ignore[assignment]
    number = None  # type: ignore[assignment]
    workdir = None  # type: ignore[assignment]
    method = None  # type: ignore[assignment]
    parent = property(lambda self: self)

    @property
    def files(self) -> Files:
        return Files()

    @property
    def params(self) -> DotDict:
        return DotDict()

    post = params

    def load(self, *_: Any, **__: Any) -> Any:
        return None

    json_load = load

    def output(self, what: Union[str, int, None] = None) -> Any:
        return {} if what == "parts" else ""

    def chain(self, *_: Any, **__: Any) -> list[Job]:
        return []

    def filename(self, filename: jobfiles.Name, sliceno: Optional[int] = None) -> str:  # noqa: ARG002
        raise UnknownJob(
            f"No job was given, so there is no file {filename!r}. Test it first: `if jobs.previous:`."
        )

    def __repr__(self) -> str:
        return "NoJob"


NoJob = _NoJob()


class JobList(list[Job]):
    """Jobs in order, found by their place or by their method."""

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return JobList(super().__getitem__(key))
        if isinstance(key, int):
            return super().__getitem__(key)
        found = self.find(key)
        if not found:
            raise UnknownJob(
                f"There is no job of the method {key!r} here; there are {self.pretty or 'none'}."
            )
        return found[-1]

    def get(self, method: Union[str, int], default: Any = None) -> Any:
        try:
            return self[method]
        except (UnknownJob, IndexError):
            return default

    def find(self, method: str) -> JobList:
        return JobList(job for job in self if job.method == method)

    @property
    def pretty(self) -> str:
        return ", ".join(f"{job} ({job.method})" for job in self)


def sliced(filename: jobfiles.Name, sliceno: Optional[int]) -> str:
    name = os.fspath(filename)
    return name if sliceno is None else f"{name}.{sliceno}"


def refuse_writing(mode: str, why: str) -> None:
    if set(mode) - set("rbt"):
        raise NotAllowed(f"The mode {mode!r} writes. {why} Use 'r' or 'rb'.")


def open_text(path: str, mode: str, encoding: Optional[str], errors: Optional[str]) -> IO[Any]:
    """Like open, but text is UTF-8 wherever it runs."""
    if "b" not in mode and encoding is None:
        encoding = "utf-8"
    return open(path, mode, encoding=encoding, errors=errors)


def _read(path: str, reader: Callable[[IO[bytes]], Any], default: Any) -> Any:
    try:
        with open(path, "rb") as handle:
            return reader(handle)
    except FileNotFoundError:
        if default is _NONE:
            raise
        return default


def _as_bytes(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, dict):
        return DotDict({_as_bytes(key): _as_bytes(item) for key, item in value.items()})
    if isinstance(value, list):
        return [_as_bytes(item) for item in value]
    return value


def _stop(stop_job: Union[str, Mapping[str, str], None]) -> Optional[str]:
    """`{job: "name"}` means the job that `job` knows as jobs.name."""
    if not isinstance(stop_job, Mapping):
        return stop_job
    (job, name), *more = stop_job.items()
    if more:
        raise Invalid(f"stop_job names {len(stop_job)} jobs; the chain stops at one.")
    return str(Job(job).params.jobs.get(name) or "")
