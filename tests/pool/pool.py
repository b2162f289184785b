"""A real HTCondor pool on this machine: an access point reached over SSH and two execute hosts."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import files
from .host import Host
from .network import Network
from .relay import Relay
from .rootfs import rootfs
from .waiting import wait_until

ACCESS = "ap"
EXECUTE = ("exec1", "exec2")
PREFIX = "roost-pool-"


class TestPool:
    """`host`, `port`, `user`, `key` and `host_key` are what a client needs."""

    __test__ = False
    port = 22
    user = files.USER

    def __init__(self, folder: Path, network: Network, disk: Path | None = None) -> None:
        """`disk`: a folder that becomes the one in which the account keeps what Roost brings."""
        self.folder = folder
        self.network = network
        root = rootfs()
        names = (ACCESS, *EXECUTE)
        addresses = {name: network.address(10 + index) for index, name in enumerate(names)}
        self.hosts = {name: Host(name, address, root, folder / name) for name, address in addresses.items()}
        self.host = addresses[ACCESS]
        self.key = _new_key(folder / "user_key")
        self.host_key = " ".join(_new_key(folder / "host_key").with_suffix(".pub").read_text().split()[:2])
        self._relays: list[Relay] = []
        self._furnish(addresses)
        if disk is not None:
            self._give_disk(disk)

    # --- what tests do to it ------------------------------------------------------------------------

    def cut(self, name: str) -> None:
        """Pulls the host's network cable."""
        self.network.cut(self.hosts[name])

    def restore(self, name: str) -> None:
        self.network.restore(self.hosts[name])

    def kill(self, name: str) -> None:
        """Pulls the host's plug; `start` switches it on again with the same disk."""
        self.hosts[name].power_off()
        self.network.disconnect(self.hosts[name])

    def start(self, name: str) -> None:
        host = self.hosts[name]
        host.power_on()
        self.network.connect(host)
        host.go()

    def freeze(self, name: str) -> None:
        self.hosts[name].freeze()

    def thaw(self, name: str) -> None:
        self.hosts[name].thaw()

    def slow(self, milliseconds: float = 0) -> Relay:
        """Another way to the SSH port, with this round trip added; it can also be cut at a given byte."""
        relay = Relay(self.host, self.port, milliseconds / 1000)
        self._relays.append(relay)
        return relay

    def run(self, *argv: str, name: str = ACCESS, user: str = files.USER, timeout: float = 60) -> str:
        """Runs a command on a host, past SSH."""
        done = self.hosts[name].run(*argv, user=user, timeout=timeout)
        if done.returncode != 0:
            raise RuntimeError(f"{argv} on {name} ended with {done.returncode}: {done.stderr}{done.stdout}")
        return done.stdout

    def logins(self) -> int:
        """How many SSH logins there have been."""
        return (self.hosts[ACCESS].upper / "var/log/sshd.log").read_text().count("Accepted publickey")

    @property
    def fingerprint(self) -> str:
        """Of its host key, as OpenSSH prints it."""
        digest = hashlib.sha256(base64.b64decode(self.host_key.split()[1])).digest()
        return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"

    # --- its life -------------------------------------------------------------------------------------

    def power_on(self) -> None:
        for name in self.hosts:
            self.start(name)
        self.wait_ready()

    def wait_ready(self, seconds: float = 60) -> None:
        wait_until(self._sshd_answers, seconds, "sshd of the access point")
        wait_until(self._all_slots_seen, seconds, "HTCondor to see its execute hosts", every=0.2)

    def stop(self) -> None:
        for relay in self._relays:
            relay.stop()
        for host in self.hosts.values():
            host.pull_plug()
        for host in self.hosts.values():
            host.wait_for_end()

    def _sshd_answers(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), timeout=1) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def _all_slots_seen(self) -> bool:
        done = self.hosts[ACCESS].run("condor_status", "-af", "Name", timeout=20)
        queue = self.hosts[ACCESS].run("condor_q", "-totals", timeout=20)
        return queue.returncode == 0 and all(f"@{name}." in done.stdout for name in EXECUTE)

    def _furnish(self, addresses: dict[str, str]) -> None:
        password = secrets.token_hex(16)
        for name, host in self.hosts.items():
            access = name == ACCESS
            values = {
                "access": f"{ACCESS}.{files.DOMAIN}",
                "address": host.address,
                "name": name,
                "domain": files.DOMAIN,
                "daemons": "MASTER, COLLECTOR, NEGOTIATOR, SCHEDD" if access else "MASTER, STARTD",
                "cpus": 4,
                "memory": 2048,
            }
            role = files.ACCESS if access else files.EXECUTE
            host.write("etc/condor/config.d/50-test-pool", (files.COMMON + role).format(**values))
            host.write("etc/condor/pool_password", password, 0o600)
            host.write("etc/hosts", files.hosts(addresses))
            host.write("etc/hostname", f"{name}\n")
            host.write("etc/roost/init", files.INIT.format(servers=""))
        self._furnish_sshd(self.hosts[ACCESS])
        self.furnish_access_point()

    def furnish_access_point(self) -> None:
        """What it starts with, as it should be; while it is off."""
        host = self.hosts[ACCESS]
        host.write("etc/roost/init", files.INIT.format(servers=files.SSHD_COMMAND))
        host.write("etc/ssh/sshd_config", files.SSHD)

    def _furnish_sshd(self, host: Host) -> None:
        host.write("etc/ssh/ssh_host_ed25519_key", (self.folder / "host_key").read_bytes(), 0o600)
        home = f"home/{files.USER}"
        host.write(f"{home}/.ssh/authorized_keys", self.key.with_suffix(".pub").read_bytes(), 0o600)
        owner = (host.rootfs / home).stat()
        for path in (home, f"{home}/.ssh", f"{home}/.ssh/authorized_keys"):
            os.chown(host.upper / path, owner.st_uid, owner.st_gid)
        (host.upper / home / ".ssh").chmod(0o700)

    def _give_disk(self, disk: Path) -> None:
        host = self.hosts[ACCESS]
        place, owner = f"home/{files.USER}/roost", (host.rootfs / f"home/{files.USER}").stat()
        (host.upper / place).mkdir()
        os.chown(disk, owner.st_uid, owner.st_gid)
        disk.chmod(0o700)
        (host.folder / "disk").symlink_to(disk)
        (host.folder / "disk_place").write_text(f"{place}\n")


@contextmanager
def running_pool(disk: Path | None = None) -> Iterator[TestPool]:
    """A pool that is up, and gone afterwards whatever happens."""
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    with (folder / "born").open("w") as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
        (folder / "born").rename(folder / "alive")  # seen by others only when it is locked
        try:
            with _network() as network:
                yield from _powered(TestPool(folder, network, disk))
        finally:
            shutil.rmtree(folder)


def _powered(pool: TestPool) -> Iterator[TestPool]:
    try:
        pool.power_on()
        yield pool
    finally:
        pool.stop()


@contextmanager
def _network() -> Iterator[Network]:
    network = Network.start()
    try:
        yield network
    finally:
        network.stop()


def _sweep() -> None:
    """Removes the folders of pools whose owner was killed; all else of those has ended with it."""
    for alive in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/alive"):
        with alive.open() as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            shutil.rmtree(alive.parent, ignore_errors=True)


def _new_key(path: Path) -> Path:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "roost test pool", "-f", str(path)]
    subprocess.run(command, check=True, timeout=30, stdin=subprocess.DEVNULL)
    return path
