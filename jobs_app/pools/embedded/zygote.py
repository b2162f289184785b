"""What leaders are forked from: a process that is warm (all modules are there), small, and without state.

It reads one JSON line for each leader wanted, and tells when a leader died, and how. When the daemon is gone,
it goes too; the leaders stay.
"""

from __future__ import annotations

import gc
import os
import selectors
import signal
import socket
import traceback
from collections.abc import Mapping
from typing import Any

from jobs_app.killpoints import reach

from . import leader
from .places import Places
from .wire import Lines, decode, encode


def fork(places: Places, lock: int) -> tuple[int, socket.socket]:
    """Forks the zygote off this process; its process id, and the socket to talk to it."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid:
        theirs.close()
        return pid, ours
    os.close(lock)
    ours.close()
    status = 1
    try:
        _settle_down()
        Zygote(places, theirs).run()
        status = 0
    except BaseException:  # noqa: BLE001 - nothing may escape into the daemon's code
        traceback.print_exc()
    finally:
        os._exit(status)


def _settle_down() -> None:
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    gc.collect()
    gc.freeze()


class Zygote:
    def __init__(self, places: Places, daemon: socket.socket) -> None:
        self._places = places
        self._daemon = daemon
        self._lines = Lines()
        self._selector = selectors.DefaultSelector()
        self._selector.register(daemon, selectors.EVENT_READ)

    def run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is not self._daemon:
                    self._tell_death(key)
                elif not self._serve():
                    return

    def _serve(self) -> bool:
        try:
            data = self._daemon.recv(65536)
        except ConnectionResetError:
            data = b""
        for line in self._lines.feed(data):
            self._start_leader(decode(line))
        return bool(data)

    def _start_leader(self, wanted: Mapping[str, Any]) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            self._tell({"unforked": wanted["attempt"], "reason": error.strerror})
            return
        if pid == 0:
            self._become_leader(wanted)
        self._selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, wanted["attempt"]))
        reach("zygote.forked")

    def _become_leader(self, wanted: Mapping[str, Any]) -> None:
        status = 70
        try:
            for key in list(self._selector.get_map().values()):
                os.close(key.fd)
            self._selector.close()
            self._daemon.detach()
            status = leader.main(self._places, wanted)
        except BaseException:  # noqa: BLE001 - nothing may escape into the zygote's code
            traceback.print_exc()
        finally:
            os._exit(status)

    def _tell_death(self, key: selectors.SelectorKey) -> None:
        self._selector.unregister(key.fd)
        os.close(key.fd)
        pid, attempt = key.data
        _, status = os.waitpid(pid, 0)
        self._tell({"died": attempt, "pid": pid, "status": os.waitstatus_to_exitcode(status)})

    def _tell(self, message: Mapping[str, Any]) -> None:
        try:
            self._daemon.sendall(encode(message))
        except BrokenPipeError:
            return  # the daemon is dead; the next read says so
