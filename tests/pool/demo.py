"""`make demo-pool`: the demo, but on a real HTCondor pool that is reached over SSH."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from .pool import TestPool, running_pool
from .rootfs import CannotRun, obstacle

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"
NAME = "test-pool"


def main() -> int:
    reason = obstacle()
    if reason:
        print(f"No pool here: {reason}.", file=sys.stderr)
        return 1
    home = tempfile.mkdtemp(prefix="roost-demo-")
    try:
        print("Starting an HTCondor pool (the first time, Debian is installed into a folder) ...", flush=True)
        with running_pool() as pool:
            return run_on(pool, {**os.environ, "ROOST_HOME": home})
    except KeyboardInterrupt:
        return 130
    except CannotRun as error:
        print(f"No pool here: {error}.", file=sys.stderr)
        return 1


def run_on(pool: TestPool, environment: dict[str, str], *options: str) -> int:
    """Its exit code; `options` as `manage.py demo` takes them."""
    environment = {**environment, "ROOST_SCHEDULER": NAME}
    add = ["schedulers", "add", NAME, "--host", pool.host, "--user", pool.user, "--key", str(pool.key)]
    add += ["--fingerprint", pool.fingerprint]
    for words in (["migrate", "--verbosity", "0"], add, ["demo", *options]):
        code = subprocess.run([sys.executable, str(MANAGE), *words], env=environment, check=False).returncode
        if code:
            return code
    print(f"\nAll of it lies in {environment['ROOST_HOME']}. It ran here:\n")
    print(
        pool.run("condor_history", "-af:h", "ClusterId", "LastRemoteHost", "ExitCode", "RemoteWallClockTime")
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
