from __future__ import annotations

import argparse
import logging
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks.report import write_faults
from tests.pool.rootfs import obstacle

from .world import running_world


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--injections", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=40, help="in flight")
    parser.add_argument("--quick", action="store_true", help="leaves out the faults that last for minutes")
    parser.add_argument("--file", action="store_true", help="files the report in benchmarks/RESULTS.md")
    parser.add_argument("--only", default="", help="faults whose names contain one of these, a|b|c")
    parser.add_argument("--kinds", default="", help="only jobs of these kinds, a|b|c")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="keeps the folder, to look at it; it stays anyway if something was wrong",
    )
    options = parser.parse_args()
    if reason := obstacle():
        print(f"No pool here: {reason}.", file=sys.stderr)
        return 1
    root = Path(tempfile.mkdtemp(prefix="roost-soak-"))
    root.chmod(0o755)  # PostgreSQL runs as somebody else
    print(f"All of it lies in {root}.", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
    with running_world(root) as world:
        os.environ.update(world.environment)
        sys.path.insert(0, str(root))
        import django

        django.setup()
        logging.basicConfig(filename=root / "soak.log", format="%(asctime)s %(message)s", force=True)
        logging.getLogger("soak").setLevel(logging.INFO)
        from .faults import chosen
        from .report import report
        from .run import run

        outcome = run(
            world,
            options.injections,
            options.seed,
            options.jobs,
            chosen(options.only, options.quick),
            options.kinds,
        )
    if outcome.verdict.good and not options.keep:
        shutil.rmtree(root)
    text = report(outcome)
    print(text)
    if options.file:
        write_faults(text)
    return 0 if outcome.verdict.good else 1


if __name__ == "__main__":
    sys.exit(main())
