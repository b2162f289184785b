"""add: how a pool is reached, from the first question to the test job."""

from __future__ import annotations

import getpass
from typing import Any

from django.core.exceptions import ValidationError

from jobs_app import audit
from jobs_app.compute import create_scheduler, get_scheduler
from jobs_app.errors import Invalid
from jobs_app.management import person
from jobs_app.management.hints import line
from jobs_app.management.jobs.common import Options, Subcommands, subcommand
from jobs_app.models import Scheduler
from jobs_app.terminal.output import Output

from . import checking, proofs
from .asking import answer, given, is_person, is_yes, machine, secret, takes_access, whole
from .pinning import pin


def add(commands: Subcommands) -> None:
    help = "adds a pool that is reached over SSH (or on this machine), pins its host key, and checks it"
    parser = subcommand(commands, "add", add_one, help)
    parser.add_argument("name", nargs="?", help="what it is called from then on")
    takes_access(parser)
    parser.add_argument("--no-check", action="store_true", help="do not check it")
    parser.add_argument("--no-job", action="store_true", help="check it without a test job")


def add_one(output: Output, options: Options) -> int | None:
    name = options["name"] or _asked_name()
    if get_scheduler(name) is not None:
        raise Invalid(f"There is a scheduler {name!r} already. Change it: {line(f'schedulers edit {name}')}")
    scheduler = create_scheduler(name, **_asked(given(options)))
    cleaned(scheduler)
    if scheduler.host:
        proofs.check(scheduler)
        pin(scheduler, output, options)
    scheduler.save()
    audit.tell(person.here(), f"Added the scheduler {scheduler}: {where(scheduler)}.")
    output.say(f"{scheduler} is added: {where(scheduler)}.")
    if options["no_check"]:
        return None
    return checking.check(scheduler, output, job=not options["no_job"])


def _asked_name() -> str:
    if not is_person():
        raise Invalid("A name is missing: schedulers add NAME --host ...")
    return answer("Name", "cluster")


def _asked(known: dict[str, Any]) -> dict[str, Any]:
    """A person is asked for what is missing; a program has to say it."""
    if not is_person():
        if "host" not in known:
            raise Invalid('--host is missing. (For a schedd on this machine: --host "")')
        return known
    if "host" not in known:
        known["host"] = machine(answer("Host on which condor_submit is (empty: this machine)"))
        if known["host"]:
            known.setdefault("port", _number(answer("Port", "22")))
    if known["host"] and "ssh_config" not in known:
        _ask_who(known)
    return known


def _ask_who(known: dict[str, Any]) -> None:
    if "username" not in known:
        known["username"] = answer("User there", getpass.getuser())
    if not {"private_key_path", "private_key", "password", "use_agent"} & set(known):
        known["private_key_path"] = _asked_key()
        if not known["private_key_path"] and is_yes("Is there a password? (no: SSH's agent has the key)"):
            known["password"] = secret("Password: ")


def _asked_key() -> str:
    """Until it is one, or none."""
    while path := whole(answer("Path of its private key (empty: a password, or SSH's agent)")):
        try:
            proofs.check_file(path)
        except Invalid as error:
            print(error)
        else:
            break
    return path


def _number(text: str) -> int:
    if not text.isdecimal():
        raise Invalid(f"{text!r} is no port. Give a number, as 22.")
    return int(text)


def where(scheduler: Scheduler) -> str:
    """roost@submit.example:22, over gate.example"""
    if scheduler.kind != Scheduler.CONDOR:
        return scheduler.get_kind_display()
    if not scheduler.host:
        return "the schedd on this machine"
    user = f"{scheduler.username}@" if scheduler.username else ""
    over = f", over {scheduler.jump}" if scheduler.jump else ""
    return f"{user}{scheduler.host}:{scheduler.port}{over}"


def cleaned(scheduler: Scheduler) -> None:
    try:
        scheduler.clean_fields(exclude=["options", "health"])
    except ValidationError as error:
        said = "; ".join(f"{field}: {' '.join(words)}" for field, words in error.message_dict.items())
        raise Invalid(f"This cannot be kept. {said}") from error
