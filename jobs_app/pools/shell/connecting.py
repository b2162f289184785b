"""To log in at an access point, over its jump hosts. Each has to show the key that is pinned for it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import paramiko
from paramiko.pkey import UnknownKeyType

from ..base import AccessDenied, PoolUnreachable
from .address import Identity, SshAddress
from .identity import Way, ways
from .transport import Transport

# What paramiko writes into its log of errors comes as an exception as well, and is told where it is handled.
_PARAMIKO = f"{__name__}.paramiko"
logging.getLogger(_PARAMIKO).setLevel(logging.CRITICAL)

MOST_TRIES = 5  # sshd hangs up after six
DEAD_AFTER = 60_000  # milliseconds without an acknowledgement, after which the kernel gives the link up


class Connection:
    """We are logged in at the last of these; those before are the way there."""

    def __init__(self, hops: list[Transport]) -> None:
        self.transport = hops[-1]
        self._hops = hops

    @property
    def is_alive(self) -> bool:
        return all(hop.is_active() for hop in self._hops)

    def close(self) -> None:
        for hop in reversed(self._hops):
            hop.close()


def connect(address: SshAddress, before_login: Callable[[], None] = lambda: None) -> Connection:
    """A connection to the one host that has the pinned key, logged in. `before_login` is called when it is
    there and shows its key: what is out of reach costs no login."""
    pinned = [pinned_key(hop) for hop in (*address.jumps, address)]
    proofs = [_proofs(hop) for hop in (*address.jumps, address)]  # before anybody is asked anything
    hops: list[Transport] = []
    try:
        for hop, key, tries in zip((*address.jumps, address), pinned, proofs, strict=True):
            with translated(str(hop)):
                hops.append(_spoken_to(hop, key, hops))
                if hop is address:
                    before_login()
                _log_in(hops[-1], hop, tries)
    except BaseException:
        for each in reversed(hops):
            each.close()
        raise
    finally:
        for way in itertools.chain(*proofs):
            way.put_away()
    return Connection(hops)


def shown_key(address: SshAddress) -> paramiko.PKey:
    """The key that a host shows; nobody logs in there (but on the way there)."""
    way = connect(replace(address.jumps[-1], jumps=address.jumps[:-1])) if address.jumps else None
    try:
        with translated(str(address)):
            transport = _spoken_to(address, None, [way.transport] if way else [])
            try:
                return transport.get_remote_server_key()
            finally:
                transport.close()
    finally:
        if way:
            way.close()


def as_pinned(key: paramiko.PKey) -> str:
    return f"{key.get_name()} {key.get_base64()}"


def fingerprint(key: paramiko.PKey) -> str:
    """As OpenSSH prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")


def pinned_key(address: SshAddress) -> paramiko.PKey:
    kind, _, data = address.host_key.strip().partition(" ")
    try:
        return paramiko.PKey.from_type_string(kind, base64.b64decode(data.split()[0], validate=True))
    except (IndexError, binascii.Error, paramiko.SSHException, ValueError, UnknownKeyType) as error:
        raise AccessDenied(
            f"The pinned host key of {address.host} cannot be read ({error}). Pin it again: it looks like "
            "'ssh-ed25519 AAAA...'."
        ) from error


# --- the host ---------------------------------------------------------------------------------------------


def _spoken_to(hop: SshAddress, pinned: paramiko.PKey | None, way: list[Transport]) -> Transport:
    """An encrypted connection to the host with this key; nobody has said yet who we are."""
    link = _channel(way[-1], hop) if way else _socket(hop)
    try:
        transport = Transport(cast(Any, link))
    except BaseException:
        link.close()
        raise
    transport.set_log_channel(_PARAMIKO)
    _set_times(transport, hop)
    if pinned is not None:
        _prefer(transport, pinned)
    try:
        transport.start_client(timeout=hop.seconds.banner)
        if not transport.initial_kex_done:
            raise PoolUnreachable(f"{hop} has not shown its key within {hop.seconds.banner:g} s")
        if pinned is not None:
            _check(hop, transport.get_remote_server_key(), pinned)
    except BaseException:
        transport.close()
        raise
    return transport


