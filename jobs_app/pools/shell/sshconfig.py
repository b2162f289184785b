"""What a file like ~/.ssh/config says of a host. What is known otherwise wins over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import paramiko

from ..base import AccessDenied

_MOST_JUMPS = 8


@dataclass(frozen=True)
class Known:
    """Of one host; empty or 0: nothing is said."""

    host: str
    port: int = 0
    user: str = ""
    key_paths: tuple[str, ...] = ()
    certificate_paths: tuple[str, ...] = ()
    jumps: tuple[str, ...] = ()  # "user@host:port", nearest first


class SshConfig:
    """An empty path: a file that says nothing."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._config = _read(path) if path else None

    def about(self, alias: str) -> Known:
        if self._config is None:
            return Known(alias)
        said = self._config.lookup(alias)
        if said.get("proxycommand", "none").lower() != "none":
            raise AccessDenied(f"{self._path} gives {alias} a ProxyCommand. Only ProxyJump is known here.")
        return Known(
            said.get("hostname", alias),
            int(said.get("port", 0)),
            said.get("user", ""),
            _there(said.get("identityfile", ())),
            _there(_list(said.get("certificatefile", ()))),
            jumps_in(said.get("proxyjump", "")),
        )

    def way_to(self, alias: str) -> tuple[str, ...]:
        """Its jump hosts, and what these in turn are reached over."""
        return self._way(alias, _MOST_JUMPS)

    def _way(self, alias: str, left: int) -> tuple[str, ...]:
        if not left:
            raise AccessDenied(f"{self._path}: the jump hosts on the way to {alias} have no end.")
        jumps = self.about(alias).jumps
        before = self._way(split_jump(jumps[0])[1], left - 1) if jumps else ()
        return (*before, *jumps)


def jumps_in(text: str) -> tuple[str, ...]:
    """ "a@b:22, c" -> ("a@b:22", "c"); OpenSSH's "none" is none."""
    named = tuple(each.strip() for each in text.split(",") if each.strip())
    return () if tuple(name.lower() for name in named) == ("none",) else named


def split_jump(text: str) -> tuple[str, str, int]:
    """ "user@host:port" -> user ("" if not said), host, port (0 if not said)."""
    user, _, rest = text.rpartition("@")
    host, _, port = rest.rpartition(":") if _has_port(rest) else (rest, "", "")
    if port and not port.isdecimal():
        raise AccessDenied(f"The jump host {text!r} cannot be read. Write it user@host:port.")
    return user, host.strip("[]"), int(port or 0)


def _has_port(rest: str) -> bool:
    return "]:" in rest or rest.count(":") == 1


def _read(path: str) -> paramiko.SSHConfig:
    try:
        return paramiko.SSHConfig.from_path(str(Path(path).expanduser()))
    except (OSError, UnicodeDecodeError, paramiko.SSHException) as error:
        raise AccessDenied(f"The SSH configuration {path} cannot be read: {error}") from error


def _list(found: str | Sequence[str]) -> Sequence[str]:
    return [found] if isinstance(found, str) else found


def _there(paths: Sequence[str]) -> tuple[str, ...]:
    """As OpenSSH does: a key that is not there is not tried."""
    return tuple(path for path in paths if Path(path).expanduser().is_file())
