"""What the pool's processes say of themselves: lines in its log, which is their standard error."""

from __future__ import annotations

import sys
import time


def log(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
    sys.stderr.flush()
