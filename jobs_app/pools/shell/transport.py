"""paramiko's transport, mended where it hurts long transfers."""

from __future__ import annotations

import threading
from typing import Any

import paramiko

# It ciphers and authenticates in one step, which is faster by a third.
_FAST = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
_THEIRS: tuple[str, ...] = vars(paramiko.Transport)["_preferred_ciphers"]


class Transport(paramiko.Transport):
    """After each half a gigabyte both sides agree on new keys, and nothing else may be said meanwhile. If a
    command ends just then, paramiko's own thread waits for that agreement, which it alone could complete: for
    30 s nothing moves, then the connection is given up. Here it says later what it has to say."""

    _preferred_ciphers = (*_FAST, *(name for name in _THEIRS if name not in _FAST))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._later: list[Any] = []
        super().__init__(*args, **kwargs)

    def _send_user_message(self, data: Any) -> None:
        if threading.current_thread() is self and not self.clear_to_send.is_set():
            self._later.append(data)
        else:
            super()._send_user_message(data)  # type: ignore[misc]  # paramiko's stubs leave it out

    def _parse_newkeys(self, m: Any) -> None:
        super()._parse_newkeys(m)  # type: ignore[misc]
        later, self._later = self._later, []
        for data in later:
            super()._send_user_message(data)  # type: ignore[misc]
