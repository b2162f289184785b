"""Where what is done comes from: a page, the API, a command, a callback. For the audit trail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

PAGE, API, ADMIN, COMMAND, CALLBACK, PROGRAM = "page", "API", "admin", "command", "callback", "program"


@dataclass(frozen=True)
class Origin:
    via: str = PROGRAM
    address: str = ""
    request: str = ""  # as the log lines name it
    who: str = ""  # who types, where a program acts for them


_origin: ContextVar[Origin | None] = ContextVar("origin", default=None)


def now() -> Origin | None:
    return _origin.get()


@contextmanager
def of(origin: Origin) -> Iterator[None]:
    token = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(token)
