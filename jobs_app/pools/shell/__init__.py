"""How commands and bytes reach an access point: over SSH, or on this machine. The verbs are the same."""

from .base import Result, Shell
from .follow import Follower, Tail
from .local import LocalShell
from .sharing import SharedShell
from .ssh import SshAddress, SshShell

__all__ = ["Follower", "LocalShell", "Result", "SharedShell", "Shell", "SshAddress", "SshShell", "Tail"]
