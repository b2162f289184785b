"""paramiko's transport, mended where it hurts long transfers and many commands at once."""

from __future__ import annotations

import threading
import weakref
from typing import Any

import paramiko
from paramiko.common import MSG_CHANNEL_CLOSE, cMSG_CHANNEL_CLOSE

# It ciphers and authenticates in one step, which is faster by a third.
_FAST = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
_THEIRS: tuple[str, ...] = vars(paramiko.Transport)["_preferred_ciphers"]
_HEARD: dict[int, Any] = vars(paramiko.Transport)["_channel_handler_table"]


def _close_heard(channel: paramiko.Channel, message: paramiko.Message) -> None:
    channel.get_transport().close_heard(channel, message)  # type: ignore[attr-defined]  # it is one of ours


class Transport(paramiko.Transport):
    """After each half a gigabyte both sides agree on new keys, and nothing else may be said meanwhile. If a
    command ends just then, paramiko's own thread waits for that agreement, which it alone could complete: for
    30 s nothing moves, then the connection is given up. Here it says later what it has to say.

    When a command has ended, paramiko's own thread closes the channel, though the thread that runs the
    command may be about to say "end of input" on it. Said on a channel that is closed, that ends the whole
    connection (or the input of the next command, which got the channel's number). Here the thread that runs
    a command closes its channel."""

    _preferred_ciphers = (*_FAST, *(name for name in _THEIRS if name not in _FAST))
    _channel_handler_table = {**_HEARD, MSG_CHANNEL_CLOSE: _close_heard}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._later: list[Any] = []
        self._commands: weakref.WeakSet[paramiko.Channel] = weakref.WeakSet()
        self._unanswered: weakref.WeakSet[paramiko.Channel] = weakref.WeakSet()  # closed by the other side
        super().__init__(*args, **kwargs)

    def open_command(self, seconds: float) -> paramiko.Channel:
        """For one command; whoever speaks on it calls `close_command` in the end."""
        channel = self.open_session(timeout=seconds)
        self._commands.add(channel)
        return channel

    def close_command(self, channel: paramiko.Channel) -> None:
        channel.close()  # says so to the other side, unless that has been first
        with channel.lock:
            is_unanswered = channel in self._unanswered
            self._unanswered.discard(channel)
        if is_unanswered:
            answer = paramiko.Message()
            answer.add_byte(cMSG_CHANNEL_CLOSE)
            answer.add_int(channel.remote_chanid)
            self._unlink_channel(channel.chanid)  # type: ignore[attr-defined]
            self._send_user_message(answer)

    def close_heard(self, channel: paramiko.Channel, message: paramiko.Message) -> None:
        with channel.lock:
            is_first = channel in self._commands and not channel.closed
            if is_first:
                self._unanswered.add(channel)
                channel._set_closed()  # type: ignore[attr-defined]  # wakes who waits for it
        if not is_first:
            _HEARD[MSG_CHANNEL_CLOSE](channel, message)

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
