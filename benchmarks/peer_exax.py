"""exax (the Accelerator) in an environment of its own, with a server started for one measurement."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.peers import install

HERE = Path(__file__).parent
STARTED_WITHIN = 120.0  # seconds; with many jobs it reads their directories first


class Exax:
    """A project with a number of slices, and its server."""

    def __init__(self, folder: Path, slices: int) -> None:
        self.folder = folder
        self.ax = install() / "ax"
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder.parent), "USER": "bench"}
        make = [str(self.ax), "init", "--no-git", "--slices", str(slices), "--name", "dev", str(folder)]
        subprocess.run(make, check=True, env=self.environment, stdout=subprocess.DEVNULL)
        for script in (HERE / "exax").glob("*.py"):
            shutil.copy(script, folder / "dev")

    @contextlib.contextmanager
    def server(self) -> Iterator[subprocess.Popen[bytes]]:
        with (self.folder / "server.log").open("wb") as log:
            process = subprocess.Popen(
                [self.ax, "server"],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._wait_for(process)
            yield process
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()

    def build(self, method: str, xs: Sequence[int]) -> list[float]:
        """Seconds that each build of `method` took, by the clock inside exax."""
        into = self.folder / "times.json"
        asked = json.dumps({"method": method, "xs": list(xs), "into": str(into)})
        subprocess.run(
            [self.ax, "run", "--quick", "timed"],
            cwd=self.folder,
            env={**self.environment, "BENCH": asked},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        times: list[float] = json.loads(into.read_text())
        return times

    def _wait_for(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + STARTED_WITHIN
        log = self.folder / "server.log"
        while "Serving on" not in log.read_text():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The exax server did not start:\n{log.read_text()}")
            time.sleep(0.02)

    def clone(self, jobid: str, xs: Sequence[int]) -> None:
        """More finished jobs: copies of one, each with its own option `x`."""
        workdir = self.folder / "workdirs" / "dev"
        original = workdir / jobid
        setup = json.loads((original / "setup.json").read_text())
        last = max(int(job.name.partition("-")[2]) for job in workdir.glob("dev-*[0-9]"))
        for number, x in enumerate(xs, start=last + 1):
            shutil.copytree(original, workdir / f"dev-{number}", symlinks=True)
            setup["jobid"], setup["options"]["x"] = f"dev-{number}", x
            (workdir / f"dev-{number}" / "setup.json").write_text(json.dumps(setup))
