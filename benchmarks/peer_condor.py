"""The peers on the pool: condorpy, and HTCondor's commands on the access point, where they need no SSH."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.home import ROOT
from benchmarks.peers import install
from tests.pool.pool import ACCESS, TestPool

HOME = "/home/roost"
NEVER = "executable = /bin/true\ntransfer_executable = false\nrequirements = False\nqueue\n"


def sshd_log(pool: TestPool) -> Path:
    return pool.hosts[ACCESS].upper / "var/log/sshd.log"


def condorpy(pool: TestPool, port: int, folder: Path, rounds: int) -> dict[str, Any]:
    """Seconds, channels and requests of so many jobs with two files each, over `port` of this machine."""
    folder.mkdir()
    asked = {
        "host": "127.0.0.1",
        "port": port,
        "username": pool.user,
        "private_key": str(_rsa_key(pool, folder / "key")),
        "rounds": rounds,
        "folder": str(folder),
    }
    into = folder / "answer.json"
    command = [
        str(install() / "python"),
        str(ROOT / "benchmarks/condorpy_jobs.py"),
        json.dumps(asked),
        str(into),
    ]
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)
    answer: dict[str, Any] = json.loads(into.read_text())
    return answer


def _rsa_key(pool: TestPool, path: Path) -> Path:
    """condorpy reads no other kind."""
    make = ["ssh-keygen", "-q", "-t", "rsa", "-b", "3072", "-m", "PEM", "-N", "", "-f", str(path)]
    subprocess.run(make, check=True, stdin=subprocess.DEVNULL)
    public = path.with_suffix(".pub").read_text().strip()
    on_access_point(pool, f"echo {shlex.quote(public)} >> ~/.ssh/authorized_keys")
    return path


def condor_submit(pool: TestPool, count: int) -> float:
    """Seconds for so many jobs, a command each, one after the other."""
    script = (
        f"cd && mkdir -p ~/peer && cd ~/peer && printf %s {shlex.quote(NEVER)} > never.sub && "
        f"start=$(date +%s%N); i=0; while [ $i -lt {count} ]; do "
        "condor_submit -terse never.sub > /dev/null || exit 1; i=$((i+1)); done; "
        "echo $(($(date +%s%N) - start))"
    )
    return int(on_access_point(pool, script)) / 1e9


def condor_submit_dag(pool: TestPool, count: int, slices: int) -> float:
    """Seconds until so many DAGs of three nodes each, the second of `slices` procs, are over."""
    return int(on_access_point(pool, _DAGS.format(count=count, slices=slices))) / 1e9


_DAGS = r"""
rm -rf ~/dags && mkdir ~/dags && cd ~/dags || exit 1
for node in part slices; do
    printf '%s\n' "executable = /bin/true" "transfer_executable = false" "request_memory = 64" \
        "log = part.log" > $node.sub
done
echo "queue 1" >> part.sub
echo "queue {slices}" >> slices.sub
printf '%s\n' "JOB prepare part.sub" "JOB analysis slices.sub" "JOB synthesis part.sub" \
    "PARENT prepare CHILD analysis" "PARENT analysis CHILD synthesis" > small.dag
i=0; while [ $i -lt {count} ]; do mkdir dag$i && cp small.dag *.sub dag$i/ || exit 1; i=$((i+1)); done
start=$(date +%s%N)
for each in dag*/; do (cd $each && condor_submit_dag -f small.dag > out 2>&1) || exit 1; done
while [ $(grep -ls 'EXITING WITH STATUS 0' dag*/small.dag.dagman.out | wc -l) -lt {count} ]; do
    if grep -s 'EXITING WITH STATUS [^0]' dag*/small.dag.dagman.out >&2; then exit 1; fi
    sleep 0.1
done
echo $(($(date +%s%N) - start))
"""


def disk_seconds(pool: TestPool, jobs: int) -> float:
    """What the access point's disk alone takes to unpack the folders of so many jobs: five things each."""
    return int(on_access_point(pool, _UNPACK.format(count=jobs))) / 1e9


_UNPACK = r"""
rm -rf ~/unpack && mkdir -p ~/unpack/from ~/unpack/to && cd ~/unpack || exit 1
i=0; while [ $i -lt {count} ]; do
    mkdir -p from/$i/in from/$i/out && echo task > from/$i/in/task && echo batch > from/$i/batch || exit 1
    i=$((i+1))
done
tar -czf all.tgz from
start=$(date +%s%N)
tar -xzf all.tgz -C to
echo $(($(date +%s%N) - start))
cd && rm -rf ~/unpack
"""


def clear(pool: TestPool) -> None:
    """Nothing of what was submitted is left in the queue."""
    on_access_point(pool, "condor_rm -all > /dev/null 2>&1; condor_rm -all -forcex > /dev/null 2>&1; true")


def on_access_point(pool: TestPool, script: str, timeout: float = 600) -> str:
    return pool.run("sh", "-c", f"cd\n{script}", timeout=timeout)
