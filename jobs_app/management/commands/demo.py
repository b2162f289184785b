from __future__ import annotations

import importlib
import json
import time
from typing import Any

from django.apps import apps
from django.core.management.base import CommandParser

from jobs_app import inspection
from jobs_app.jobdir import files as jobfiles
from jobs_app.management.base import FAILED, INTERRUPTED, Error, RoostCommand
from jobs_app.management.jobs import running
from jobs_app.models import Job
from jobs_app.terminal.output import Output

APP = "examples.ising"
TABLE, PICTURE = "table.json", "magnet.png"


class Command(RoostCommand):
    help = (
        "Runs the example, a magnet simulated at many temperatures, and checks its numbers against the exact "
        "solution. Run again, it finds the finished job."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "values", nargs="*", default=[], metavar="KEY=VALUE", help="options: see methods ising"
        )
        parser.add_argument("--again", action="store_true", help="run it even if there is a finished one")

    def run(self, output: Output, options: dict[str, Any]) -> int | None:
        _require_app()
        began = time.monotonic()
        started = running.start({**_PLAIN, **options})
        if not started.fresh and started.job._status in running.GOOD:
            output.say(
                f"Job {started.job.pk} did this before: its result is reused, nothing is computed.", "green"
            )
        else:
            code = _follow(output, started.job)
            if code:
                return code
        return _finish(output, started.job, began)


_PLAIN = {"what": f"{APP}/ising", "slices": None, "name": None, "user": None, "json": False}


def _require_app() -> None:
    if not apps.is_installed(APP):
        raise Error(f"The demo is the app {APP}, which is not installed here. Add it to ROOST_APPS.")


def _follow(output: Output, job: Job) -> int:
    output.say("The two-dimensional Ising magnet: each slice simulates a temperature.", "bold")
    output.say("")
    code = running.follow(output, job)
    if code == INTERRUPTED:
        output.warn("  Look at its result later: make demo")
    return code


def _finish(output: Output, job: Job, began: float) -> int:
    table = json.loads(jobfiles.locate(job.directory, TABLE).read_text())
    agrees, said = check(table)
    output.say("")
    output.say(said, "" if agrees else "bold red")
    output.say("")
    output.fields(
        [
            ("picture", jobfiles.locate(job.directory, PICTURE)),
            *[("file", f"{file.name}  {inspection.size(file.size)}") for file in inspection.files(job)],
            ("they lie in", job.directory),
            ("in a browser", "make serve"),
            ("it took", f"{time.monotonic() - began:.1f} s"),
        ]
    )
    return 0 if agrees else FAILED


def check(table: dict[str, Any]) -> tuple[bool, str]:
    """Computed anew from the measured numbers, whatever the job itself says of them."""
    exact = importlib.import_module(f"{APP}.job_scripts._exact")
    off = exact.deviations(table["rows"])
    agrees = max(off.values()) <= table["tolerance"]
    verdict = "The simulation agrees with" if agrees else "The simulation is too far from"
    return agrees, (
        f"{verdict} Onsager's exact solution: off by {off['magnetisation']:.4f} at most in magnetisation, "
        f"by {off['energy']:.4f} in energy (allowed: {table['tolerance']:g}); "
        f"critical temperature {exact.CRITICAL:.3f}."
    )
