"""Named places at which a test may kill this process, as hard as `kill -9` does.

Nothing happens unless ROOST_KILL_AT names the place: "courier.batch-committed" kills when it is reached for
the first time, "courier.batch-committed:3" for the third. ROOST_KILL_ONCE names a marker file: whoever makes
it dies, everybody after goes on, so a restarted process does not die again. With it, all processes count
together (in a file beside the marker), so that the third of many short ones can be killed. Several places
may be named, with commas between them; each has a marker of its own.
"""

from __future__ import annotations

import os
import signal

_reached: dict[str, int] = {}


def reach(name: str) -> None:
    wanted = os.environ.get("ROOST_KILL_AT")
    if wanted is None:
        return
    for number, place in enumerate(wanted.split(",")):
        if place.partition(":")[0] == name:
            _reached_one(name, place.partition(":")[2], number)


def _reached_one(name: str, count: str, number: int) -> None:
    marker = os.environ.get("ROOST_KILL_ONCE", "")
    if marker and number:
        marker += f".{number}"
    times = _times_in_all(marker) if marker else _times_here(name)
    if times >= int(count or 1) and _first(marker):
        os.kill(os.getpid(), signal.SIGKILL)


def _times_here(name: str) -> int:
    _reached[name] = _reached.get(name, 0) + 1
    return _reached[name]


def _times_in_all(marker: str) -> int:
    handle = os.open(marker + ".times", os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    try:
        os.write(handle, b".")
        return os.lseek(handle, 0, os.SEEK_CUR)  # where our own byte ended, whoever wrote others
    finally:
        os.close(handle)


def _first(marker: str) -> bool:
    if not marker:
        return True
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    return True
