"""Named places at which a test may kill this process, as hard as `kill -9` does.

Nothing happens unless ROOST_KILL_AT names the place: "courier.batch-committed" kills when it is reached for
the first time, "courier.batch-committed:3" for the third. ROOST_KILL_ONCE names a marker file: whoever makes
it dies, everybody after goes on, so a restarted process does not die again.
"""

from __future__ import annotations

import os
import signal

_reached: dict[str, int] = {}


def reach(name: str) -> None:
    wanted = os.environ.get("ROOST_KILL_AT")
    if wanted is None:
        return
    place, _, count = wanted.partition(":")
    if place != name:
        return
    _reached[name] = _reached.get(name, 0) + 1
    if _reached[name] == int(count or 1) and _first():
        os.kill(os.getpid(), signal.SIGKILL)


def _first() -> bool:
    marker = os.environ.get("ROOST_KILL_ONCE")
    if not marker:
        return True
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    return True
