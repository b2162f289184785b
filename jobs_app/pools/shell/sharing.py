"""One connection for all of this process that goes to the same account: a login is dear, a channel is not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from .address import SshAddress
from .base import Running, Shell
from .ssh import SshShell, nobody_counts

_lock = threading.Lock()
_open: dict[SshAddress, tuple[SshShell, int]] = {}  # and by how many it is held


class SharedShell(Shell):
    """As SshShell; the connection is closed when the last one that shares it is closed."""

    def __init__(self, address: SshAddress, before_login: Callable[[], None] = nobody_counts) -> None:
        self.name = str(address)
        self._address = address
        with _lock:
            shell, holders = _open.get(address) or (SshShell(address), 0)
            shell.before_login = before_login  # the newest one counts
            _open[address] = (shell, holders + 1)
        self._shell: SshShell | None = shell

    @property
    def answered(self) -> float:
        return self._shell.answered if self._shell is not None else 0.0

    def start(self, argv: Sequence[str]) -> Running:
        return self._alive().start(argv)

    def place_for_follower(self) -> AbstractContextManager[bool]:
        return self._alive().place_for_follower()

    def _alive(self) -> SshShell:
        if self._shell is None:
            raise ValueError(f"The shell to {self.name} has been closed.")
        return self._shell

    def close(self) -> None:
        shell, self._shell = self._shell, None
        if shell is None:
            return
        with _lock:
            _, holders = _open.pop(self._address, (shell, 1))
            if holders > 1:
                _open[self._address] = (shell, holders - 1)
        if holders == 1:
            shell.close()


def close_all() -> None:
    """Also what its holders forgot to close."""
    with _lock:
        shells = [shell for shell, _ in _open.values()]
        _open.clear()
    for shell in shells:
        shell.close()
