"""remove: a scheduler that no job names any more."""

from __future__ import annotations

from jobs_app import audit
from jobs_app.compute import find_scheduler
from jobs_app.errors import Invalid, WrongState
from jobs_app.management import person
from jobs_app.management.hints import line
from jobs_app.management.jobs.common import Options, Subcommands, subcommand
from jobs_app.models import Scheduler
from jobs_app.terminal.output import Output


def add(commands: Subcommands) -> None:
    parser = subcommand(commands, "remove", run, "removes a scheduler that no job has run on", json=False)
    parser.add_argument("name")


def run(output: Output, options: Options) -> None:
    scheduler = find_scheduler(options["name"])
    if scheduler.kind == Scheduler.EMBEDDED:
        raise Invalid("The embedded pool is always there.")
    attempts = scheduler.attempts.count()
    if attempts:
        raise WrongState(
            f"{attempts} attempts of jobs have been sent to {scheduler}, so what is known of them would go "
            f"with it. Delete those jobs first: {line(f'jobs list --scheduler {scheduler}')}"
        )
    scheduler.delete()
    audit.tell(person.here(), f"Removed the scheduler {options['name']}.")
    output.say(f"{options['name']} is removed, and its secrets with it.")
