"""rotate-key: all secrets are sealed anew."""

from __future__ import annotations

from django.db import transaction

from jobs_app import audit, secrets
from jobs_app.management import person
from jobs_app.management.jobs.common import Options, Subcommands, subcommand
from jobs_app.models import NoticePreference, Scheduler
from jobs_app.terminal.output import Output

SEALED = ("password", "private_key", "private_key_pass")


def add(commands: Subcommands) -> None:
    help = "seals all secrets with a new key (of ROOST_SECRETS_KEY: with its first)"
    subcommand(commands, "rotate-key", run, help)


def run(output: Output, options: Options) -> None:  # noqa: ARG001
    if not secrets.in_setting():
        secrets.add_key()
    count = seal_all_anew()
    audit.tell(person.here(), f"Sealed {count} secrets anew.")
    if output.as_json:
        output.json({"sealed": count, "key": secrets.where()})
    output.say(f"{count} secrets are sealed with the newest key of {secrets.where()}.")
    if secrets.in_setting():
        output.say("Once all processes have been started with it, the older keys may be taken out.", "dim")


def seal_all_anew() -> int:
    """All of them or none: where one cannot be opened, nothing is changed and it is said what to do."""
    with transaction.atomic():
        count = sum(_seal_anew(scheduler) for scheduler in Scheduler.objects.select_for_update())
        return count + sum(map(_seal_of_user, NoticePreference.objects.select_for_update()))


def _seal_of_user(row: NoticePreference) -> int:
    if row.secret:
        NoticePreference.objects.filter(pk=row.pk).update(secret=secrets.seal_anew(row.secret))
    return int(bool(row.secret))


def _seal_anew(scheduler: Scheduler) -> int:
    found = {name: getattr(scheduler, name) for name in SEALED if getattr(scheduler, name)}
    if found:
        new = {name: secrets.seal_anew(secret) for name, secret in found.items()}
        Scheduler.objects.filter(pk=scheduler.pk).update(**new)
    return len(found)
