from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from jobs_app import audit, callbacks
from jobs_app.errors import Invalid
from jobs_app.lifecycle.actors import acting
from jobs_app.management import person
from jobs_app.management.base import RoostCommand, Subparser
from jobs_app.management.jobs.common import Options, find_job, subcommand, takes_job, takes_operator
from jobs_app.models import Job, KeyVersion
from jobs_app.terminal.output import Output


class Command(RoostCommand):
    help = "What somebody outside needs to report about a job: its address, and its key."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(
            metavar="COMMAND", required=True, title="commands", parser_class=Subparser
        )
        takes_job(subcommand(commands, "url", url, "the address that has the job looked at"))
        key_parser = subcommand(
            commands,
            "key",
            key,
            "writes the key of its reports into a file",
            json=False,
        )
        takes_job(key_parser)
        takes_operator(key_parser)
        key_parser.add_argument("file", metavar="FILE", help="a new one; for sh, or for Python if *.json")
        rotate_parser = subcommand(commands, "rotate", rotate, "makes its key void", json=False)
        takes_job(rotate_parser)
        takes_operator(rotate_parser)

    def run(self, output: Output, options: dict[str, Any]) -> int | None:
        return options["run"](output, options)  # type: ignore[no-any-return]


def url(output: Output, options: Options) -> None:
    found = callbacks.url(None, find_job(options["job"]).pk)
    if options["json"]:
        output.json({"url": found})
    else:
        output.write(f"{found}\n")


def key(output: Output, options: Options) -> None:
    """Whoever has the key may report for the job: that is acting on it."""
    job, path = find_job(options["job"]), Path(options["file"])
    by = acting(job, person.acting(options))
    known = key_of(job)
    text = json.dumps(known) if path.suffix == ".json" else as_shell(known)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror}. Name a new file.") from None
    with os.fdopen(handle, "w") as file:
        file.write(text)
    audit.write(by.name, by.user_id, "Wrote the key of its reports into a file.", job.pk, job.name)
    output.say(f"The key of job {job.pk} is in {path}. Whoever reads it may report for this job.")


def key_of(job: Job) -> dict[str, str]:
    replaced = KeyVersion.objects.filter(pk=job.pk).values_list("version", flat=True).first() or 0
    version = callbacks.version_of(job.number_of_attempts, replaced)
    known = {"url": callbacks.report_url(job.pk), "job": str(job.pk), "version": version}
    return {**known, "key": callbacks.report_key(job.pk, version)}


def as_shell(known: dict[str, str]) -> str:
    """The key as the two halves of an HMAC, in `printf`'s octal: so it never is an argument of a program."""
    block = known["key"].encode().ljust(64, b"\0")
    inner, outer = ("".join(f"\\0{byte ^ pad:03o}" for byte in block) for pad in (0x36, 0x5C))
    lines = {"REPORT_URL": known["url"], "REPORT_JOB": known["job"], "REPORT_VERSION": known["version"]}
    halves = {"REPORT_INNER": inner, "REPORT_OUTER": outer}
    return "".join(f"{name}='{value}'\n" for name, value in {**lines, **halves}.items())


def rotate(output: Output, options: Options) -> None:
    job = find_job(options["job"])
    by = acting(job, person.acting(options))
    with transaction.atomic():
        row, _ = KeyVersion.objects.select_for_update().get_or_create(pk=job.pk)
        KeyVersion.objects.filter(pk=job.pk).update(version=row.version + 1)
        audit.write(by.name, by.user_id, "Replaced the key of its reports.", job.pk, job.name)
    output.say(f"The key of job {job.pk} is void. `callbacks key` writes a new one.")
