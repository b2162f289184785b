"""What the pool's processes say of themselves: lines in its log, which is their standard error."""

from __future__ import annotations

import contextlib
import sys
import time


def log(text: str) -> None:
    """Nothing if there is no room for it: of all that a full disk may stop, this is the least."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
        sys.stderr.flush()
