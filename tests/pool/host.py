"""One host of the test pool: namespaces of its own over the shared root file system.

All of a host lives in its namespaces: processes, mounts, network. The kernel ends them together when the
host's first process dies, and that one dies with us; so nothing stays behind, however we end.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .waiting import wait_until

BOOT = Path(__file__).with_name("boot_host")

# A host has an environment of its own. Above all not ours: htcondor2, once imported, sets CONDOR_CONFIG.
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


class Host:
    def __init__(self, name: str, address: str, rootfs: Path, folder: Path) -> None:
        self.name = name
        self.address = address
        self.rootfs = rootfs
        self.folder = folder
        self.upper = folder / "upper"
        self.upper.mkdir(parents=True)
        (folder / "work").mkdir()
        (folder / "root").mkdir()
        self._outer: subprocess.Popen[bytes] | None = None
        self.pid = 0

    def write(self, path: str, text: str | bytes, mode: int = 0o644) -> None:
        """Puts a file into the host's disk before it starts."""
        target = self.upper / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode() if isinstance(text, str) else text)
        target.chmod(mode)

    def power_on(self) -> None:
        """Starts the host up to the point where it waits for its network; see `go`."""
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", "--uts", "--ipc", "--pid"]
        command += ["--fork", "--kill-child", "--propagation", "private"]
        command += [str(BOOT), self.name, str(self.rootfs), str(self.folder)]
        with (self.folder / "console").open("ab") as console:
            self._outer = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=console,
                stderr=console,
                start_new_session=True,
                env=ENVIRONMENT,
            )
        self.pid = wait_until(self._first_process, 20, f"{self.name} to boot")

    def go(self) -> None:
        assert self._outer is not None
        assert self._outer.stdin is not None
        self._outer.stdin.write(b"go\n")
        self._outer.stdin.close()

    def power_off(self) -> None:
        """As if its plug were pulled. What it had written is there when it is switched on again."""
        self.pull_plug()
        self.wait_for_end()

    def pull_plug(self) -> None:
        if self._outer is not None:
            self._outer.kill()

    def wait_for_end(self) -> None:
        if self._outer is None:
            return
        self._outer.wait(20)
        wait_until(lambda: not Path(f"/proc/{self.pid}").exists(), 20, f"{self.name} to end")
        self._outer, self.pid = None, 0

    def run(self, *argv: str, user: str = "root", timeout: float = 60) -> subprocess.CompletedProcess[str]:
        inside = argv if user == "root" else ("runuser", "-u", user, "--", *argv)
        command = [*self._enter(), *inside]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
            env=ENVIRONMENT,
        )

    def freeze(self) -> None:
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_all(signal.SIGCONT)

    def processes(self) -> list[int]:
        """Every process of this host except its first."""
        mine = str(Path(f"/proc/{self.pid}/ns/pid").readlink())
        return [pid for pid in _all_processes() if pid != self.pid and _namespace(pid) == mine]

    def _signal_all(self, number: int) -> None:
        for pid in self.processes():
            _signal(pid, number)

    def _enter(self) -> Sequence[str]:
        return ("nsenter", "-t", str(self.pid), "-m", "-u", "-i", "-n", "-p")

    def _first_process(self) -> int:
        assert self._outer
        if self._outer.poll() is not None:
            raise RuntimeError(f"{self.name} did not boot:\n{(self.folder / 'console').read_text()}")
        if not (self.upper / "run/booted").exists():
            return 0
        children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children").read_text().split()
        return int(children[0]) if children else 0


def _all_processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _namespace(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:  # it has ended meanwhile
        return ""


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
