"""execute, stop, pause, resume, resubmit, rerun, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jobs_app import methods, situation
from jobs_app.errors import Invalid, JobHeld, RoostError, UnknownJob
from jobs_app.management import person
from jobs_app.management.base import code_of, told
from jobs_app.management.hints import line
from jobs_app.models import CondorWorkflow, Job
from jobs_app.terminal.output import Output

from . import helping
from .common import (
    Options,
    Subcommands,
    assignments,
    find_jobs,
    literal,
    subcommand,
    takes_jobs,
    takes_operator,
)

if TYPE_CHECKING:
    from jobs_app.permissions import Person

VERBS = {
    "execute": ("execute", "starts jobs that were created and not executed yet"),
    "stop": ("stop", "ends jobs"),
    "pause": ("pause", "holds jobs back; slices that run are ended, and begin anew at resume"),
    "resume": ("resume", "lets paused or held jobs go on"),
    "release": ("resume", "lets held jobs go on, with more of what they had too little of"),
    "resubmit": ("resubmit", "opens another attempt at the whole job, with its own copy of the script"),
    "rerun": ("rerun_failed", "runs again the slices that failed; the others are kept"),
    "delete": ("delete", "deletes jobs with all their files"),
}
AGAIN = ("resubmit", "rerun")
WITH_SLICES = ("stop", "pause", "resume", "release", "resubmit")
LIMITS = {"memory": "2GB", "disk": "10GB", "wall-time": "2h", "cpus": "4", "gpus": "1"}
WITH_LIMITS = ("resume", *AGAIN)
ABOUT_LIMITS = "42, or ising-42; and new limits: memory=2GB, wall_time=2h, cpus, gpus, disk"

# So long it is watched whether the pool does what was asked; afterwards it does it by itself.
PATIENCE = {"stop": 5.0, "pause": 5.0, "delete": 5.0}
SHORT = 0.3


def add(commands: Subcommands) -> None:
    for name, (_, help) in VERBS.items():
        parser = subcommand(commands, name, _runner(name), help)
        if name in WITH_LIMITS:
            parser.add_argument("jobs", metavar="ID|KEY=VALUE", nargs="+", help=ABOUT_LIMITS)
        else:
            takes_jobs(parser)
        if name == "release":
            for limit, example in LIMITS.items():
                parser.add_argument(f"--{limit}", metavar="N", help=f"as {example}")
        if name == "rerun":
            parser.add_argument("--failed", action="store_true", help="those that failed: as without it")
        if name in WITH_SLICES:
            parser.add_argument("--slices", help="only these, as 3 or 0-9 or 1,4,7-9")
        takes_operator(parser)


def _runner(name: str) -> Callable[[Output, Options], int | None]:
    def run(output: Output, options: Options) -> int | None:
        return act(output, options, name)

    return run


def act(output: Output, options: Options, name: str) -> int | None:
    """Goes on after a job that refuses; the exit code is that of the first refusal."""
    verb, _ = VERBS[name]
    slices = numbers(options["slices"]) if options.get("slices") else None
    ids, limits = _apart(options["jobs"])
    limits |= _given(options) if name == "release" else {}
    jobs = find_jobs(ids)
    if verb == "resume" and not limits:
        _warn_of_the_same_hold(jobs, output)
    by = person.acting(options)
    if by is None and output.fancy:
        output.say(f"{person.login()} has no account here, so a program acts, which may.", "dim")
    asked = [(job, _ask(job, by, verb, slices, limits)) for job in jobs]
    results = [_outcome(job, refusal, name, options) for job, refusal in asked]
    for result in results:
        if result["error"]:
            output.warn(result["error"])
        else:
            output.say(_said(result, name))
    if output.as_json:
        output.json(results)
    return next((code_of(refusal) for _, refusal in asked if refusal), None)


def _warn_of_the_same_hold(jobs: list[Job], output: Output) -> None:
    """What went beyond a limit will do so again."""
    for job in jobs:
        if more := helping.how_much_more(job):
            output.warn(f"Job {job.pk} was held by a limit, and will be again unless it gets more. {more}")


def _apart(words: list[str]) -> tuple[list[str], dict[str, Any]]:
    """Jobs, and what is set for them."""
    ids = [word for word in words if "=" not in word]
    if not ids:
        raise Invalid(f"{' '.join(words)} is for which job? Write its id too.")
    return ids, assignments(word for word in words if "=" in word)


def _given(options: Options) -> dict[str, Any]:
    wanted = {limit.replace("-", "_"): options[limit.replace("-", "_")] for limit in LIMITS}
    return {name: literal(text) for name, text in wanted.items() if text is not None}


def _said(result: dict[str, Any], name: str) -> str:
    who = f"Job {result['id']} ({result['name']})"
    if name not in AGAIN:
        return " ".join([f"{who} is {result['state']}.", *result["asked"]])
    said = f"{who}: attempt {result['attempt']} began; it is {result['state']}."
    return "\n".join([said, *filter(None, (result["message"], result["note"]))])


def _ask(
    job: Job, by: Person | None, verb: str, slices: list[int] | None, limits: dict[str, Any]
) -> RoostError | None:
    """`by`: who asks, and whether they may is for `permissions` to say; None: a program."""
    given: dict[str, Any] = {**limits, "user": by}
    if slices is not None:
        given["slices"] = slices
    try:
        getattr(job, verb)(**given)
    except RoostError as error:
        return error
    return None


def _outcome(job: Job, refusal: RoostError | None, name: str, options: Options) -> dict[str, Any]:
    said = {"id": job.pk, "name": job.name, "error": told(refusal, options) if refusal else None}
    if refusal is None:
        said["state"] = _settled(job, SHORT if options.get("slices") else PATIENCE.get(name, SHORT))
        said["asked"] = [badge.text for badge in situation.badges(job) if badge.kind == situation.ASKED]
    if refusal is None and name in AGAIN:
        said |= {
            "attempt": job.number_of_attempts,
            "message": _about_its_end(job),
            "note": _about_its_nodes(job) if _is_all_anew(job, name, options) else _about_its_script(job),
        }
    return said


def _about_its_end(job: Job) -> str:
    """It may end as badly as before, and at once."""
    job.refresh_from_db(fields=["status_message"])
    return job.status_message if job.is_final else ""


def _is_all_anew(job: Job, name: str, options: Options) -> bool:
    return name == "resubmit" and not options.get("slices") and isinstance(job, CondorWorkflow)


def _about_its_nodes(job: Job) -> str:
    """Who knows DAGMan may have expected its rescue DAG."""
    keeping = line(f"jobs rerun {job.pk} --failed")
    return f"All its nodes run anew. To keep those that are done, and run the rest: {keeping}"


def _about_its_script(job: Job) -> str:
    """A job runs its own copy of its script, whatever became of the script since."""
    try:
        same = not job.method or methods.find(job.method, job.app).digest == job.source_digest
    except RoostError as error:
        return f"It runs its own copy of its script, which cannot be used now: {error}"
    if same:
        return ""
    new = line(f"jobs run {job.method}")
    return f"The script has changed since; this job runs its own copy. For the new one: {new}"


def _settled(job: Job, seconds: float) -> str:
    """The state that it comes to soon. Where no courier works, whoever waits does its work."""
    try:
        job.wait(seconds)
    except UnknownJob:
        return "deleted"
    except JobHeld:
        pass
    return job.cached_status


def numbers(text: str) -> list[int]:
    """ "1,4,7-9" """
    found: list[int] = []
    for piece in text.split(","):
        first, dash, last = piece.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise Invalid(f"{text!r} names no slices. Write 3, or 0-9, or 1,4,7-9.")
        found.extend(range(int(first), int(last if dash else first) + 1))
    return found
