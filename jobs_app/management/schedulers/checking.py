"""check: in plain words, whether everything that a job needs is there."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from jobs_app.compute import find_scheduler
from jobs_app.lifecycle import checkups, link
from jobs_app.management.base import FAILED
from jobs_app.management.jobs.common import Options, Subcommands, subcommand
from jobs_app.models import Scheduler
from jobs_app.pools.findings import FAIL, OK, WARN, Finding
from jobs_app.terminal.output import Output

_STYLES = {OK: "green", WARN: "yellow", FAIL: "red"}


def add(commands: Subcommands) -> None:
    help = "looks whether everything that a job needs is there, and says what to do if not"
    parser = subcommand(commands, "check", run, help)
    parser.add_argument("name")
    parser.add_argument("--no-job", action="store_true", help="without a test job")
    parser.add_argument(
        "--timeout", type=float, default=checkups.JOB_SECONDS, help="how long the test job may take (seconds)"
    )


def run(output: Output, options: Options) -> int | None:
    scheduler = find_scheduler(options["name"])
    return check(scheduler, output, job=not options["no_job"], seconds=options["timeout"])


def check(
    scheduler: Scheduler, output: Output, *, job: bool, seconds: float = checkups.JOB_SECONDS
) -> int | None:
    def tell(finding: Finding) -> None:
        _say(finding, output)

    with _said_once():
        found = checkups.check(scheduler, tell, job=job, seconds=seconds)
    if output.as_json:
        output.json([asdict(finding) for finding in found])
    return FAILED if any(finding.level == FAIL for finding in found) else None


@contextmanager
def _said_once() -> Iterator[None]:
    """Where this command does the courier's work, what it logs of the link is a finding besides."""
    log = logging.getLogger(link.__name__)
    was, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = was


def _say(finding: Finding, output: Output) -> None:
    cure = f" -> {finding.cure}" if finding.cure else ""
    text = " ".join(f"{finding.level:<5}{finding.what}: {finding.said}{cure}".splitlines())
    output.say(text, _STYLES[finding.level])
