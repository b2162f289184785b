"""Jobs for a real HTCondor pool: one that talks, one that takes too much memory, one whose results stay
there. Prints their numbers and the key of their owner's session.

python -m tests.browser.furnish_pool HOST USER KEY HOST_KEY
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

TALKING = (
    'for number in $(seq 400); do printf "\\033[32mline $number\\033[0m <b>of slice $ROOST_SLICE</b>\\n"; '
    "sleep 0.5; done"
)
BLOCK = "import time; block = b'x' * (300 << 20); time.sleep(600)"
GREEDY = f'grep -q "^RequestMemory = 600" .job.ad || exec python3 -c "{BLOCK}"; echo enough now'
LARGE = "seq 200000 > large.txt; echo small > small.txt"


def main() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.contrib.auth.models import User

    from jobs_app.manager import JobManager
    from jobs_app.sdk.compute import create_scheduler
    from tests.browser.furnish import session

    host, username, key, host_key = sys.argv[1:]
    create_scheduler("real", host, username, private_key_path=key, host_key=host_key).save()
    alice = User.objects.create_user("alice")
    manager = JobManager("tests.browser.lab")

    def new(name: str, program: str, **parameters: Any) -> int:
        path = Path(os.environ["ROOST_HOME"]) / f"{name}.sh"
        path.write_text(f"#!/bin/sh\n{program}\n")
        path.chmod(0o755)
        job = manager.create_job(
            name, alice, job_type="CONDORJOB", executable=str(path), scheduler="real", **parameters
        )
        job.execute()
        return int(job.pk)

    jobs = {
        "talking": new("talking", TALKING, num_jobs=2, memory=32),
        "greedy": new("greedy", GREEDY, memory=64),
        "far": new("far", LARGE, memory=32, remote_from="100 kB"),
    }
    print(json.dumps({"sessions": {"alice": session(alice)}, "jobs": jobs}))


if __name__ == "__main__":
    main()
