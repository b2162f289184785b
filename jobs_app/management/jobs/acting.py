"""stop, pause, resume, resubmit, rerun, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jobs_app.errors import Invalid, RoostError
from jobs_app.management import person
from jobs_app.management.base import code_of
from jobs_app.models import Job
from jobs_app.permissions import may_act
from jobs_app.terminal.output import Output

from .common import Options, Subcommands, find_jobs, subcommand, takes_jobs

VERBS = {
    "stop": ("stop", "ends jobs", "will stop"),
    "pause": ("pause", "holds jobs back", "will pause"),
    "resume": ("resume", "lets paused or held jobs go on", "goes on"),
    "resubmit": ("resubmit", "opens another attempt at the whole job", "was submitted again"),
    "rerun": (
        "rerun_failed",
        "runs again the slices that failed; the others are kept",
        "runs its failed slices again",
    ),
    "delete": ("delete", "deletes jobs with all their files", "is deleted"),
}
WITH_SLICES = ("stop", "pause", "resume")


def add(commands: Subcommands) -> None:
    for name, (_, help, _said) in VERBS.items():
        parser = subcommand(commands, name, _runner(name), help)
        takes_jobs(parser)
        if name in WITH_SLICES:
            parser.add_argument("--slices", help="only these, as 3 or 0-9 or 1,4,7-9")


def _runner(name: str) -> Callable[[Output, Options], int | None]:
    def run(output: Output, options: Options) -> int | None:
        return act(output, options, name)

    return run


def act(output: Output, options: Options, name: str) -> int | None:
    """Goes on after a job that refuses; the exit code is that of the first refusal."""
    verb, _, said = VERBS[name]
    slices = numbers(options["slices"]) if options.get("slices") else None
    results: list[dict[str, Any]] = []
    code = None
    for job in find_jobs(options["jobs"]):
        refusal = _ask(job, verb, slices)
        results.append({"id": job.pk, "done": refusal is None, "error": str(refusal) if refusal else None})
        if refusal is None:
            output.say(f"Job {job.pk} ({job.name}) {said}.")
        else:
            code = code or code_of(refusal)
            output.warn(str(refusal))
    if output.as_json:
        output.json(results)
    return code


def _ask(job: Job, verb: str, slices: list[int] | None) -> RoostError | None:
    """In the name of the person at this terminal; on others' jobs as a program, which may."""
    user = person.local()
    given: dict[str, Any] = {"user": user if may_act(user, job) else None}
    if slices is not None:
        given["slices"] = slices
    try:
        getattr(job, verb)(**given)
    except RoostError as error:
        return error
    return None


def numbers(text: str) -> list[int]:
    """ "1,4,7-9" """
    found: list[int] = []
    for piece in text.split(","):
        first, dash, last = piece.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise Invalid(f"{text!r} names no slices. Write 3, or 0-9, or 1,4,7-9.")
        found.extend(range(int(first), int(last if dash else first) + 1))
    return found
