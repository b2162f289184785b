"""What a running part says of itself: `with status("reading") as update: update("row 3")`.

The texts nest. They are written to a file that anybody may read meanwhile, at most a few times a second.
"""

from __future__ import annotations

import os
import sys
import time
from _thread import allocate_lock
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Optional

from jobs_app.jobdir import files

if TYPE_CHECKING:
    import threading

SECONDS_BETWEEN_WRITES = 0.2


@dataclass
class Line:
    text: str
    since: float
    line: int

    def as_json(self) -> dict[str, Any]:
        return {"text": self.text, "since": self.since, "line": self.line}


class _Reporter:
    """The lines of this process, and the file that shows them."""

    def __init__(self) -> None:
        self.begin(None)

    def begin(self, path: Optional[Path], *lines: Line) -> None:
        """Anew: after a fork neither the lock nor the timer of the parent is ours."""
        self.path = path
        self.lines = list(lines)
        self.failed: tuple[Optional[BaseException], list[dict[str, Any]]] = (None, [])
        self._written = 0.0
        self._lock = allocate_lock()
        self._timer: Optional[threading.Timer] = None

    def changed(self) -> None:
        if self.path is None:
            return
        with self._lock:
            wait = self._written + SECONDS_BETWEEN_WRITES - time.monotonic()
            if wait <= 0:
                self._write()
            elif self._timer is None:
                self._timer = self._later(wait)

    def _later(self, wait: float) -> threading.Timer:
        import threading  # only here: its hooks would cost every fork

        timer = threading.Timer(wait, self._write_later)
        timer.daemon = True
        timer.start()
        return timer

    def _write_later(self) -> None:
        with self._lock:
            self._timer = None
            self._write()

    def _write(self) -> None:
        if self.path is not None:
            if not self._written:
                self.path.parent.mkdir(exist_ok=True)
            self._written = time.monotonic()
            files.write_json(
                self.path, {"pid": os.getpid(), "stack": [line.as_json() for line in self.lines]}
            )

    def stop(self) -> None:
        """Nobody says anything any more: the file goes."""
        with self._lock:
            path, self.path = self.path, None
        if path is not None and self._written:
            path.unlink(missing_ok=True)


_reporter = _Reporter()


def begin_status(path: Path, part: str) -> None:
    """From now on this process is `part`, and shows its status at `path` once it has one."""
    _reporter.begin(path, Line(part, time.time(), 0))


def end_status() -> None:
    _reporter.stop()


def status_lines_when(error: BaseException) -> list[dict[str, Any]]:
    """The lines that stood when this error was raised."""
    failed, lines = _reporter.failed
    cause: Optional[BaseException] = error
    while cause is not None and cause is not failed:
        cause = cause.__cause__ or cause.__context__
    return lines if cause is not None else [line.as_json() for line in _reporter.lines]


class status:  # noqa: N801 - scripts know it as a function
    def __init__(self, text: str) -> None:
        self._line = Line(str(text), time.time(), sys._getframe(1).f_lineno)

    def __enter__(self) -> Callable[[str], None]:
        _reporter.lines.append(self._line)
        _reporter.changed()
        return self._update

    def _update(self, text: str) -> None:
        self._line.text, self._line.line = str(text), sys._getframe(1).f_lineno
        _reporter.changed()

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], _: Optional[TracebackType]
    ) -> None:
        if error is not None and _reporter.failed[0] is not error:
            _reporter.failed = (error, [line.as_json() for line in _reporter.lines])
        _reporter.lines.remove(self._line)
        _reporter.changed()


class dummy_status:  # noqa: N801
    """Like `status`, but says nothing."""

    def __init__(self, text: str) -> None: ...

    def __enter__(self) -> Callable[[str], None]:
        return lambda _: None

    def __exit__(self, *_: object) -> None: ...


def read(path: Path) -> list[Line]:
    """What a part says now, from the outermost line to the innermost; nothing when it says nothing."""
    try:
        content = files.read_object(path)
    except FileNotFoundError:
        return []
    return [Line(line["text"], line["since"], line["line"]) for line in content["stack"]]
