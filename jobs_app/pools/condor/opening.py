"""A pool from what is known of an account on an access point."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..shell import LocalShell, SharedShell, Shell, SshAddress
from .pool import CondorPool
from .templates import finder


@dataclass(frozen=True)
class AccountAt:
    """No host: a schedd on this machine, as who we are."""

    host: str
    user: str = ""
    port: int = 22
    key_path: str = ""
    host_key: str = ""


def open_condor(account: AccountAt, root: str, folders: Sequence[Path]) -> CondorPool:
    """Nothing is connected before it is needed. `folders`: where submit descriptions are found."""
    return CondorPool(_shell(account), root, finder(folders))


def _shell(account: AccountAt) -> Shell:
    if not account.host:
        return LocalShell()
    user = account.user or getpass.getuser()
    return SharedShell(SshAddress(account.host, user, account.host_key, account.port, account.key_path))
