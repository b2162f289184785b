"""What an identity can be proved with: each key, certificate and password as one way to try."""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from paramiko.agent import AgentKey, AgentSSH

from ..base import AccessDenied
from .address import Identity

AGENT_SECONDS = 10.0

_KINDS: tuple[tuple[type, type[paramiko.PKey]], ...] = (
    (Ed25519PrivateKey, paramiko.Ed25519Key),
    (EllipticCurvePrivateKey, paramiko.ECDSAKey),
    (RSAPrivateKey, paramiko.RSAKey),
)


@dataclass(frozen=True)
class Way:
    """`prove` gives what the other side wants besides, if it took this and wants more."""

    name: str
    prove: Callable[[paramiko.Transport, str], list[str]]
    put_away: Callable[[], None] = lambda: None


def ways(identity: Identity) -> Iterator[Way]:
    """AccessDenied where a key that was named cannot be used: then nothing is tried."""
    for name, key in _own_keys(identity):
        for path in identity.certificate_paths or _certificate_beside(name):
            yield _by_key(f"{name} with the certificate {path}", _certified(name, key(), path))
        yield _by_key(name, key())
    if identity.agent:
        for number, held in enumerate(agent_keys(), 1):
            name = f"key {number} of the agent ({held.fingerprint})"
            yield Way(name, _by_key(name, held).prove, cast(paramiko.Agent, held.agent).close)
    if identity.password:
        yield Way("the password", lambda transport, user: transport.auth_password(user, identity.password))


def _by_key(name: str, key: paramiko.PKey) -> Way:
    return Way(name, lambda transport, user: transport.auth_publickey(user, key))


def _own_keys(identity: Identity) -> Iterator[tuple[str, Callable[[], paramiko.PKey]]]:
    for path in identity.key_paths:
        text = _text_of(path)
        yield path, partial(private_key, text, identity.passphrase, path)
    if identity.key_text:
        name = "the key that was given as text"
        yield name, partial(private_key, identity.key_text, identity.passphrase, name)


def _text_of(path: str) -> str:
    try:
        return Path(path).expanduser().read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise AccessDenied(
            f"The key {path} cannot be read: {error}. It must be readable by Roost."
        ) from error


def private_key(text: str, passphrase: str, name: str) -> paramiko.PKey:
    found, locked = _loaded(text, passphrase, name)
    kind = next((ours for theirs, ours in _KINDS if isinstance(found, theirs)), None)
    if kind is None:
        raise AccessDenied(f"{name} is of a kind that cannot be used. Take an ed25519, ECDSA or RSA key.")
    return kind.from_private_key(io.StringIO(text), passphrase if locked else None)


def _loaded(text: str, passphrase: str, name: str) -> tuple[object, bool]:
    """The key, and whether it takes the passphrase to open it."""
    if "PRIVATE KEY" not in text:
        raise AccessDenied(f"{name} is no private key as OpenSSH writes it (a PuTTY key must be exported).")
    try:
        return _load(text, None), False
    except TypeError:  # it is locked
        pass
    except ValueError as error:
        raise AccessDenied(f"{name} is damaged, or no private key that can be used: {error}") from error
    if not passphrase:
        raise AccessDenied(
            f"{name} is locked with a passphrase. Give it: schedulers edit NAME --passphrase-prompt; "
            "or let an agent hold the key."
        )
    try:
        return _load(text, passphrase.encode()), True
    except ValueError:
        raise AccessDenied(f"The passphrase does not open {name}.") from None


def is_locked(text: str) -> bool:
    """Whether it takes a passphrase to open it."""
    try:
        _load(text, None)
    except TypeError:
        return True
    except ValueError:  # damaged: that is said when it is used
        pass
    return False


def _load(text: str, passphrase: bytes | None) -> object:
    load = serialization.load_pem_private_key
    if "OPENSSH PRIVATE KEY" in text:
        load = serialization.load_ssh_private_key
    return load(text.encode(), passphrase)


def _certificate_beside(name: str) -> tuple[str, ...]:
    """As OpenSSH does: id_ed25519-cert.pub belongs to id_ed25519."""
    beside = f"{name}-cert.pub"
    return (beside,) if Path(beside).expanduser().is_file() else ()


def _certified(name: str, key: paramiko.PKey, path: str) -> paramiko.PKey:
    try:
        key.load_certificate(str(Path(path).expanduser()))
    except (OSError, ValueError, IndexError, paramiko.SSHException) as error:
        raise AccessDenied(f"The certificate {path} does not fit {name}: {error}") from error
    return key


# --- agent ------------------------------------------------------------------------------------------------


def agent_keys() -> tuple[AgentKey, ...]:
    """Those of the agent in SSH_AUTH_SOCK; none if there is no agent, or if it says nothing."""
    link = socket.socket(socket.AF_UNIX)
    link.settimeout(AGENT_SECONDS)
    try:
        link.connect(os.environ.get("SSH_AUTH_SOCK", ""))
        return _Agent(link).get_keys()
    except (paramiko.SSHException, OSError):
        link.close()
        return ()


class _Agent(paramiko.Agent):
    """Over a socket that does not wait for ever."""

    def __init__(self, link: socket.socket) -> None:
        AgentSSH.__init__(self)
        self._connect(link)  # type: ignore[attr-defined]  # where paramiko's own connects, too
