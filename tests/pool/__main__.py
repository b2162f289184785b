"""`make pool`: a real pool on this machine until Ctrl-C."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from .pool import TestPool, running_pool
from .rootfs import CannotRun, obstacle


def main() -> int:
    reason = obstacle()
    if reason:
        print(f"No pool here: {reason}.", file=sys.stderr)
        return 1
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        print("Starting an HTCondor pool (the first time, Debian is installed into a folder) ...", flush=True)
        with running_pool() as pool:
            print(_how_to_reach(pool), flush=True)
            signal.pause()
    except KeyboardInterrupt:
        print("The pool is stopped.")
    except CannotRun as error:
        print(f"No pool here: {error}.", file=sys.stderr)
        return 1
    return 0


def _how_to_reach(pool: TestPool) -> str:
    known = Path(pool.folder / "known_hosts")
    known.write_text(f"{pool.host} {pool.host_key}\n")
    return f"""The pool is up: an access point and two execute hosts.

  host      {pool.host}
  port      {pool.port}
  user      {pool.user}
  key       {pool.key}
  host key  {pool.host_key}

  python manage.py schedulers add test-pool --host {pool.host} --user {pool.user} \\
      --key {pool.key} --fingerprint {pool.fingerprint}

If there is a test-pool of an earlier time, the same words after "schedulers edit test-pool" lead it here.

  ssh -i {pool.key} -o UserKnownHostsFile={known} {pool.user}@{pool.host} condor_status

Ctrl-C stops it and leaves nothing behind."""


if __name__ == "__main__":
    sys.exit(main())
