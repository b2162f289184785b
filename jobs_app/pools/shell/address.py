"""Where an access point is, what lets us in, and how long we wait for it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Seconds:
    """How long we wait, and what after."""

    connect: float = 15.0  # for the connection, and for a channel on it
    banner: float = 15.0  # for the first word of the other side, and for the keys that both agree on
    login: float = 30.0  # for each answer while we log in
    idle: float = 1800.0  # after so long without a command the connection is closed
    probe: float = 20.0  # how often the other side has to show that it is there
    answer: float = 60.0  # it is given up if it does not answer a probe for so long


@dataclass(frozen=True)
class Identity:
    """What may let us in; tried in this order. No repr shows a secret."""

    key_paths: tuple[str, ...] = ()
    key_text: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)
    certificate_paths: tuple[str, ...] = ()
    agent: bool = False
    password: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.key_paths or self.key_text or self.agent or self.password)


@dataclass(frozen=True)
class SshAddress:
    host: str
    user: str
    host_key: str  # pinned: "ssh-ed25519 AAAA..."
    port: int = 22
    identity: Identity = Identity(agent=True)
    jumps: tuple[SshAddress, ...] = ()  # the way there, nearest first
    seconds: Seconds = Seconds()

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}"
