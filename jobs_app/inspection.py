"""What there is to see of a job beyond its row: files, output, errors, what running parts say. Read from its
directory and its slices' rows; nothing here asks a pool, opens a pickle or changes anything."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.db.models import Sum

from jobs_app.errors import Damaged
from jobs_app.jobdir import errors, manifest, remote
from jobs_app.jobdir.files import is_plain_file, walked
from jobs_app.jobdir.layout import PREPARE, RESERVED, STEPS, SYNTHESIS, AttemptPaths
from jobs_app.jobdir.output import Output, Part
from jobs_app.jobdir.text import storable
from jobs_app.models import CondorWorkflow, CondorWorkflowNode, Job, Scheduler, SliceBlock, WorkflowNode
from jobs_app.script.status import read as read_status
from jobs_app.states import Counts, SliceState

LONGEST_TEXT = 64 * 1024
MOST_LEFT = 10_000  # files that are listed of a job that did not end well
_COUNTS = [state.name.lower() for state in SliceState]


@dataclass(frozen=True)
class File:
    name: str
    size: int
    remote: bool = False  # it stayed on the pool, and comes when it is read


@dataclass(frozen=True)
class Text:
    """The end of something long, and how long the whole is."""

    text: str
    size: int

    @property
    def cut(self) -> bool:
        return self.size > LONGEST_TEXT


@dataclass(frozen=True)
class Trouble:
    part: str
    text: str

    @property
    def where(self) -> str:
        return f"slice {self.part}" if self.part.isdecimal() else self.part


# --- files ------------------------------------------------------------------------------------------------


def files(job: Job) -> list[File]:
    """The registered files of a job that ended well; without a sound manifest, whatever lies there."""
    if not has_directory(job):
        return []
    away = remote.absent(job.paths)
    with suppress(FileNotFoundError, Damaged):
        listed = sorted(manifest.read(job.paths).items())
        return [File(name, entry.size, name in away) for name, entry in listed]
    found = [*itertools.islice(left_behind(job.directory), MOST_LEFT)]
    found += [File(name, known.size, remote=True) for name, known in away.items()]
    return sorted(found, key=lambda file: file.name)


def has_directory(job: Job) -> bool:
    return job.address is not None and job.directory.is_dir()


def left_behind(root: Path) -> Iterator[File]:
    """The plain files of a job, or of what an attempt left, without those that are Roost's own."""
    for top in root.iterdir():
        if top.name in RESERVED or top.name.startswith("signac_"):
            continue
        yield from _plain_files(root, top)


def _plain_files(root: Path, top: Path) -> Iterator[File]:
    """Not through links that are folders or lead out; what goes meanwhile is gone."""
    inside = root.resolve()
    for path in map(Path, walked(top)) if top.is_dir() and not top.is_symlink() else [top]:
        with suppress(OSError):  # its name is too long for the system, or it is gone
            if is_plain_file(path) and path.resolve().is_relative_to(inside):
                yield File(str(path.relative_to(root)), path.stat().st_size)


# --- slices -----------------------------------------------------------------------------------------------


def steps(job: Job) -> list[tuple[str, Counts]]:
    """How many slices of each step are in each state, in the order in which the steps run."""
    blocks = SliceBlock.objects.filter(attempt__job_id=job.pk, attempt__number=job.number_of_attempts)
    rows = blocks.values_list("step").annotate(**{f"all_{name}": Sum(name) for name in _COUNTS})
    found = {step: Counts(*counts) for step, *counts in rows}
    return sorted(found.items(), key=lambda item: STEPS.index(item[0]))


def scheduler(job: Job) -> Scheduler | None:
    """Where it runs or ran: a job may name none and is given one when it is executed."""
    last = job.attempts.filter(number=job.number_of_attempts).select_related("scheduler").first()
    return last.scheduler if last is not None else job.scheduler


def form(job: Job) -> str:
    """How its pool runs the last attempt, where it has several ways: "one-proc", "batch-dag", "own-dag"."""
    last = job.attempts.filter(number=job.number_of_attempts)
    return last.values_list("form", flat=True).first() or ""


def saying(job: Job, limit: int = 20) -> list[tuple[str, str]]:
    """What running parts say of themselves: each one's innermost status."""
    attempt = _attempt(job)
    if attempt is None or job.is_final:
        return []
    paths = itertools.islice(_sorted_parts(attempt.root / "status"), limit)
    said = ((path.name, read_status(path)) for path in paths)
    return [(part, lines[-1].text) for part, lines in said if len(lines) > 1]


