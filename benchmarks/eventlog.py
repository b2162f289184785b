"""What HTCondor would have logged of slices that were never run: the same text, of the same length (some
1.5 KB a slice), without the hours that a small pool would need for them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

SUBMITTED = """\
000 ({cluster}.{proc:03d}.000) 2026-11-20 22:29:40 Job submitted from host: <198.18.4.10:9618?addrs=\
198.18.4.10-9618&alias=ap.pool.roost.test&noUDP&sock=schedd_93_2ab9>
\troost {plan} 0 {attempt} {slice}
...
"""
STARTED = """\
040 ({cluster}.{proc:03d}.000) 2026-11-20 22:29:41 Started transferring input files
\tTransferring to host: <198.18.4.11:9618?addrs=198.18.4.11-9618&\
alias=exec1.pool.roost.test&noUDP&sock=slot1_2_92_5b07_41>
...
040 ({cluster}.{proc:03d}.000) 2026-11-20 22:29:41 Finished transferring input files
...
001 ({cluster}.{proc:03d}.000) 2026-11-20 22:29:41 Job executing on host: <198.18.4.11:9618?addrs=\
198.18.4.11-9618&alias=exec1.pool.roost.test&noUDP&sock=startd_88_8d1e>
\tSlotName: slot1_2@exec1.pool.roost.test
\tCondorScratchDir = "/var/lib/condor/execute/dir_1234"
\tCpus = 1
\tDisk = 2048
\tGPUs = 0
\tMemory = 128
...
"""
ENDED = """\
005 ({cluster}.{proc:03d}.000) 2026-11-20 22:29:42 Job terminated.
\t(1) Normal termination (return value 0)
\t\tUsr 0 00:00:00, Sys 0 00:00:00  -  Run Remote Usage
\t\tUsr 0 00:00:00, Sys 0 00:00:00  -  Run Local Usage
\t\tUsr 0 00:00:00, Sys 0 00:00:00  -  Total Remote Usage
\t\tUsr 0 00:00:00, Sys 0 00:00:00  -  Total Local Usage
\t10813  -  Run Bytes Sent By Job
\t7987  -  Run Bytes Received By Job
\t10813  -  Total Bytes Sent By Job
\t7987  -  Total Bytes Received By Job
\tPartitionable Resources :    Usage  Request Allocated\x20
\t   Cpus                 :        0        1         1\x20
\t   Disk (KB)            :       34       10      2048\x20
\t   GPUs                 :                           0\x20
\t   Memory (MB)          :        9        1       128\x20

\tJob terminated of its own accord at 2026-11-20T22:29:42Z with exit-code 0.
...
"""
WHOLE = (SUBMITTED, STARTED, ENDED)

Slices = Iterable[tuple[str, int]]  # attempt and slice, in the order of a cluster's procs


def text(kinds: Sequence[str], slices: Slices, *, cluster: int, plan: str) -> Iterator[str]:
    """The events of `kinds`, of one slice after the other."""
    form = "".join(kinds)
    for proc, (attempt, number) in enumerate(slices):
        yield form.format(cluster=cluster, proc=proc, plan=plan, attempt=attempt, slice=number)


def write_plan(root: Path, plan: str, shares: Iterable[tuple[str, int]]) -> None:
    """As a sending leaves it on the access point: one cluster; attempts with the number of their slices."""
    listed = [[attempt, slices, False, [["run", 0, slices]]] for attempt, slices in shares]
    folder = root / "batches" / plan
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.json").write_text(json.dumps({"version": 1, "clusters": [listed]}))


def append(segment: Path, events: Iterable[str]) -> int:
    """How many bytes were written."""
    with segment.open("a") as file:
        return sum(file.write(event) for event in events)
