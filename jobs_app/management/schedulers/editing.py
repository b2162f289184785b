"""edit: what is not said stays as it is, secrets too."""

from __future__ import annotations

from jobs_app import audit
from jobs_app.compute import find_scheduler
from jobs_app.errors import Invalid
from jobs_app.lifecycle.restart import as_if_new
from jobs_app.management import person
from jobs_app.management.hints import line
from jobs_app.management.jobs.common import Options, Subcommands, subcommand
from jobs_app.models import Scheduler
from jobs_app.terminal.output import Output

from . import proofs
from .adding import cleaned, where
from .asking import given, takes_access
from .pinning import pin

SECRETS = {"password": "password", "passphrase": "private_key_pass", "key": "private_key"}
_PROOFS = {"private_key_path", "private_key", "private_key_pass"}
_MOVES = {"host", "port", "jump", "ssh_config"}  # another place has another host key


def add(commands: Subcommands) -> None:
    help = "changes how a pool is reached; what is not said stays, secrets too"
    parser = subcommand(commands, "edit", run, help)
    parser.add_argument("name")
    takes_access(parser)
    parser.add_argument("--host-key", action="store_true", help="pin the host key anew, as it is shown now")
    parser.add_argument(
        "--forget", action="append", default=[], choices=sorted(SECRETS), help="forget this secret"
    )


def run(output: Output, options: Options) -> None:
    scheduler = find_scheduler(options["name"])
    if scheduler.kind != Scheduler.CONDOR:
        raise Invalid(f"There is nothing to change about {scheduler}: it is not reached over SSH.")
    changed = {**given(options), **{SECRETS[word]: "" for word in options["forget"]}}
    if not changed and not options["host_key"]:
        raise Invalid(f"Nothing was said to be changed. What can be: {line('schedulers edit --help')}")
    for field, value in changed.items():
        setattr(scheduler, field, value)
    if _PROOFS & set(changed):
        proofs.check(scheduler)
        changed.setdefault("private_key_pass", scheduler.private_key_pass)
    if scheduler.host and (options["host_key"] or _MOVES & set(changed)):
        pin(scheduler, output, options)
    save(scheduler, [*changed, "host_key", "jump_host_key"])
    what = sorted({*changed} | ({"host_key"} if options["host_key"] else set()))
    audit.tell(person.here(), f"Changed the scheduler {scheduler}: {', '.join(what)}.")
    output.say(
        f"{scheduler} is changed: {where(scheduler)}. Check it: {line(f'schedulers check {scheduler}')}"
    )


def save(scheduler: Scheduler, fields: list[str]) -> None:
    """Only these fields: its courier writes others. A person has acted, so it is tried again at once."""
    cleaned(scheduler)
    scheduler.save(update_fields=fields)
    as_if_new(scheduler)
