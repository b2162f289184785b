"""report: all that somebody who helps needs to know of a job."""

from __future__ import annotations

from pathlib import Path

from jobs_app import bug_report
from jobs_app.errors import Invalid
from jobs_app.terminal.output import Output

from .common import Options, Subcommands, find_job, subcommand, takes_job


def add(commands: Subcommands) -> None:
    about = "packs what a bug report needs: rows, history, ends of logs, versions; secrets are taken out"
    parser = subcommand(commands, "report", report, about, json=False)
    takes_job(parser)
    parser.add_argument("--into", metavar="FILE", help="a new file (default: roost-job-ID.tar.gz)")


def report(output: Output, options: Options) -> None:
    job = find_job(options["job"])
    path = Path(options["into"] or f"roost-job-{job.pk}.tar.gz")
    try:
        names = bug_report.write(job, path)
    except FileExistsError:
        raise Invalid(f"{path} is there already. Name a new file with --into.") from None
    output.say(f"{path}: {len(names)} files, without passwords and keys. Look into it before you send it.")
