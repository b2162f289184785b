"""A look at a scheduler's pool: in plain words, whether everything that a job needs is there.

The courier does it as an errand, over the connection that it has; where none works, who asks does.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

from jobs_app.errors import RoostError
from jobs_app.models import Errand, Scheduler
from jobs_app.pools.base import AccessDenied, Pool, PoolError, PoolUnreachable
from jobs_app.pools.findings import FAIL, OK, Finding

from . import errands
from .restart import as_if_new

SECONDS = 90.0
JOB_SECONDS = 180.0
_COURIER_LOOKS = 4.0  # seconds until a courier that had given up has seen that it may try again

Tell = Callable[[Finding], None]


@errands.serves("examine")
def _examine(errand: Errand) -> errands.Work:  # noqa: ARG001
    return lambda pool: _answer(cast(Any, pool).examine())


@errands.serves("test-job")
def _test_job(errand: Errand) -> errands.Work:
    seconds = float(errand.question["seconds"])
    return lambda pool: _answer(_a_job(pool, seconds))


def _a_job(pool: Pool, seconds: float) -> list[Finding]:
    from jobs_app.pools.condor import checkup

    with tempfile.TemporaryDirectory(prefix="roost-check-") as folder:
        return checkup.run_a_job(cast(Any, pool), Path(folder), seconds)


def _answer(findings: list[Finding]) -> Mapping[str, Any]:
    return {"findings": [asdict(finding) for finding in findings]}


def check(scheduler: Scheduler, tell: Tell, *, job: bool, seconds: float = JOB_SECONDS) -> list[Finding]:
    """Tells each finding as soon as it is known. A scheduler that had stopped by itself is tried again: a
    person has asked for it."""
    if scheduler.kind != Scheduler.CONDOR:
        return _told([_nothing_to_reach(scheduler)], tell)
    as_if_new(scheduler)
    found = _told(_asked(scheduler, "examine", {}, SECONDS), tell)
    if job and all(finding.level != FAIL for finding in found):
        found += _told(_asked(scheduler, "test-job", {"seconds": seconds}, seconds + 60), tell)
    return found


def _asked(scheduler: Scheduler, kind: str, question: dict[str, Any], wait: float) -> list[Finding]:
    begin = time.monotonic()
    while True:
        try:
            answer = errands.ask(scheduler, kind, question, wait=wait)
        except PoolUnreachable as error:
            if "is out of reach" in str(error) and time.monotonic() - begin < _COURIER_LOOKS:
                time.sleep(0.2)
                continue
            return [_named(_no_way(error), scheduler)]
        except (PoolError, RoostError) as error:
            return [Finding(FAIL, kind, str(error), "Try again; the log of the server may tell more.")]
        return [_named(Finding(**finding), scheduler) for finding in answer["findings"]]


def _no_way(error: PoolError) -> Finding:
    if isinstance(error, AccessDenied):
        cure = (
            "Mend it there, or with schedulers edit NAME --user, --key, --password-prompt; then check again."
        )
        return Finding(FAIL, "connection", str(error), f"Nothing is sent there until then. {cure}")
    cure = "Are host and port right, is the machine up, does a firewall stand between?"
    return Finding(FAIL, "connection", str(error), cure)


def _nothing_to_reach(scheduler: Scheduler) -> Finding:
    if scheduler.kind == Scheduler.EMBEDDED:
        return Finding(OK, "embedded pool", "runs on this machine, and starts when it is needed")
    return Finding(OK, "external", "it only calls in: there is nothing to reach")


def _named(finding: Finding, scheduler: Scheduler) -> Finding:
    """Commands to be typed name the scheduler."""
    said, cure = (text.replace("edit NAME", f"edit {scheduler}") for text in (finding.said, finding.cure))
    return replace(finding, said=said, cure=cure)


def _told(findings: list[Finding], tell: Tell) -> list[Finding]:
    for finding in findings:
        tell(finding)
    return findings
