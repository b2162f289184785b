"""A pool from what is known of an account on an access point."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..shell import Identity, LocalShell, Seconds, SharedShell, Shell, SshAddress
from ..shell.ssh import nobody_counts
from ..shell.sshconfig import Known, SshConfig, jumps_in, split_jump
from .pool import CondorPool
from .templates import finder

SSH_PORT = 22


@dataclass(frozen=True)
class AccountAt:
    """No host: a schedd on this machine, as who we are. No repr shows a secret."""

    host: str
    user: str = ""
    port: int = SSH_PORT
    key_path: str = ""
    host_key: str = ""
    certificate_path: str = ""
    agent: bool = False
    ssh_config: str = ""
    jump: str = ""
    jump_host_key: str = ""  # a line each
    key_text: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    seconds: Seconds = field(default_factory=Seconds)


def open_condor(
    account: AccountAt,
    root: str,
    folders: Sequence[Path],
    before_login: Callable[[], None] = nobody_counts,
) -> CondorPool:
    """Nothing is connected before it is needed. `folders`: where submit descriptions are found."""
    return CondorPool(open_shell(account, before_login), root, finder(folders))


def open_shell(account: AccountAt, before_login: Callable[[], None] = nobody_counts) -> Shell:
    """All shells of this process to the same account share one login."""
    return SharedShell(address_of(account), before_login) if account.host else LocalShell()


def address_of(account: AccountAt) -> SshAddress:
    config = SshConfig(account.ssh_config)
    known = config.about(account.host)
    return SshAddress(
        known.host,
        account.user or known.user or getpass.getuser(),
        account.host_key,
        account.port if account.port != SSH_PORT else known.port or SSH_PORT,
        _identity(account, known),
        _jumps(account, config),
        account.seconds,
    )


def _identity(account: AccountAt, known: Known) -> Identity:
    """What is said of the account; else what the configuration says; else what an agent has."""
    own = (account.key_path,) if account.key_path else ()
    certificates = (account.certificate_path,) if account.certificate_path else known.certificate_paths
    named = bool(own or account.key_text)
    keys = own if named else known.key_paths
    agent = account.agent or not (keys or named or account.password)
    return Identity(keys, account.key_text, account.passphrase, certificates, agent, account.password)


def _jumps(account: AccountAt, config: SshConfig) -> tuple[SshAddress, ...]:
    named = jumps_in(account.jump) or config.way_to(account.host)
    pinned = [line.strip() for line in account.jump_host_key.splitlines() if line.strip()]
    pinned += [""] * (len(named) - len(pinned))
    return tuple(_jump(account, each, key, config) for each, key in zip(named, pinned, strict=False))


def _jump(account: AccountAt, named: str, host_key: str, config: SshConfig) -> SshAddress:
    """It is shown the same key, certificate or agent; never the password, which is the access point's."""
    user, host, port = split_jump(named)
    known = config.about(host)
    default = account.user or getpass.getuser()
    return SshAddress(
        known.host,
        user or known.user or default,
        host_key,
        port or known.port or SSH_PORT,
        _identity_for_jump(account, known),
        (),
        account.seconds,
    )


def _identity_for_jump(account: AccountAt, known: Known) -> Identity:
    own = (account.key_path,) if account.key_path else ()
    certificates = known.certificate_paths or (
        (account.certificate_path,) if account.certificate_path else ()
    )
    keys = known.key_paths or own
    agent = account.agent or not (keys or account.key_text)
    return Identity(keys, account.key_text, account.passphrase, certificates, agent)
