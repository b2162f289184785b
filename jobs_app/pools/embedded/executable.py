"""Runs one slice of an executable in the current process's place: a child, its output, its record."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jobs_app.jobdir import errors, facts
from jobs_app.killpoints import reach
from jobs_app.states import SliceState

from ..base import Task
from .record import attempt_paths, explain
from .work import Part

CANNOT_RUN, NOT_FOUND = 126, 127


@dataclass(frozen=True)
class End:
    """How the child ended: its exit code or minus its signal, and what it used."""

    status: int
    cpu_seconds: float = 0.0
    memory_bytes: int = 0


Worker = Callable[[Task, Part, int, Sequence[str]], End]


def run(
    task: Task,
    part: Part,
    tries: int,
    arguments: Sequence[str],
    worker: Worker | None = None,
    folder: Path | None = None,
) -> int:
    """Its record is the last thing it writes; the exit code says only whether that could be done."""
    start = time.time()
    stopped = _let_only_the_child_stop()
    os.chdir(folder or task.directory)
    paths = attempt_paths(task)
    paths.root.mkdir(parents=True, exist_ok=True)
    errors.set_aside(paths.error(*part), tries)
    end = (worker or run_child)(task, part, tries, arguments)
    if stopped:  # whatever it ended with, it was not given the time to end
        end = replace(end, status=-signal.SIGTERM)
    fact = _fact(end, tries, start, _drop_if_empty(paths.output(*part)))
    reach("part.before-record")
    facts.write(paths.facts, part.step, part.slice, fact)
    reach("part.recorded")
    return 0


def _fact(end: End, tries: int, start: float, output_bytes: int) -> facts.Fact:
    return facts.Fact(
        state=SliceState.FAILED if end.status else SliceState.DONE,
        tries=tries,
        exit_code=max(end.status, 0),
        signal=max(-end.status, 0),
        start=start,
        end=time.time(),
        cpu_seconds=end.cpu_seconds,
        memory_bytes=end.memory_bytes,
        output_bytes=output_bytes,
    )


def _let_only_the_child_stop() -> list[int]:
    """Who is told to stop is the whole group; this process stays, to record how the child has ended."""
    seen: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))
    return seen


def run_child(task: Task, part: Part, tries: int, arguments: Sequence[str]) -> End:
    output = attempt_paths(task).output(*part)
    output.parent.mkdir(exist_ok=True)
    handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        pid = _spawn(task, part, arguments, handle)
    except OSError as error:
        message = f"{task.executable} cannot be run: {error.strerror}"
        os.write(handle, f"{message}\n".encode())
        explain(task, part, tries, message)
        return End(NOT_FOUND if isinstance(error, FileNotFoundError) else CANNOT_RUN)
    finally:
        os.close(handle)
    reach("part.running")
    _, status, usage = os.wait4(pid, 0)
    return End(os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10)


def _spawn(task: Task, part: Part, arguments: Sequence[str], output: int) -> int:
    ours = {
        "ROOST_JOB": str(task.job),
        "ROOST_ATTEMPT": task.attempt,
        "ROOST_SLICE": str(part.slice),
        "ROOST_SLICES": str(_slices(task, part)),
    }
    return os.posix_spawnp(
        task.executable,
        [task.executable, *arguments],
        {**os.environ, **ours, **task.environment},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, output, 1),
            (os.POSIX_SPAWN_DUP2, output, 2),
        ],
        setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
    )


def _slices(task: Task, part: Part) -> int:
    return sum(step.slices for step in task.steps if step.name == part.step)


def _drop_if_empty(output: Path) -> int:
    if not output.exists():  # nothing was started
        return 0
    size = output.stat().st_size
    if size == 0:
        output.unlink()
    return size


def link_inputs(task: Task, folder: Path | None = None) -> None:
    """Each slice finds the inputs in its folder, which is the job's unless another is given."""
    for path in map(Path, task.inputs):
        place = Path(folder or task.directory, path.name)
        if not place.exists() and not place.is_symlink():
            place.symlink_to(path)
