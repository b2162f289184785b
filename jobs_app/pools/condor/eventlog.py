"""HTCondor's event log, as text. A pure function from bytes to events; it knows nothing of attempts.

005 (123.004.000) 2026-11-20 21:59:00 Job terminated.
<TAB>(1) Normal termination (return value 0)
...
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..base import Usage

_END = b"\n...\n"
_HEAD = re.compile(
    rb"^(\d{3}) \((-?\d+)\.(-?\d+)\.(-?\d+)\) "
    rb"((?:\d{4}-\d\d-\d\d|\d\d/\d\d)[ T]\d\d:\d\d:\d\d)[.\d]*(?:Z|[+-]\d\d:?\d\d)? ?",
    re.MULTILINE,
)

SUBMIT, EXECUTE, EVICTED, TERMINATED, IMAGE_SIZE = 0, 1, 4, 5, 6
SHADOW_EXCEPTION, GENERIC, ABORTED, SUSPENDED, UNSUSPENDED, HELD, RELEASED = 7, 8, 9, 10, 11, 12, 13
RECONNECT_FAILED, CLUSTER_REMOVED = 24, 36

WANTED = frozenset(
    b"%03d" % code
    for code in (
        SUBMIT,
        EXECUTE,
        EVICTED,
        TERMINATED,
        IMAGE_SIZE,
        SHADOW_EXCEPTION,
        GENERIC,
        ABORTED,
        SUSPENDED,
        UNSUSPENDED,
        HELD,
        RELEASED,
        RECONNECT_FAILED,
        CLUSTER_REMOVED,
    )
)


class LogEvent(NamedTuple):
    code: int
    cluster: int
    proc: int
    time: bytes  # the access point's own, without a zone
    text: bytes  # what follows the head, lines included

    @property
    def lines(self) -> list[str]:
        return [line.strip() for line in self.text.decode("utf-8", "replace").split("\n")]


def scan(data: bytes) -> tuple[list[LogEvent], int]:
    """The wanted events, and how many bytes are used up: the rest is an event that is not complete yet."""
    end = data.rfind(_END)
    if end < 0:
        return [], 0
    events: list[LogEvent] = []
    for chunk in data[:end].split(_END):
        if chunk[:3] in WANTED or not chunk[:3].isdigit():
            events += _events(chunk)
    return events, end + len(_END)


def _events(chunk: bytes) -> list[LogEvent]:
    """One event, unless a writer died in the middle of one: then the last begins after a torn one."""
    heads = list(_HEAD.finditer(chunk))
    return [_event(chunk, heads[-1])] if heads and heads[-1][1] in WANTED else []


def _event(chunk: bytes, head: re.Match[bytes]) -> LogEvent:
    return LogEvent(int(head[1]), int(head[2]), int(head[3]), head[5], chunk[head.end() :])


# --- what stands in an event's text ---------------------------------------------------------------------

_NORMAL = re.compile(rb"\(1\) Normal termination \(return value (-?\d+)\)")
_ABNORMAL = re.compile(rb"\(0\) Abnormal termination \(signal (\d+)\)")
_REQUEUED = re.compile(rb"\(\d\) Job terminated and was requeued")
_MEMORY = re.compile(rb"Memory \(MB\) +: +(\d+) +\d+ +\d+")
_TABLE = re.compile(rb"^\s+(Cpus|Memory \(MB\)|Disk \(KB\)) +:((?: +[\d.]+)+)", re.MULTILINE)
_RESOURCES = {b"Cpus": "cpus", b"Memory (MB)": "memory", b"Disk (KB)": "disk"}
_MEMORY_NOW = re.compile(rb"(\d+)  -  MemoryUsage of job \(MB\)")
_SLOT = re.compile(rb"SlotName: (\S+)")
_ALIAS = re.compile(rb"alias=([^&>]+)")
_CODE = re.compile(rb"\tCode (\d+) Subcode (\d+)")
_USAGE = re.compile(r"\(\d\) |Usr \d|\d+  -  |Partitionable Resources|[A-Z][A-Za-z]+( \(\w+\))? +:")
_NOTES = re.compile(rb"roost ([0-9a-f]{32}\.\d+) (\d+) ([0-9a-f]{32}) (\d+)")


class Ending(NamedTuple):
    exit_code: int | None
    signal: int | None
    memory_mb: int | None


class Identity(NamedTuple):
    """What `submit_event_user_notes` says."""

    plan: str  # the sending's token and epoch
    group: int
    attempt: str
    slice: int


def saying(event: LogEvent) -> tuple[str, str]:
    """What one of ours wrote into the log with a verb of its own: "roost <verb> <the rest>"."""
    words = event.lines[0].split(" ", 2)
    if words[0] != "roost" or len(words) < 2:
        return "", ""
    return words[1], words[2] if len(words) > 2 else ""


def ending(event: LogEvent) -> Ending:
    normal, abnormal, memory = (pattern.search(event.text) for pattern in (_NORMAL, _ABNORMAL, _MEMORY))
    return Ending(
        int(normal[1]) if normal else None,
        int(abnormal[1]) if abnormal else None,
        int(memory[1]) if memory else None,
    )


def usage(event: LogEvent) -> Usage | None:
    """From the table of resources (used, asked for, given), or from a word on the memory that it uses now."""
    if event.code == IMAGE_SIZE:
        memory = _MEMORY_NOW.search(event.text)
        return Usage(memory_used=int(memory[1])) if memory else None
    found: dict[str, float] = {}
    for name, numbers in _TABLE.findall(event.text):
        found |= _row(_RESOURCES[name], numbers.split())
    return Usage(**found) if found else None  # type: ignore[arg-type]


def _row(name: str, numbers: list[bytes]) -> dict[str, float]:
    """Used, asked for, given; what was not measured is left out."""
    kind = float if name == "cpus" else int
    names = (f"{name}_used", name, "")[3 - min(len(numbers), 3) :]
    return {key: kind(float(number)) for key, number in zip(names, numbers, strict=False) if key}


def was_requeued(event: LogEvent) -> bool:
    return bool(_REQUEUED.search(event.text))


def host(event: LogEvent) -> str:
    if slot := _SLOT.search(event.text):
        return slot[1].decode("utf-8", "replace").rpartition("@")[2]
    alias = _ALIAS.search(event.text)
    return alias[1].decode("utf-8", "replace") if alias else ""


def hold(event: LogEvent) -> tuple[int, str]:
    """Code and reason."""
    found = _CODE.search(event.text)
    reason = [line for line in event.lines[1:] if line and not line.startswith("Code ")]
    return (int(found[1]) if found else 0), " ".join(reason)


def subcode(event: LogEvent) -> int:
    found = _CODE.search(event.text)
    return int(found[2]) if found else 0


def reason(event: LogEvent) -> str:
    """What the event says, without its tables of usage."""
    return " ".join(line for line in event.lines[1:] if line and not _USAGE.match(line))


def identity(text: bytes) -> Identity | None:
    """Read from a submit event's text; None for a job that is not ours."""
    notes = _NOTES.search(text)
    if notes is None:
        return None
    return Identity(notes[1].decode(), int(notes[2]), notes[3].decode(), int(notes[4]))