# --- a workflow's nodes -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class NodeView:
    """A node of the last attempt, and the edges to it: `parents`, each of which stands before it."""

    name: str
    state: SliceState
    parents: list[str]
    slices: Counts
    first: int  # number of its first slice
    final: bool = False
    tries: int = 0
    host: str = ""
    exit_code: int | None = None
    signal: int | None = None
    started: datetime | None = None
    ended: datetime | None = None
    reason: str = ""


def nodes(job: Job) -> list[NodeView]:
    """Of a workflow, parents first; before it was executed as they are declared. Empty for other jobs."""
    if not isinstance(job, CondorWorkflow):
        return []
    attempt = job.attempts.filter(number=job.number_of_attempts).first()
    if attempt is None:
        return [_declared(node) for node in job.nodes]
    blocks = attempt.blocks.order_by("first").values_list("states", flat=True)
    states = b"".join(map(bytes, blocks))
    return [_seen(row, states) for row in attempt.nodes.order_by("position")]


def _declared(node: CondorWorkflowNode) -> NodeView:
    parents = [parent.name for parent in node.parents]
    counts = Counts(waiting=node.num_jobs)
    return NodeView(node.name, SliceState.WAITING, parents, counts, node.slices[0], node.final)


def _seen(row: WorkflowNode, states: bytes) -> NodeView:
    mine = states[row.first : row.first + row.slices]
    known = {name: getattr(row, name) for name in _SEEN}
    counts = Counts.of({state: mine.count(state) for state in SliceState})
    return NodeView(row.name, _together(mine), list(row.parents), counts, **known)


_SEEN = ("first", "final", "tries", "host", "exit_code", "signal", "started", "ended", "reason")

# Of slices in different states, what is most worth telling.
_TELLING = (
    SliceState.HELD,
    SliceState.RUNNING,
    SliceState.SUSPENDED,
    SliceState.FAILED,
    SliceState.WAITING,
    SliceState.REMOVED,
    SliceState.DONE,
    SliceState.SKIPPED,
)


def _together(states: bytes) -> SliceState:
    return next(state for state in _TELLING if state in states)


# --- output and errors --------------------------------------------------------------------------------------


def parts(job: Job) -> list[Part]:
    """The parts that have printed something."""
    return Output(job.paths.output).names() if has_directory(job) else []


def output(job: Job, part: str) -> Text:
    found = Output(job.paths.output)
    size = found.size(part)
    return Text(_clean(found.read(part, max(0, size - LONGEST_TEXT))), size)


def _clean(data: bytes) -> str:
    """As a terminal would leave it: of a line that was rewritten the last version stays."""
    lines = data.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def troubles(job: Job, limit: int = 5) -> list[Trouble]:
    """The errors of the parts that failed, the first ones."""
    attempt = _attempt(job)
    return troubles_of(attempt, limit) if attempt else []


def troubles_of(attempt: AttemptPaths, limit: int = 5) -> list[Trouble]:
    paths = (path for path in _sorted_parts(attempt.root / "errors") if not errors.is_aside(path))
    return [Trouble(path.stem, _error_text(path)) for path in itertools.islice(paths, limit)]


def _error_text(path: Path) -> str:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        return f"{path} cannot be read: {error}"
    if not isinstance(content, dict):
        return storable(str(content))
    text = str(content.get("traceback") or content.get("message") or content)
    return storable(text)


def _attempt(job: Job) -> AttemptPaths | None:
    if not has_directory(job) or not job.number_of_attempts:
        return None
    return job.paths.attempt(job.number_of_attempts)


def _sorted_parts(folder: Path) -> list[Path]:
    paths = folder.iterdir() if folder.is_dir() else iter(())
    return sorted((path for path in paths if not path.name.startswith(".")), key=_place)


def _place(path: Path) -> tuple[int, int, str]:
    if path.stem.isdecimal():
        return (1, int(path.stem), "")
    return ({PREPARE: 0, SYNTHESIS: 2}.get(path.stem, 3), 0, path.stem)


# --- words ------------------------------------------------------------------------------------------------


def duration(time: timedelta | str | None) -> str:
    """ "3.2 s", "4:05", "2:04:05", "3 d 02:04"; "" for what has not begun."""
    if not isinstance(time, timedelta):
        return ""
    seconds = max(0.0, time.total_seconds())
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 24:
        return f"{hours // 24} d {hours % 24:02}:{minutes:02}"
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(number: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if number >= 100 or unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"
