"""A shortcut for the next daemon: what is known of all attempts, up to some place in the segments.

Never more than a shortcut. It is written now and then and when the daemon ends; what was recorded since is
read from the segments, and where it is missing or damaged, everything is.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from ..base import EventKind, Resources
from .work import Part, Request, Run, Wish, Work

_PLAIN = ("accepted", "finished", "finished_early", "failure", "ended_by")


def dump(work: Work) -> dict[str, Any]:
    return {
        **{name: getattr(work, name) for name in _PLAIN},
        "resources": asdict(work.resources),
        "states": {stage.name: packed(stage.states) for stage in work.stages},
        "running": _pairs(work.running, asdict),
        "wishes": _pairs(work.wishes, vars),
        "limits": _pairs(work.limits, asdict),
        "tries": _pairs(work.tries, int),
        "failures": _pairs(work.failures, int),
        "requests": {name: vars(request) for name, request in work.requests.items()},
    }


def restore(work: Work, known: Mapping[str, Any]) -> None:
    """Into a work that has just been made from its task."""
    for stage in work.stages:
        stage.load(unpacked(known["states"][stage.name]))
    for name in _PLAIN:
        setattr(work, name, known[name])
    work.resources = Resources(**known["resources"])
    work.running = _mapping(known["running"], _run)
    work.wishes = _mapping(known["wishes"], lambda wish: Wish(**{**wish, "kind": EventKind(wish["kind"])}))
    work.limits = _mapping(known["limits"], lambda limits: Resources(**limits))
    work.tries = _mapping(known["tries"], int)
    work.failures = _mapping(known["failures"], int)
    work.requests = {name: _request(request) for name, request in known["requests"].items()}


def _pairs(known: Mapping[Part, Any], plain: Callable[[Any], Any]) -> list[Any]:
    return [[*part, plain(value)] for part, value in known.items()]


def _mapping(pairs: list[Any], made: Callable[[Any], Any]) -> dict[Part, Any]:
    return {Part(step, sliceno): made(value) for step, sliceno, value in pairs}


def _run(known: Mapping[str, Any]) -> Run:
    return Run(**{**known, "resources": Resources(**known["resources"])})


def _request(known: Mapping[str, Any]) -> Request:
    return Request(**{**known, "part": Part(*known["part"])})


def packed(states: bytes | bytearray) -> str:
    return base64.b64encode(zlib.compress(states, 1)).decode()


def unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))
