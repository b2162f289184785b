"""The test pool's network: a switch in its own namespace, a cable to each host and one to this machine."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from .host import Host
from .waiting import wait_until

# 198.18.0.0/15 is set aside for tests of networks: nobody's real one uses it.
SUBNETS = 250


@dataclass
class Network:
    """`number` names everything of this run; the kernel refuses to give a number twice."""

    number: int
    switch: subprocess.Popen[bytes]

    @property
    def link(self) -> str:
        return f"roost{self.number}"

    def address(self, last: int) -> str:
        return f"198.18.{self.number}.{last}"

    @classmethod
    def start(cls) -> Network:
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sleep", "infinity"]
        switch = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            return cls._connected(switch)
        except BaseException:
            switch.kill()
            switch.wait()
            raise

    @classmethod
    def _connected(cls, switch: subprocess.Popen[bytes]) -> Network:
        _wait_for_namespace(switch.pid)
        inside(switch.pid, "ip", "link", "add", "bridge", "type", "bridge")
        inside(switch.pid, "ip", "link", "set", "bridge", "up")
        network = cls(_free_number(switch.pid), switch)
        network._plug_in("here")
        _ip("addr", "add", f"{network.address(1)}/24", "dev", network.link)
        _ip("link", "set", network.link, "up")
        return network

    def connect(self, host: Host) -> None:
        cable = ("link", "add", host.name, "netns", str(self.switch.pid), "type", "veth")
        _ip(*cable, "peer", "name", "eth0", "netns", str(host.pid))
        self._plug_in(host.name)
        for words in (f"addr add {host.address}/24 dev eth0", "link set eth0 up", "link set lo up"):
            inside(host.pid, "ip", *words.split())

    def disconnect(self, host: Host) -> None:
        _attempt("nsenter", "-t", str(self.switch.pid), "-n", "ip", "link", "del", host.name)

    def cut(self, host: Host) -> None:
        inside(self.switch.pid, "ip", "link", "set", host.name, "down")

    def restore(self, host: Host) -> None:
        inside(self.switch.pid, "ip", "link", "set", host.name, "up")

    def stop(self) -> None:
        _attempt("ip", "link", "del", self.link)
        self.switch.kill()
        self.switch.wait(20)

    def _plug_in(self, port: str) -> None:
        inside(self.switch.pid, "ip", "link", "set", port, "master", "bridge")
        inside(self.switch.pid, "ip", "link", "set", port, "up")


def _free_number(switch: int) -> int:
    for number in range(SUBNETS):
        cable = ("link", "add", f"roost{number}", "type", "veth")
        if _attempt("ip", *cable, "peer", "name", "here", "netns", str(switch)).returncode == 0:
            return number
    raise RuntimeError(f"{SUBNETS} test pools run already, or `ip link add` does not work here")


def _wait_for_namespace(pid: int) -> None:
    ours = Path("/proc/self/ns/net").readlink()
    wait_until(lambda: Path(f"/proc/{pid}/ns/net").readlink() != ours, 10, "the switch to start")


def inside(pid: int, *argv: str) -> None:
    _checked("nsenter", "-t", str(pid), "-n", *argv)


def _ip(*words: str) -> None:
    _checked("ip", *words)


def _checked(*argv: str) -> None:
    done = _attempt(*argv)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}")


def _attempt(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
