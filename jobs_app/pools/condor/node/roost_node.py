"""Runs one slice in an HTCondor sandbox: roost_node.py SLICE run [WORD...] | SLICE whole

It stands alone: standard library only, Python from 3.9 on. What it leaves for HTCondor to carry home:

    roost_result.tar    every file that is new or changed
    roost_record.json   how the slice ended, what it used, and each file of the tar with size and sha256

Both are there, empty, before the work begins: HTCondor holds a job whose output is missing, also one that
was killed. The slice ends as the work ended, by the same code or the same signal, so that HTCondor's own
record is right.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

RESULT, RECORD, TASK = "roost_result.tar", "roost_record.json", ".roost_task.json"
OURS = {RESULT, RECORD, TASK, "roost_node.py", "roost.zip", "roost_start.sh"}
CONDORS = (
    "_condor_",
    "condor_exec",
    ".job.ad",
    ".machine.ad",
    ".update.ad",
    ".chirp",
    ".docker",
    "docker_std",
)
CANNOT_RUN, NOT_FOUND = 126, 127
PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGQUIT)
CHUNK = 1 << 20

Mark = tuple[int, int, int]  # size, time of change, inode


def main(words: list[str]) -> int:
    sliceno, kind, rest = int(words[0]), words[1], [argument(word) for word in words[2:]]
    Path(RESULT).touch()
    write_json(RECORD, {})
    task = json.loads(Path(TASK).read_text())
    before = marks()
    started = time.time()
    code = run(command(task, kind, rest), environment(task, sliceno))
    files = pack(changed(before))
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    record: dict[str, Any] = {
        "attempt": task["attempt"],
        "slice": sliceno,
        "exit_code": max(code, 0),
        "signal": max(-code, 0),
        "start": started,
        "end": time.time(),
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "memory_bytes": usage.ru_maxrss << 10,
        "host": socket.gethostname(),
        "files": files,
    }
    if kind == "whole":
        record.update(what_the_runner_wrote(Path(task["spec"]).with_name("facts")))
    write_json(RECORD, record)
    return code


def what_the_runner_wrote(facts: Path) -> dict[str, Any]:
    """How each part of a script ended; post.json is there only if all went well."""
    data = facts.read_bytes() if facts.exists() else b""
    return {"facts": base64.b64encode(data).decode(), "well": Path("post.json").exists()}


def argument(word: str) -> str:
    return "" if word == "%" else unquote(word)


def command(task: dict[str, Any], kind: str, arguments: list[str]) -> list[str]:
    if kind == "whole":
        slots = str(task["cpus"])
        return [sys.executable, "-I", "-S", "roost.zip", "run-all", task["spec"], "--slots", slots]
    program = task["executable"]
    local = Path(program)
    if task["sent"]:
        local.chmod(0o755)
        program = str(local.absolute())
    return [program, *(task["arguments"] or arguments)]


def environment(task: dict[str, Any], sliceno: int) -> dict[str, str]:
    ours = {
        "ROOST_JOB": str(task["job"]),
        "ROOST_ATTEMPT": task["attempt"],
        "ROOST_SLICE": str(sliceno),
        "ROOST_SLICES": str(task["slices"]),
    }
    return {**os.environ, **ours, **task["environment"]}


def run(words: list[str], variables: dict[str, str]) -> int:
    """The exit code, or minus the signal."""
    try:
        child = subprocess.Popen(words, env=variables, stdin=subprocess.DEVNULL)
    except OSError as error:
        sys.stderr.write(f"{words[0]} cannot be run: {error.strerror}.\n")
        return NOT_FOUND if isinstance(error, FileNotFoundError) else CANNOT_RUN
    for number in PASSED_ON:
        signal.signal(number, lambda received, _: child.send_signal(received))
    return child.wait()


def names() -> Iterator[str]:
    """Every file below this folder, without those of Roost and HTCondor."""
    for folder, folders, files in os.walk("."):
        top = folder == "."
        folders[:] = sorted(name for name in folders if not (top and is_theirs(name)))
        for name in sorted(files):
            if not (top and is_theirs(name)):
                yield os.path.normpath(os.path.join(folder, name))


def is_theirs(name: str) -> bool:
    return name in OURS or name.startswith(CONDORS)


def marks() -> dict[str, Mark]:
    return {name: mark(os.lstat(name)) for name in names()}


def mark(known: os.stat_result) -> Mark:
    return (known.st_size, known.st_mtime_ns, known.st_ino)


def changed(before: dict[str, Mark]) -> Iterator[tuple[str, os.stat_result]]:
    for name in names():
        try:
            known = os.stat(name)
        except FileNotFoundError:  # a link to nothing
            continue
        if stat.S_ISREG(known.st_mode) and before.get(name) != mark(os.lstat(name)):
            yield name, known


def pack(files: Iterator[tuple[str, os.stat_result]]) -> dict[str, dict[str, Any]]:
    """Writes the tar; the manifest says what went into it, not what lay on the disk a moment before."""
    manifest = {}
    with tarfile.open(RESULT, "w", format=tarfile.PAX_FORMAT, dereference=True) as archive:
        for name, known in files:
            with open(name, "rb") as handle:
                reader = Hashing(handle, known.st_size)
                member = tarfile.TarInfo(name)
                member.size, member.mode, member.mtime = (
                    known.st_size,
                    known.st_mode & 0o777,
                    int(known.st_mtime),
                )
                archive.addfile(member, reader)
            manifest[name] = {"size": known.st_size, "sha256": reader.digest.hexdigest()}
    return manifest


class Hashing:
    """A file that is hashed while it is read."""

    def __init__(self, handle: Any, size: int) -> None:
        self.handle, self.left, self.digest = handle, size, hashlib.sha256()

    def read(self, count: int = CHUNK) -> bytes:
        data: bytes = self.handle.read(min(count, self.left))
        self.left -= len(data)
        self.digest.update(data)
        return data


def write_json(name: str, value: Any) -> None:
    Path(name + ".part").write_text(json.dumps(value))
    os.replace(name + ".part", name)


def end_like(code: int) -> None:
    """Ends this process as the work ended."""
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(max(code, 0))


if __name__ == "__main__":
    end_like(main(sys.argv[1:]))
