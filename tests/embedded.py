"""What the tests of the embedded pool share: a pool in a folder of its own, and attempts to send."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jobs_app.jobdir import facts
from jobs_app.jobdir.layout import JobPaths
from jobs_app.pools.base import Event, EventKind, Sending, Step, Task
from jobs_app.pools.embedded.client import EmbeddedPool

SEGMENT = "segment"
DEADLINE = 60.0


class Attempts:
    """Sends attempts to a pool and reads what becomes of them."""

    def __init__(self, root: Path, pool: EmbeddedPool) -> None:
        self.root, self.pool = root, pool
        self.offset = 0
        self.events: list[Event] = []
        self._number = 0

    def directory(self) -> Path:
        self._number += 1
        directory = self.root / f"job-{self._number}"
        directory.mkdir(parents=True)
        return directory

    def executable(self, *command: str, slices: int = 1, **fields: Any) -> Task:
        name, *arguments = command
        rows = fields.pop("arguments", (tuple(arguments),))
        return self._task(Step("run", slices), executable=name, arguments=rows, **fields)

    def shell(self, text: str, **fields: Any) -> Task:
        return self.executable("/bin/sh", "-c", text, **fields)

    def script(
        self, text: str, slices: int = 2, options: Mapping[str, Any] | None = None, **fields: Any
    ) -> Task:
        steps = [
            Step(name, slices if name == "analysis" else 1)
            for name in ("prepare", "analysis")
            if f"def {name}(" in text
        ]
        task = self._task(*steps, Step("synthesis"), script=".roost/source/a_test.py", **fields)
        source = Path(task.directory, task.script)
        source.parent.mkdir(parents=True)
        source.write_text(text)
        spec = {
            "version": 1,
            "attempt": task.attempt,
            "number": task.number,
            "job": f"test-{task.job}",
            "job_id": task.job,
            "method": "test",
            "package": "",
            "script": task.script,
            "slices": slices,
            "options": options or {},
            "retries": task.retries,
            "input_directory": str(self.root),
        }
        path = JobPaths(task.directory).attempt(task.number).spec
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(spec))
        (Path(task.directory) / "setup.json").write_text(json.dumps({"version": 1}))
        return task

    def _task(self, *steps: Step, **fields: Any) -> Task:
        directory = self.directory()
        return Task(
            attempt=secrets.token_hex(16),
            job=self._number,
            number=1,
            directory=str(directory),
            steps=steps,
            **fields,
        )

    def send(self, *tasks: Task, token: str = "") -> None:
        self.pool.send(Sending(token or secrets.token_hex(16), SEGMENT, tasks))

    def run(self, *tasks: Task) -> list[Event]:
        self.send(*tasks)
        return self.until_finished(*tasks)

    def until_finished(self, *tasks: Task, deadline: float = DEADLINE) -> list[Event]:
        """All events of these attempts, once all are finished."""
        names = {task.attempt for task in tasks}
        self.until(lambda: names <= self.finished(), deadline)
        return [event for event in self.events if event.attempt in names]

    def until(self, condition: Callable[[], bool], deadline: float = DEADLINE) -> None:
        end = time.monotonic() + deadline
        while not condition():
            assert time.monotonic() < end, f"not within {deadline} s; {self._last()}"
            self.read(min(0.2, deadline))

    def read(self, wait: float = 0.0) -> None:
        found = self.pool.follow(SEGMENT, self.offset, wait)
        self.offset = found.offset
        self.events += found.events

    def _last(self) -> str:
        log = self.pool.places.log
        said = log.read_text()[-3000:] if log.exists() else ""
        return f"events: {self.events[-8:]}\nlog: {said}"

    def finished(self) -> set[str]:
        return {event.attempt for event in self.events if event.kind == EventKind.FINISHED}

    def of(self, task: Task, kind: EventKind) -> list[Event]:
        return [event for event in self.events if event.attempt == task.attempt and event.kind == kind]

    def until_started(self, task: Task, count: int = 1) -> None:
        self.until(lambda: len(self.of(task, EventKind.STARTED)) >= count)

    def outcome(self, task: Task) -> Mapping[str, Any]:
        (finished,) = self.of(task, EventKind.FINISHED)
        return finished.data


def output(task: Task, part: str | int) -> str:
    return (Path(task.directory) / "OUTPUT" / str(part)).read_text()


def fact(task: Task, step: str, sliceno: int = 0) -> facts.Fact | None:
    return facts.read(JobPaths(task.directory).attempt(task.number).facts, step, sliceno)


def wait_for(condition: Callable[[], Any], deadline: float = DEADLINE) -> Any:
    """What `condition` gives, once it is true."""
    end = time.monotonic() + deadline
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {deadline} s"
        time.sleep(0.005)
    return found


def wait_for_file(path: Path) -> None:
    wait_for(path.exists)


def wait_for_text(path: Path) -> str:
    return str(wait_for(lambda: path.exists() and path.read_text()))


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def processes(root: Path) -> dict[int, str]:
    """Those whose command line or working directory names something below `root`."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            text = _about(entry)
            if str(root) in text:
                found[int(entry.name)] = text
    return found


def _about(entry: Path) -> str:
    try:
        if (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return ""
        return (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode() + str(
            (entry / "cwd").readlink()
        )
    except OSError:
        return ""


def end_all(root: Path, pool: EmbeddedPool) -> None:
    """Ends the daemon and everything that still works below `root`."""
    import signal

    pool.stop()
    for _ in range(200):
        left = processes(root)
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.01)
    raise AssertionError(f"still there: {left}")


def folders(tmp_path: Path) -> Iterator[Attempts]:
    pool = EmbeddedPool(tmp_path / "pool", slots=2)
    yield Attempts(tmp_path / "jobs", pool)
    end_all(tmp_path, pool)


def kinds(events: Sequence[Event]) -> list[str]:
    return [event.kind.value for event in events]
