"""A real sshd on loopback, for what a login may meet. Gone without a trace, however its test ends."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .host import ENVIRONMENT
from .rootfs import rootfs
from .waiting import wait_until

BOOT = Path(__file__).with_name("boot_sshd")
USER = "roost"

CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
{host_keys}
AuthorizedKeysFile .ssh/authorized_keys
TrustedUserCAKeys /etc/ssh/ca.pub
PasswordAuthentication yes
UsePAM no
UseDNS no
PrintMotd no
LogLevel VERBOSE
MaxStartups 100
{more}
"""


def new_key(path: Path, *options: str, passphrase: str = "") -> Path:
    command = ["ssh-keygen", "-q", "-N", passphrase, "-C", "roost", "-f", str(path), *options]
    subprocess.run(command, check=True, timeout=60, stdin=subprocess.DEVNULL)
    return path


def public(key: Path) -> str:
    return key.with_name(f"{key.name}.pub").read_text()


class Sshd:
    """`authority`: a key whose certificates it trusts."""

    host = "127.0.0.1"
    user = USER

    def __init__(
        self,
        folder: Path,
        authorized: list[str],
        authority: str = "",
        more: str = "",
        host_keys: tuple[str, ...] = ("ed25519",),
    ) -> None:
        self.folder = folder
        self.password = secrets.token_urlsafe(12)
        self.port = _free_port()
        self._authorized, self._authority, self._more = authorized, authority, more
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("upper", "work", "root"):
            (folder / name).mkdir()
        self._host_keys = host_keys
        self.host_keys = {kind: self.change_host_key(kind) for kind in host_keys}
        self.host_key = self.host_keys[host_keys[0]]
        self._furnish()

    def change_host_key(self, kind: str = "ed25519") -> str:
        """A new one, which it shows after its next start."""
        path = self.folder / f"host_key_{secrets.token_hex(3)}"
        new_key(path, "-t", kind)
        self._write(f"etc/ssh/ssh_host_{kind}_key", path.read_text(), 0o600)
        return " ".join(public(path).split()[:2])

    def start(self) -> None:
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child"]
        command += ["--propagation", "private", str(BOOT), str(rootfs()), str(self.folder), self.password]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=ENVIRONMENT,
            )
        wait_until(self._answers, 20, f"sshd to answer:\n{self.log}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
            self._process = None
            wait_until(lambda: not self._answers(), 20, "sshd to end")

    def freeze(self) -> None:
        """It and all that serve connections stand still; the kernel goes on answering for them."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    @property
    def logins(self) -> int:
        return sum(self.log.count(f"Accepted {what} for") for what in ("publickey", "password"))

    def _signal(self, number: int) -> None:
        assert self._process is not None
        for pid in _descendants(self._process.pid):
            os.kill(pid, number)

    def _answers(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f"sshd did not start:\n{self.log}")
        try:
            with socket.create_connection((self.host, self.port), timeout=1) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def _furnish(self) -> None:
        self._write("etc/ssh/sshd_config", self._config())
        self._write("etc/ssh/ca.pub", self._authority)
        self._write(f"home/{USER}/.ssh/authorized_keys", "".join(self._authorized), 0o600)
        (self.folder / "upper" / "home" / USER / ".ssh").chmod(0o700)

    def _config(self) -> str:
        keys = "\n".join(f"HostKey /etc/ssh/ssh_host_{kind}_key" for kind in self._host_keys)
        return CONFIG.format(port=self.port, more=self._more, host_keys=keys)

    def _write(self, path: str, text: str, mode: int = 0o644) -> None:
        target = self.folder / "upper" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)


@contextmanager
def running_sshd(
    authorized: list[str],
    authority: str = "",
    more: str = "",
    host_keys: tuple[str, ...] = ("ed25519",),
) -> Iterator[Sshd]:
    folder = Path(tempfile.mkdtemp(prefix="roost-sshd-"))
    try:
        server = Sshd(folder, authorized, authority, more, host_keys)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _descendants(pid: int) -> list[int]:
    """Those that it has started, and these; the first one (unshare) left out."""
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    children = [int(word) for word in tasks.read_text().split()] if tasks.exists() else []
    return [*children, *(each for child in children for each in _descendants(child))]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
