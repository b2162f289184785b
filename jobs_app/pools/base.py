"""What every pool can do: the verbs, and the values that go in and come out.

A pool knows nothing of rows, users or Django's models: it takes `Sending`s (a batch of tasks), keeps them,
runs them, and says what happened as `Event`s in segments that are read from an offset on. The embedded pool
and HTCondor answer the same verbs, so a laptop is a cluster.

    PoolError
     +- PoolUnreachable     nothing is known of the effect; look before you try again
     |   +- AccessDenied    the access point does not let us in, or is not the one we know; a person must act
     +- Refused             the pool said no, and will say so again (its own words in the message)
     +- Garbled             the answer could not be read (the answer is in the message)
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


class PoolError(Exception):
    """Something between us and a pool went wrong."""


class PoolUnreachable(PoolError):
    """The pool did not answer. The effect of what was asked is unknown."""


class AccessDenied(PoolUnreachable):
    """The access point does not let us in, or is not the one that we know. Trying again will not help."""


class Refused(PoolError):
    """The pool understood and said no."""


class Garbled(PoolError):
    """The pool said something that is not an answer."""


@dataclass(frozen=True)
class Resources:
    """What one slice may use; 0 means no limit (or the pool's own default)."""

    cpus: int = 1
    memory_mb: int = 0
    disk_mb: int = 0
    gpus: int = 0
    wall_seconds: int = 0


@dataclass(frozen=True)
class Step:
    """`slices` procs that may run at once; the next step begins when all have ended well."""

    name: str
    slices: int = 1


@dataclass(frozen=True)
class Hook:
    """A local file that runs beside a node, where the graph is walked: before it, or after it."""

    path: str  # absolute
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Node:
    """Slices `first` to `first + slices - 1` of a workflow's one step. They may run when all parents have
    ended well; the final node runs last, whatever became of the others."""

    name: str
    first: int
    slices: int = 1
    parents: tuple[str, ...] = ()  # each stands before this node in its task
    executable: str = ""  # as a task's
    arguments: tuple[tuple[str, ...], ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    asks: tuple[tuple[str, str], ...] = ()  # (node, pattern): files that this node left
    resources: Resources = Resources()
    template: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    pre: Hook | None = None
    post: Hook | None = None
    pre_skip: int | None = None  # ended so, `pre` makes the node done without running
    variables: Mapping[str, str] = field(default_factory=dict)
    priority: int = 0
    category: str = ""  # see Task.throttles
    retries: int = 0  # further tries that the node gets, all its slices together
    retry_unless: int | None = None  # ended so, it gets none
    abort_on: int | None = None  # ended so, the whole workflow ends
    abort_return: int | None = None  # as if with this exit code
    folder: str = ""  # of its results, below the job's `nodes`
    noop: bool = False  # its hooks run, its program does not
    final: bool = False


@dataclass(frozen=True)
class Task:
    """One attempt, as a pool sees it."""

    attempt: str  # the attempt's token: 32 hex digits, unique for ever
    job: int
    number: int
    directory: str  # the job's directory on the server, absolute
    steps: tuple[Step, ...]
    script: str = ""  # path of the script below `directory`; empty for an executable
    executable: str = ""  # absolute path of a local file; or a bare name or path to be found on the node
    arguments: tuple[tuple[str, ...], ...] = ()  # one row for all slices, or a row a slice
    environment: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()  # absolute local paths that each slice finds in its folder
    resources: Resources = Resources()
    retries: int = 0  # further tries that a slice gets
    done: tuple[tuple[str, int, int], ...] = ()  # (step, first slice, how many): done before, not run again
    lost: tuple[tuple[str, int, int], ...] = ()  # likewise: removed, so what they left may be incomplete
    well: tuple[tuple[str, int, int], ...] = ()  # likewise: ended well as procs of this attempt
    concurrency: int = 0  # slices at once; 0: as the pool likes
    priority: int = 0
    template: str = ""  # submit description to start from (condor_templates/<name>.sub)
    attributes: Mapping[str, Any] = field(default_factory=dict)  # submit attributes that override it
    nodes: tuple[Node, ...] = ()  # of a workflow, parents first: together all slices of its one step
    throttles: Mapping[str, int] = field(default_factory=dict)  # nodes of a category at once
    settings: Mapping[str, str] = field(default_factory=dict)  # of HTCondor's DAGMan, for this workflow
    remote_from: int = 0  # results of so many bytes or more stay on the pool; 0: none does


@dataclass(frozen=True)
class Sending:
    """One batch: sent once, whatever happens. `token` is how it is found again."""

    token: str
    segment: str
    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class Sent:
    """The pool's own name for a batch. `refused`: attempts that it did not take, and its words; the others it
    keeps. (A pool that takes none raises Refused.) `forms`: how it runs attempts, where there are several
    ways."""

    remote_id: str
    refused: Mapping[str, str] = field(default_factory=dict)
    forms: Mapping[str, str] = field(default_factory=dict)
    # What was sent, for which attempts, and its name; not known of what was found again.
    descriptions: Sequence[tuple[str, Sequence[str], str]] = field(default=(), compare=False)


class EventKind(enum.StrEnum):
    ACCEPTED = "accepted"  # the pool keeps the whole attempt
    STARTED = "started"
    ENDED = "ended"  # by itself; exit_code, signal and will_retry tell how
    EVICTED = "evicted"  # lost without fault of its own; it will start again
    HELD = "held"
    RELEASED = "released"
    REMOVED = "removed"
    SKIPPED = "skipped"  # will never run: an earlier step failed, or the script finished early
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    USAGE = "usage"  # what it uses now; changes nothing
    SAYING = "saying"  # what a running part says of itself: data has its lines; changes nothing
    REQUEST = "request"  # a running slice asks for a subjob; data holds the request
    FINISHED = "finished"  # nothing of the attempt will happen any more


@dataclass(frozen=True)
class Usage:
    """What a slice used of what it asked for; None where the pool does not say it."""

    cpus_used: float | None = None
    cpus: float | None = None
    memory_used: int | None = None  # MB
    memory: int | None = None
    disk_used: int | None = None  # KB
    disk: int | None = None


@dataclass(frozen=True)
class Event:
    """Something that the pool says has happened to `count` slices from `slice` on."""

    kind: EventKind
    attempt: str
    at: float  # Unix seconds
    step: str = ""
    slice: int = 0
    count: int = 1
    tries: int = 1
    exit_code: int | None = None
    signal: int | None = None
    will_retry: bool = False
    host: str = ""
    memory_mb: int | None = None
    usage: Usage | None = None
    code: int = 0  # HTCondor's hold code, or ours
    reason: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Events:
    """What was read, and where to go on reading."""

    events: tuple[Event, ...]
    offset: int


@dataclass(frozen=True)
class Selection:
    """An attempt, or some slices of one of its steps."""

    attempt: str
    step: str = ""
    slices: tuple[int, ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """What the pool knows of an attempt now: the state of each slice, step by step (one byte each,
    `jobs_app.states.SliceState`)."""

    attempt: str
    slices: Mapping[str, bytes]
    finished: bool = False
    hold: tuple[int, str] | None = None  # code and reason of the first slice that is held
    traced: bool = False  # the pool has forgotten it; what it left behind tells this


class Pool(Protocol):
    """Every verb may raise PoolError; none raises anything else for reasons outside this process. Those that
    act may return what follows at once for slices of which no segment will tell it."""

    def send(self, sending: Sending) -> Sent:
        """Take a batch over. After PoolUnreachable the caller must `look` before sending again."""

    def look(self, token: str) -> Sent | None:
        """The batch sent with this token; None only if the pool surely does not have it and never will."""

    def follow(self, segment: str, offset: int, wait: float = 0.0) -> Events:
        """Events from `offset` on; waits up to `wait` seconds for the first one."""

    def query(self, attempts: Sequence[str]) -> Mapping[str, Snapshot]:
        """What the pool knows now; attempts it does not know are left out (unknown, not finished)."""

    def hold(self, selection: Selection, reason: str) -> Sequence[Event] | None: ...

    def release(self, selection: Selection) -> Sequence[Event] | None: ...

    def remove(self, selection: Selection, reason: str) -> Sequence[Event] | None:
        """Ends what has not ended. Removing what is gone already is no error."""

    def change(self, selection: Selection, resources: Resources) -> Sequence[Event] | None:
        """New limits, for the slices' next start."""

    def answer(self, attempt: str, request: str, answer: Mapping[str, Any]) -> None:
        """Gives a waiting slice what it asked for. Answering twice is no error."""

    def fetch(self, task: Task, into: Path) -> bool:
        """Brings the results into `into`; False where they already lie in the job's directory."""

    def tail(self, task: Task, step: str, sliceno: int, stream: str, offset: int) -> tuple[bytes, int]:
        """What a slice wrote to `stream` ("output" or "error") from `offset` on, and the next offset."""

    def forget(self, attempts: Sequence[str]) -> None:
        """The results are safe here: the pool may drop all that it keeps of these attempts."""

    def close(self) -> None: ...
