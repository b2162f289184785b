"""Real servers for the tests, each in a folder of its own and on a free port: PostgreSQL and Redis."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PATIENCE = 60.0


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"nobody listens on port {port}: {log.read_text()[-2000:]}")


@dataclass
class Server:
    """One that may die, and is started again in the same place."""

    url: str
    command: Sequence[str]
    port: int
    log: Path
    user: str | None = None
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command, stdout=output, stderr=output, user=self.user, cwd="/"
            )
        wait_for_port(self.port, self.process, self.log)

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(PATIENCE)


@contextmanager
def running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            server.end()


# --- Redis ------------------------------------------------------------------------------------------------


@contextmanager
def redis() -> Iterator[str]:
    """Its URL."""
    with redis_server() as server:
        yield server.url


@contextmanager
def redis_server() -> Iterator[Server]:
    """It keeps nothing on disk: when it dies, all messages are lost."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="roost-redis-") as folder:
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        url = f"redis://127.0.0.1:{port}/0"
        with running(Server(url, [program, *options], port, Path(folder, "log"))) as server:
            yield server


# --- PostgreSQL -------------------------------------------------------------------------------------------


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """The URL of an empty database."""
    with postgres_server(durable=durable) as server:
        yield server.url


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[Server]:
    """With an empty database. PostgreSQL does not run as root: somebody else runs it then. `durable`: what is
    committed is on the disk, as in production; tests have no need to wait for that."""
    programs = postgres_programs()
    user = unprivileged()
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="roost-postgres-") as folder:
        data = Path(folder, "data")
        make_cluster(programs, data, user)
        options = ["-D", str(data), "-p", str(port), "-c", "listen_addresses=127.0.0.1"]
        own = ["-c", f"unix_socket_directories={folder}", "-c", "max_connections=200"]
        own += ["-c", f"fsync={'on' if durable else 'off'}"]
        command = [str(programs / "postgres"), *options, *own]
        url = f"postgres://roost@127.0.0.1:{port}/postgres"
        with running(Server(url, command, port, Path(folder, "log"), user)) as server:
            yield server


def postgres_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if found:
        return found[-1].parent
    anywhere = shutil.which("postgres")
    if anywhere is None or shutil.which("initdb") is None:
        pytest.skip("PostgreSQL is not installed")
    return Path(anywhere).resolve().parent


def unprivileged() -> str | None:
    if os.getuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def make_cluster(programs: Path, data: Path, user: str | None) -> None:
    data.mkdir()
    if user is not None:
        owner = pwd.getpwnam(user)
        for path in (data.parent, data):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    command = [str(programs / "initdb"), "-D", str(data), "-U", "roost", "-A", "trust", "-E", "UTF8"]
    made = subprocess.run(
        [*command, "--no-sync"], user=user, capture_output=True, text=True, cwd="/", check=False
    )
    assert made.returncode == 0, made.stderr
