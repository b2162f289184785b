"""What the subcommands share: which job is meant, and how values are written."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Iterable
from typing import Any

from django.core.management.base import CommandParser

from jobs_app import courier
from jobs_app.errors import Invalid, UnknownJob
from jobs_app.lifecycle import lease
from jobs_app.management.base import EXIT_CODES, Formatter
from jobs_app.management.hints import line
from jobs_app.models import Job, Scheduler
from jobs_app.terminal.output import Output

Options = dict[str, Any]
Run = Callable[[Output, Options], "int | None"]
Subcommands = Any  # argparse has no public name for it

LARGEST_ID = 2**63 - 1
MOMENT = 0.2  # seconds


def subcommand(commands: Subcommands, name: str, run: Run, help: str, *, json: bool = True) -> CommandParser:
    parser: CommandParser = commands.add_parser(
        name,
        help=help,
        description=help[:1].upper() + help[1:] + ".",
        epilog=EXIT_CODES,
        formatter_class=Formatter,
    )
    parser.set_defaults(run=run)
    if json:
        parser.add_argument("--json", action="store_true", help="for programs")
    return parser


def takes_job(parser: CommandParser) -> None:
    parser.add_argument("job", metavar="ID", help="42, or ising-42")


def takes_jobs(parser: CommandParser) -> None:
    parser.add_argument("jobs", metavar="ID", nargs="+", help="42, or ising-42")


def takes_operator(parser: CommandParser) -> None:
    parser.add_argument(
        "--as-operator",
        action="store_true",
        help="as the operator of this installation, on everybody's jobs; history and audit tell it",
    )


def find_job(text: str) -> Job:
    number = text.rpartition("-")[2]
    if number.isascii() and number.isdigit() and int(number) <= LARGEST_ID:
        rows = Job.objects.select_related("project", "user", "template", "scheduler", "parent")
        job = rows.filter(pk=int(number)).first()
        if job is not None and text in (number, job.jobid):
            return job
    raise UnknownJob(f"There is no job {text}. Those that are there: {line('jobs list')}")


def find_jobs(texts: Iterable[str]) -> list[Job]:
    """All of them, before anything is done to one."""
    return [find_job(text) for text in texts]


def catch_up(output: Output) -> None:
    """Where nobody follows the jobs, whoever looks does a short round of a courier's work. Only a pool on
    this machine is asked: another one may take its time."""
    for scheduler in Scheduler.objects.filter(pk__in=courier.with_work()):
        if scheduler.kind == Scheduler.EMBEDDED:
            _follow_a_moment(scheduler.pk)
        elif output.fancy and lease.is_lost(scheduler.courier, scheduler.courier_until):
            output.say(f"Nobody follows {scheduler} now: {line('serve')}, or {line('jobs wait ID')}", "dim")


def _follow_a_moment(scheduler_id: int) -> None:
    until = time.monotonic() + MOMENT
    with courier.lend_a_hand(scheduler_id) as round_:
        while round_ is not None and round_(0.0) and time.monotonic() < until:
            pass


def assignments(texts: Iterable[str]) -> dict[str, Any]:
    """ "x=3" "name=abc" "l=[1, 2]": values are read as Python or JSON writes them, else they are text."""
    return dict(_assignment(text) for text in texts)


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Invalid(f"{text!r} is not a name and a value. Write name=value, for example size=64.")
    return name, literal(value)


def literal(text: str) -> Any:
    if text.lower() in ("true", "false", "none", "null"):
        return {"true": True, "false": False}.get(text.lower())
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
