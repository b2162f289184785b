"""Log lines that say which scheduler and which job they are about; as JSON where programs read them.

with logs.about(scheduler="ncar", job=42):
    log.warning("...")
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import PermissionDenied

_about: ContextVar[dict[str, Any] | None] = ContextVar("about", default=None)


@contextmanager
def about(**what: Any) -> Iterator[None]:
    """For all lines of this thread, until the end of the block."""
    token = _about.set({**(_about.get() or {}), **what})
    try:
        yield
    finally:
        _about.reset(token)


def now_about() -> dict[str, Any]:
    return dict(_about.get() or {})


class Line(logging.Formatter):
    """For people: what it is about stands before the message, unless that says it."""

    def format(self, record: logging.LogRecord) -> str:
        said = " ".join(f"{name} {value}" for name, value in now_about().items())
        record.about = f"[{said}] " if said else ""
        return super().format(record)


class JsonLine(logging.Formatter):
    """One object a line, in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **now_about(),
            "process": os.getpid(),
            "thread": record.threadName,
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)


def without_traceback(record: logging.LogRecord) -> bool:
    """Who may not do something is told so; that is no trouble of the server's."""
    if record.exc_info and isinstance(record.exc_info[1], PermissionDenied):
        record.exc_info = None
    return True


def settings(level: str, how: str) -> dict[str, Any]:
    """Django's LOGGING. `how`: "line" or "json"."""
    line = {"()": Line, "format": "{asctime} {levelname} {name}: {about}{message}", "style": "{"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": line, "json": {"()": JsonLine}},
        "filters": {"refusals": {"()": lambda: without_traceback}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": how, "filters": ["refusals"]}
        },
        "loggers": {"waitress.queue": {"level": "ERROR"}},  # a page's files come at once: that is no queue
        "root": {"handlers": ["console"], "level": level},
    }
