"""A shell over SSH: one connection, opened when first needed and again when it broke; a channel a command."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import cast

import paramiko

from ..base import AccessDenied, PoolError, PoolUnreachable
from .address import SshAddress
from .base import CHUNK, Running, Shell, quoted
from .connecting import Connection, connect, translated
from .transport import Transport
from .watch import watch

# sshd lets ten sessions share a connection unless told otherwise.
CHANNELS = 8
FOLLOWERS = 4  # of these
WINDOW = 1 << 21  # as much as may be on its way; taking all of it is cheaper than a part
FIRST_PAUSE = 0.5  # seconds between two logins that failed; each time longer, in part by chance
LONGEST_PAUSE = 15.0
AFTER_DENIAL = 2.0  # for those who came at the same time; the scheduler is paused meanwhile


def nobody_counts() -> None:
    """Where there is no budget of logins."""


class SshShell(Shell):
    def __init__(self, address: SshAddress, before_login: Callable[[], None] = nobody_counts) -> None:
        """`before_login` is called before each login, and may raise PoolUnreachable to prevent it."""
        self.address = address
        self.name = str(address)
        self.last_used = time.monotonic()
        self._answered = 0.0
        self.before_login = before_login
        self._connection: Connection | None = None
        self._opening = threading.Lock()
        self._failed: tuple[PoolError, float] | None = None  # why the last login failed; when the next may be
        self._failures = 0
        self._used = 0  # channels
        self._counting = threading.Lock()
        self._channels = threading.BoundedSemaphore(CHANNELS)
        self._followers = threading.BoundedSemaphore(FOLLOWERS)

    @property
    def answered(self) -> float:
        return self._answered

    def heard(self) -> None:
        """Somebody there has said something just now."""
        self._answered = time.time()

    def start(self, argv: Sequence[str]) -> Running:
        line = quoted(argv)
        with translated(self.name):
            if not self._channels.acquire(timeout=self.address.seconds.connect):
                raise PoolUnreachable(f"{self.name}: all {CHANNELS} channels are taken")
            self._count(1)
            try:
                channel = self._channel()
            except BaseException:
                self._release()
                raise
            running = _SshRunning(channel, self.name, self._release, self.heard)
            try:
                channel.exec_command(line)
                self.heard()
            except BaseException:
                running.close()
                raise
        return running

    def close(self) -> None:
        with self._opening:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def close_if_idle(self) -> bool:
        """Whether nobody has used it for long, so that it is closed now."""
        with self._opening:  # who begins to use it has counted already, and waits for this to be over
            idle = self._used == 0 and time.monotonic() - self.last_used > self.address.seconds.idle
            if idle and self._connection is not None:
                self._connection.close()
            return idle

    @contextmanager
    def place_for_follower(self) -> Iterator[bool]:
        is_free = self._followers.acquire(blocking=False)
        try:
            yield is_free
        finally:
            if is_free:
                self._followers.release()

    def _release(self) -> None:
        self.last_used = time.monotonic()
        self._count(-1)
        self._channels.release()

    def _count(self, channels: int) -> None:
        with self._counting:
            self._used += channels

    def _channel(self) -> paramiko.Channel:
        """Nothing has been asked for yet, so over a connection that turns out to be dead it is tried anew."""
        transport = self._transport()
        try:
            return self._session(transport)
        except EOFError:
            transport.close()  # it may not have noticed yet
        except (OSError, paramiko.SSHException):
            if transport.is_active():
                raise
        return self._session(self._transport())

    def _session(self, transport: Transport) -> paramiko.Channel:
        """sshd counts a session a moment longer than we do: a refusal is taken as "not yet"."""
        deadline = time.monotonic() + self.address.seconds.connect
        while True:
            try:
                return transport.open_command(self.address.seconds.connect)
            except paramiko.SSHException:
                if not transport.is_active() or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)

    def _transport(self) -> Transport:
        with self._opening:
            if self._connection is None or not self._connection.is_alive:
                self._connection = self._opened()
            return self._connection.transport

    def _opened(self) -> Connection:
        """Whoever comes soon after a failure gets the same answer: many who wait are one login."""
        if self._failed and time.monotonic() < self._failed[1]:
            raise _again(self._failed[0])
        if self._connection is not None:
            self._connection.close()
        try:
            connection = connect(self.address, self.before_login)
        except PoolError as error:
            self._failed = (error, time.monotonic() + self._pause(error))
            raise
        self._failed, self._failures = None, 0
        watch(self, connection)
        return connection

    def _pause(self, error: PoolError) -> float:
        if isinstance(error, AccessDenied):
            return AFTER_DENIAL
        self._failures += 1
        longest: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._failures - 1, 10))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311


def _again(error: PoolError) -> PoolError:
    return type(error)(str(error))


class _SshRunning:
    def __init__(
        self, channel: paramiko.Channel, name: str, release: Callable[[], None], heard: Callable[[], None]
    ) -> None:
        self._channel = channel
        self._heard = heard
        self._transport = cast(Transport, channel.get_transport())
        self._name = name
        self._release = release
        self._closed = False
        self._speaking = threading.Lock()  # what is said on a closed channel ends the connection

    def send(self, data: bytes, seconds: float) -> bool:
        rest = memoryview(data)
        with translated(self._name):
            self._channel.settimeout(seconds)
            while rest:
                count = self._send_some(rest)
                if not count:
                    return False
                rest = rest[count:]
        return True

    def _send_some(self, data: memoryview) -> int:
        """0 if the command has closed its input: its exit code will tell why."""
        try:
            with self._speaking:
                return 0 if self._closed else self._channel.send(data)  # type: ignore[arg-type]  # any buffer
        except TimeoutError:
            raise
        except OSError:
            if self._transport.is_active():
                return 0
            raise

    def end_input(self) -> None:
        with translated(self._name), self._speaking:
            if not self._closed and not self._channel.closed:
                self._channel.shutdown_write()

    def receive(self, seconds: float) -> bytes | None:
        with translated(self._name):
            self._channel.settimeout(max(seconds, 0.0))
            try:
                data = self._channel.recv(WINDOW)
            except TimeoutError:
                return None
        if not data and not self._channel.eof_received:
            raise PoolUnreachable(f"{self._name}: the connection broke")
        self._heard()
        return data

    def errors(self) -> bytes:
        found = b""
        with translated(self._name):
            while self._channel.recv_stderr_ready():
                found += self._channel.recv_stderr(CHUNK)
        return found

    def wait(self, seconds: float) -> int:
        if not self._channel.status_event.wait(seconds):
            raise PoolUnreachable(f"{self._name}: a command has not ended within {seconds:g} s")
        code = self._channel.recv_exit_status()
        if code < 0:
            raise PoolUnreachable(f"{self._name}: a command was killed, or the connection broke")
        return code

    def close(self) -> None:
        with self._speaking:
            if self._closed:
                return
            self._closed = True
            try:
                with suppress(EOFError, OSError, paramiko.SSHException):  # the link is gone
                    self._transport.close_command(self._channel)
            finally:
                self._release()
