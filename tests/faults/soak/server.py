"""A server process that may be stopped, killed, frozen and started again on the same port and folder."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests import servers

ENDS_WITHIN = 30.0


@dataclass
class Server:
    command: Sequence[str]
    log: Path
    port: int = 0  # 0: nobody has to be waited for
    user: str | None = None
    environment: Mapping[str, str] | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self, **environment: str) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self.user,
                cwd="/" if self.user else None,
                env={**self.environment, **environment} if self.environment is not None else None,
            )
        if self.port:
            servers.wait_for_port(self.port, self.process, self.log)

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def end(self, number: int = signal.SIGTERM) -> None:
        if self.process is None:
            return
        self.process.send_signal(number)
        self.process.wait(ENDS_WITHIN)

    def signal(self, number: int) -> None:
        if self.alive and self.process is not None:
            self.process.send_signal(number)


def redis(folder: Path) -> tuple[Server, str]:
    """Its messages survive a restart only as far as Redis promises: not at all."""
    folder.mkdir()
    port = servers.free_port()
    program = shutil.which("redis-server") or "redis-server"
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    return Server([program, *options], folder / "log", port), f"redis://127.0.0.1:{port}/0"


def postgres(folder: Path) -> tuple[Server, str]:
    folder.mkdir()
    port, user = servers.free_port(), servers.unprivileged()
    programs, data = servers.postgres_programs(), folder / "data"
    servers.make_cluster(programs, data, user)
    options = ["-D", str(data), "-p", str(port), "-c", "listen_addresses=127.0.0.1"]
    fast = ["-c", f"unix_socket_directories={folder}", "-c", "fsync=off", "-c", "max_connections=200"]
    log = folder / "log"
    log.touch()
    server = Server([str(programs / "postgres"), *options, *fast], log, port, user)
    return server, f"postgres://roost@127.0.0.1:{port}/postgres"