def _check(hop: SshAddress, shown: paramiko.PKey, pinned: paramiko.PKey) -> None:
    if shown.asbytes() != pinned.asbytes():
        raise AccessDenied(
            f"{hop} shows another host key than the pinned one: {fingerprint(shown)} ({shown.get_name()}) "
            f"instead of {fingerprint(pinned)}. Somebody may stand between; ask its administrator, then pin "
            "the new key: manage.py schedulers edit NAME --host-key."
        )


def _prefer(transport: paramiko.Transport, pinned: paramiko.PKey) -> None:
    """A host may have several keys, of which it shows one of the first kind that both know."""
    options = transport.get_security_options()
    is_rsa = isinstance(pinned, paramiko.RSAKey)
    first = [kind for kind in options.key_types if kind == pinned.get_name() or (is_rsa and "rsa" in kind)]
    options.key_types = [*first, *(kind for kind in options.key_types if kind not in first)]


def _set_times(transport: paramiko.Transport, hop: SshAddress) -> None:
    transport.banner_timeout = hop.seconds.banner
    transport.handshake_timeout = hop.seconds.banner
    transport.auth_timeout = hop.seconds.login
    transport.channel_timeout = hop.seconds.connect


def _socket(hop: SshAddress) -> socket.socket:
    link = socket.create_connection((hop.host, hop.port), timeout=hop.seconds.connect)
    # paramiko does not set this; without it, small packets wait for the answers to earlier ones.
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_AFTER)
    return link


def _channel(way: paramiko.Transport, hop: SshAddress) -> paramiko.Channel:
    target = (hop.host, hop.port)
    try:
        return way.open_channel("direct-tcpip", target, ("127.0.0.1", 0), timeout=hop.seconds.connect)
    except paramiko.ChannelException as error:
        raise PoolUnreachable(f"{hop} is not reached from the jump host before it: {error.text}") from error


# --- logging in -------------------------------------------------------------------------------------------


def _proofs(hop: SshAddress) -> list[Way]:
    found = list(itertools.islice(ways(hop.identity), MOST_TRIES))
    if not found:
        raise AccessDenied(f"There is nothing to log in with at {hop}: {_why_nothing(hop.identity)}.")
    return found


def _why_nothing(identity: Identity) -> str:
    if identity.agent:
        return "the SSH agent has no key, does not answer, or SSH_AUTH_SOCK does not lead to it"
    return "no key, agent or password is known"


def _log_in(transport: paramiko.Transport, hop: SshAddress, proofs: list[Way]) -> None:
    refused: list[str] = []
    for way in proofs:
        answer = _tried(transport, hop, way, refused)
        if transport.is_authenticated():
            return
        refused.append(f"{way.name} ({answer})")
    raise AccessDenied(
        f"{hop} does not let us in. Refused: {'; '.join(refused)}. Check the user and what lets it in there."
    )


def _tried(transport: paramiko.Transport, hop: SshAddress, way: Way, refused: list[str]) -> str:
    """What the other side said, if it did not let us in."""
    try:
        wanted = way.prove(transport, hop.user)
    except paramiko.BadAuthenticationType as error:
        return f"it only takes {', '.join(error.allowed_types)}"
    except paramiko.AuthenticationException as error:
        if "timeout" in str(error):
            raise PoolUnreachable(
                f"{hop} has not answered the login within {hop.seconds.login:g} s"
            ) from error
        if not transport.is_active() and len(refused) < 2:
            raise PoolUnreachable(f"{hop} has hung up during the login") from error
        return "refused"
    return f"taken, but it also wants {' or '.join(wanted)}"


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Every foreign error becomes ours here."""
    try:
        yield
    except paramiko.AuthenticationException as error:
        raise AccessDenied(f"{name} does not let us in: {error}. Check user and key.") from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise PoolUnreachable(f"{name}: {str(error) or type(error).__name__}") from error
