"""How a part failed, for people: the error, its lines in the script, and what the part was saying."""

from __future__ import annotations

import os
import traceback
from types import TracebackType
from typing import Any, Optional

from jobs_app.errors import RoostError
from jobs_app.jobdir.text import storable

from .status import status_lines_when

LONGEST_MESSAGE = 10_000
LONGEST_TRACEBACK = 200_000

_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep


def described(error: BaseException, step: str, sliceno: int, tries: int) -> dict[str, Any]:
    return {
        "step": step,
        "slice": sliceno,
        "tries": tries,
        "type": type(error).__name__,
        "message": storable(_message(error)[:LONGEST_MESSAGE]),
        "traceback": storable(_traceback(error)[-LONGEST_TRACEBACK:]),
        "status": status_lines_when(error),
    }


def _message(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"The script called sys.exit({error.code!r}). Return from the function instead."
    try:
        return str(error)
    except Exception as second:  # noqa: BLE001 - an error that cannot say what it is still is one
        return f"(its message cannot be shown: {type(second).__name__})"


def _traceback(error: BaseException) -> str:
    """From the script's own first line on; our errors, found outside the script's code, need no lines."""
    lines = _without_ours(error.__traceback__)
    if lines is None and isinstance(error, RoostError):
        return "".join(traceback.format_exception_only(type(error), error))
    return "".join(traceback.format_exception(type(error), error, lines))


def _without_ours(lines: Optional[TracebackType]) -> Optional[TracebackType]:
    while lines is not None and os.path.abspath(lines.tb_frame.f_code.co_filename).startswith(_OURS):
        lines = lines.tb_next
    return lines
