"""A shell over SSH: one connection, opened when first needed and again when it broke; a channel a command."""

from __future__ import annotations

import base64
import binascii
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import paramiko
from paramiko.pkey import UnknownKeyType

from ..base import AccessDenied, PoolUnreachable
from .base import CHUNK, Running, Shell, quoted

# What paramiko writes into its log of errors comes as an exception as well, and is told where it is handled.
_PARAMIKO = f"{__name__}.paramiko"
logging.getLogger(_PARAMIKO).setLevel(logging.CRITICAL)

# sshd lets ten sessions share a connection unless told otherwise.
CHANNELS = 8
FOLLOWERS = 4  # of these
KEEP_ALIVE = 20
DEAD_AFTER = 60_000  # milliseconds without an acknowledgement, after which the kernel gives the link up


@dataclass(frozen=True)
class SshAddress:
    host: str
    user: str
    host_key: str  # pinned: "ssh-ed25519 AAAA..."
    port: int = 22
    key_path: str = ""
    passphrase: str | None = field(default=None, repr=False)
    connect_seconds: float = 15.0

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}"


class SshShell(Shell):
    def __init__(self, address: SshAddress) -> None:
        self.address = address
        self.name = str(address)
        self._client: paramiko.SSHClient | None = None
        self._opening = threading.Lock()
        self._channels = threading.BoundedSemaphore(CHANNELS)
        self._followers = threading.BoundedSemaphore(FOLLOWERS)

    def start(self, argv: Sequence[str]) -> Running:
        line = quoted(argv)
        with _translated(self.name):
            if not self._channels.acquire(timeout=self.address.connect_seconds):
                raise PoolUnreachable(f"{self.name}: all {CHANNELS} channels are taken")
            try:
                channel = self._channel()
                channel.exec_command(line)
            except BaseException:
                self._channels.release()
                raise
        return _SshRunning(channel, self.name, self._channels.release)

    def close(self) -> None:
        with self._opening:
            if self._client is not None:
                self._client.close()
                self._client = None

    @contextmanager
    def place_for_follower(self) -> Iterator[bool]:
        is_free = self._followers.acquire(blocking=False)
        try:
            yield is_free
        finally:
            if is_free:
                self._followers.release()

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

    def _session(self, transport: paramiko.Transport) -> paramiko.Channel:
        """sshd counts a session a moment longer than we do: a refusal is taken as "not yet"."""
        deadline = time.monotonic() + self.address.connect_seconds
        while True:
            try:
                return transport.open_session(timeout=self.address.connect_seconds)
            except paramiko.SSHException:
                if not transport.is_active() or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)

    def _transport(self) -> paramiko.Transport:
        with self._opening:
            if self._client is None or not _transport_of(self._client).is_active():
                self._client = connect(self.address)
            return _transport_of(self._client)


def connect(address: SshAddress) -> paramiko.SSHClient:
    """A connection to the one host that has the pinned key."""
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.set_log_channel(_PARAMIKO)
    _pin(client, address)
    with _translated(str(address)):
        link = _socket(address)
        try:
            client.connect(
                address.host,
                address.port,
                address.user,
                key_filename=address.key_path or None,
                passphrase=address.passphrase,
                allow_agent=not address.key_path,
                look_for_keys=False,
                timeout=address.connect_seconds,
                banner_timeout=address.connect_seconds,
                auth_timeout=address.connect_seconds,
                channel_timeout=address.connect_seconds,
                sock=link,
            )
        except BaseException:
            client.close()
            link.close()
            raise
    _transport_of(client).set_keepalive(KEEP_ALIVE)
    return client


def _transport_of(client: paramiko.SSHClient) -> paramiko.Transport:
    transport = client.get_transport()
    if transport is None:
        raise PoolUnreachable("the connection has been closed")
    return transport


def _socket(address: SshAddress) -> socket.socket:
    link = socket.create_connection((address.host, address.port), timeout=address.connect_seconds)
    # paramiko does not set this; without it, small packets wait for the answers to earlier ones.
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_AFTER)
    return link


def _pin(client: paramiko.SSHClient, address: SshAddress) -> None:
    kind, _, data = address.host_key.strip().partition(" ")
    name = address.host if address.port == 22 else f"[{address.host}]:{address.port}"
    try:
        key = paramiko.PKey.from_type_string(kind, base64.b64decode(data.split()[0], validate=True))
    except (IndexError, binascii.Error, paramiko.SSHException, ValueError, UnknownKeyType) as error:
        raise AccessDenied(
            f"The pinned host key of {address.host} cannot be read ({error}). Pin it again: it looks like "
            "'ssh-ed25519 AAAA...'."
        ) from error
    client.get_host_keys().add(name, kind, key)


class _SshRunning:
    def __init__(self, channel: paramiko.Channel, name: str, release: Callable[[], None]) -> None:
        self._channel = channel
        self._name = name
        self._release = release
        self._closed = False

    def send(self, data: bytes, seconds: float) -> bool:
        rest = memoryview(data)
        with _translated(self._name):
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
            return self._channel.send(data)  # type: ignore[arg-type]  # any buffer will do
        except TimeoutError:
            raise
        except OSError:
            if self._channel.get_transport().is_active():
                return 0
            raise

    def end_input(self) -> None:
        with _translated(self._name):
            if not self._channel.closed:
                self._channel.shutdown_write()

    def receive(self, seconds: float) -> bytes | None:
        with _translated(self._name):
            self._channel.settimeout(max(seconds, 0.0))
            try:
                data = self._channel.recv(CHUNK)
            except TimeoutError:
                return None
        if not data and not self._channel.eof_received:
            raise PoolUnreachable(f"{self._name}: the connection broke")
        return data

    def errors(self) -> bytes:
        found = b""
        with _translated(self._name):
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
        if not self._closed:
            self._closed = True
            with suppress(
                EOFError, OSError, paramiko.SSHException
            ):  # the link is gone, and the channel with it
                self._channel.close()
            self._release()


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """Every foreign error becomes ours here."""
    try:
        yield
    except paramiko.BadHostKeyException as error:
        raise AccessDenied(
            f"{name} shows another host key than the pinned one: {error.key.fingerprint}. Somebody may stand "
            "between; ask its administrator, then pin the new key."
        ) from error
    except paramiko.AuthenticationException as error:
        raise AccessDenied(f"{name} does not let us in: {error}. Check user and key.") from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise PoolUnreachable(f"{name}: {str(error) or type(error).__name__}") from error
