"""Runs one slice of a workflow's node in the node's folder, between the scripts before and after it."""

from __future__ import annotations

import fnmatch
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from jobs_app.jobdir.layout import NODES

from ..base import Hook, Node, Refused, Task
from . import executable
from .executable import CANNOT_RUN, NOT_FOUND, End
from .record import attempt_paths, explain
from .work import Part


def check(task: Task) -> None:
    for node in task.nodes:
        if node.slices > 1 and (node.pre or node.post):
            raise Refused(
                f"Node {node.name} has {node.slices} slices and a script before or after them, which the "
                "pool of this machine cannot do. Give it one slice, or the job an HTCondor scheduler."
            )


def folder_of(task: Task, node: Node) -> Path:
    return Path(task.directory, NODES, node.folder)


def run(task: Task, node: Node, part: Part, tries: int, arguments: Sequence[str]) -> int:
    folder = folder_of(task, node)
    folder.mkdir(parents=True, exist_ok=True)
    own = {
        "ROOST_NODE": node.name,
        "ROOST_SLICE": str(part.slice - node.first),
        "ROOST_SLICES": str(node.slices),
    }
    alone = replace(
        task,
        nodes=(),
        executable=node.executable,
        inputs=node.inputs,
        environment={**own, **node.environment},
    )
    executable.link_inputs(alone, folder)
    worker = _Worker(alone, node, tries)
    link_asked(task, node)
    return executable.run(alone, part, tries, arguments, worker.run, folder)


def link_asked(task: Task, node: Node) -> None:
    """What earlier nodes left, by the names that it has in their folders."""
    by_name = {other.name: other for other in task.nodes}
    for name, pattern in node.asks:
        source = folder_of(task, by_name[name])
        for path in _matching(source, pattern):
            place = folder_of(task, node) / path.relative_to(source)
            if not place.exists() and not place.is_symlink():
                place.parent.mkdir(parents=True, exist_ok=True)
                place.symlink_to(path)


def _matching(folder: Path, pattern: str) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        own = re.sub(r"^slices/\d+/", "", path.relative_to(folder).as_posix())
        if path.is_file() and not path.is_symlink() and fnmatch.fnmatchcase(own, pattern):
            yield path


class _Worker:
    """What stands between a part's beginning and its record."""

    def __init__(self, task: Task, node: Node, tries: int) -> None:
        self.task, self.node, self.tries = task, node, tries

    def run(self, task: Task, part: Part, tries: int, arguments: Sequence[str]) -> End:
        missing = [pattern for _, pattern in self.node.asks if not self._is_there(pattern)]
        if missing:
            explain(task, part, tries, f"No earlier node left the file {missing[0]!r}.")
            return End(1)
        if self.node.pre and (code := self._hook("pre", self.node.pre, part, {})) is not None:
            return End(code)
        end = End(0) if self.node.noop else executable.run_child(task, part, tries, arguments)
        if self.node.post:
            known = {"RETURN": str(end.status)}
            return replace(end, status=self._hook("post", self.node.post, part, known) or 0)
        return end

    @staticmethod
    def _is_there(pattern: str) -> bool:
        return (
            any(character in pattern for character in "*?[")
            or Path(pattern).exists()
            or Path("slices").is_dir()
        )

    def _hook(self, which: str, hook: Hook, part: Part, known: Mapping[str, str]) -> int | None:
        """None if the part goes on; else how it ends."""
        code, last = self._call(which, hook, known)
        if which == "pre" and code and code == self.node.pre_skip:
            return 0
        if code:
            words = f": {last}" if last else "."
            explain(self.task, part, self.tries, f"Its {which} script ended with exit code {code}{words}")
        return code or None

    def _call(self, which: str, hook: Hook, known: Mapping[str, str]) -> tuple[int, str]:
        """Its exit code and the last line that it printed."""
        macros = {
            "JOB": self.node.name,
            "RETRY": str(self.tries - 1),
            "MAX_RETRIES": str(self.node.retries),
            **known,
        }
        words = [macros.get(word[1:], word) if word[:1] == "$" else word for word in hook.arguments]
        printed = attempt_paths(self.task).job.output / f"{self.node.name}.{which}"
        printed.parent.mkdir(exist_ok=True)
        ours = {
            "ROOST_JOB": str(self.task.job),
            "ROOST_ATTEMPT": self.task.attempt,
            "ROOST_NODE": self.node.name,
        }
        with printed.open("ab" if self.tries > 1 else "wb") as log:
            try:
                done = subprocess.run(
                    [hook.path, *words],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    check=False,
                    env={**os.environ, **ours},
                ).returncode
            except OSError as error:
                log.write(f"{hook.path} cannot be run: {error.strerror}\n".encode())
                done = NOT_FOUND if isinstance(error, FileNotFoundError) else CANNOT_RUN
        lines = printed.read_text("utf-8", "replace").splitlines() or [""]
        if not printed.stat().st_size:
            printed.unlink()
        return (done if done >= 0 else 128 - done), lines[-1][:300]
