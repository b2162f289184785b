"""Lines that people can type as they stand."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path


def line(words: str) -> str:
    """Another command of ours, called as this one was: "python manage.py jobs list"."""
    return f"{_called()} {words}"


def _called() -> str:
    script = sys.argv[0]
    if Path(script).name != "manage.py" or script not in sys.orig_argv:
        return "python manage.py"
    return shlex.join(sys.orig_argv[: sys.orig_argv.index(script) + 1])
