"""How commands and bytes reach an access point: over SSH, or on this machine. The verbs are the same."""

from .address import Identity, Seconds, SshAddress
from .base import Result, Shell
from .follow import Follower, Tail
from .local import LocalShell
from .sharing import SharedShell
from .ssh import SshShell

__all__ = [
    "Follower",
    "Identity",
    "LocalShell",
    "Result",
    "Seconds",
    "SharedShell",
    "Shell",
    "SshAddress",
    "SshShell",
    "Tail",
]
