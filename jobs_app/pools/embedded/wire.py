"""How the values of pools.base become lines of JSON, and lines become values again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any

from ..base import Event, EventKind, Hook, Node, Refused, Resources, Sending, Step, Task

LONGEST_LINE = 256 * 2**20


@dataclass(frozen=True)
class Note:
    """A line that the daemon writes to itself: what was asked of it, so that it survives the daemon."""

    note: str  # wish, change, answer
    attempt: str
    at: float
    data: Mapping[str, Any] = field(default_factory=dict)


class Lines:
    """Cuts what comes through a socket into lines."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        if b"\n" not in data:
            self._rest += data
            return []
        *lines, rest = bytes(self._rest + data).split(b"\n")
        self._rest = bytearray(rest)
        return lines

    @property
    def too_long(self) -> bool:
        return len(self._rest) > LONGEST_LINE


def encode(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """The message in a line; ValueError if there is none."""
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError(f"a message is an object, not {line[:80]!r}")
    return message


_EVENT_DEFAULTS = {item.name: item.default for item in fields(Event) if item.default is not MISSING}


def record_line(record: Event | Note) -> bytes:
    """An event or note as it stands in a segment: what has its default is left out."""
    values = {
        name: value for name, value in vars(record).items() if value != _EVENT_DEFAULTS.get(name, MISSING)
    }
    if not record.data:
        values.pop("data", None)
    return encode(values)


def read_record(line: bytes) -> Event | Note | None:
    """None for what is no record: a line that was torn when a daemon died."""
    try:
        values = decode(line)
        if "note" in values:
            return Note(**values)
        return Event(**{**values, "kind": EventKind(values["kind"])})
    except (ValueError, TypeError, KeyError):
        return None


def sending_message(sending: Sending) -> dict[str, Any]:
    return {
        "token": sending.token,
        "segment": sending.segment,
        "tasks": [task_message(task) for task in sending.tasks],
    }


def task_message(task: Task) -> dict[str, Any]:
    message = dict(vars(task))
    message["steps"] = [[step.name, step.slices] for step in task.steps]
    message["resources"] = asdict(task.resources)
    message["environment"] = dict(task.environment)
    message["attributes"] = dict(task.attributes)
    message["nodes"] = [asdict(node) for node in task.nodes]
    return message


def read_sending(message: Mapping[str, Any]) -> Sending:
    try:
        tasks = tuple(read_task(task) for task in message["tasks"])
        return Sending(token=str(message["token"]), segment=str(message["segment"]), tasks=tasks)
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(f"This is no batch of tasks: {type(error).__name__}: {error}") from error


def read_task(message: Mapping[str, Any]) -> Task:
    values = dict(message)
    values["steps"] = tuple(Step(str(name), int(slices)) for name, slices in values["steps"])
    values["resources"] = Resources(**values.get("resources", {}))
    values["arguments"] = tuple(tuple(row) for row in values.get("arguments", ()))
    values["inputs"] = tuple(values.get("inputs", ()))
    for name in ("done", "lost", "well"):
        values[name] = tuple((str(step), int(first), int(n)) for step, first, n in values.get(name, ()))
    values["nodes"] = tuple(_read_node(node) for node in values.get("nodes", ()))
    return Task(**values)


def _read_node(message: Mapping[str, Any]) -> Node:
    values = dict(message)
    for which in ("pre", "post"):
        if (hook := values[which]) is not None:
            values[which] = Hook(str(hook["path"]), tuple(hook["arguments"]))
    values["resources"] = Resources(**values["resources"])
    values["arguments"] = tuple(tuple(row) for row in values["arguments"])
    values["asks"] = tuple((str(name), str(pattern)) for name, pattern in values["asks"])
    return Node(**{**values, "parents": tuple(values["parents"]), "inputs": tuple(values["inputs"])})
