"""list, find, history."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from jobs_app import methods, registry, script_jobs, search, states
from jobs_app.compute import find_scheduler
from jobs_app.errors import Invalid
from jobs_app.management import person
from jobs_app.models import Attempt, History, Job
from jobs_app.models.custom_status import status_code
from jobs_app.terminal import describe
from jobs_app.terminal.output import Column, Output

from .common import LARGEST_ID, Options, Subcommands, assignments, catch_up, find_job, subcommand, takes_job

LIMIT = 25


def add(commands: Subcommands) -> None:
    parser = subcommand(commands, "list", list_jobs, "the newest jobs")
    _takes_filters(parser)
    parser = subcommand(
        commands, "find", find, "jobs by their state points: a=3, options.size=128, or a={'$lt': 5}"
    )
    parser.add_argument("conditions", nargs="+", metavar="KEY=VALUE")
    _takes_filters(parser)
    parser = subcommand(
        commands, "history", history, "what happened to a job: when, by whom, from what to what, why"
    )
    takes_job(parser)


def _takes_filters(parser: Any) -> None:
    parser.add_argument(
        "--status", action="append", help="a state's code or word, or 'active'; may be repeated"
    )
    parser.add_argument("--user", help="whose")
    parser.add_argument("--mine", action="store_true", help="only those of the person at this terminal")
    parser.add_argument("--app", help="of this app")
    parser.add_argument("--method", help="of this job script")
    parser.add_argument("--scheduler", help="with an attempt there")
    parser.add_argument("--name", help="with this in their name")
    parser.add_argument("--before", type=int, metavar="ID", help="older than this one (the next page)")
    parser.add_argument("--limit", type=int, default=LIMIT, help=f"so many at most; 0: all (default {LIMIT})")


def list_jobs(output: Output, options: Options) -> None:
    jobs = _filtered(Job.objects.all(), options)
    catch_up(output)
    _show(output, jobs, options)


def find(output: Output, options: Options) -> None:
    wanted = assignments(options["conditions"])
    jobs = search.by_statepoint(_filtered(Job.objects.all(), options), wanted)
    catch_up(output)
    if not _show(output, jobs, options):
        _say_what_no_job_has(output, wanted)


def _say_what_no_job_has(output: Output, wanted: Iterable[str]) -> None:
    for key in wanted:
        if _has_any(key):
            continue
        inside = next((kind for kind in script_jobs.KINDS if _has_any(f"{kind}.{key}")), "")
        output.warn(f"No state point has {key!r}." + (f" Did you mean {inside}.{key}?" if inside else ""))


def _has_any(key: str) -> bool:
    return search.by_statepoint(Job.objects.all(), {key: {"$exists": True}}).exists()


def _filtered(jobs: QuerySet[Job], options: Options) -> QuerySet[Job]:
    _refuse_impossible(options)
    exact = {"user": _user(options), "app": options["app"], "method": options["method"]}
    jobs = jobs.filter(**{name: value for name, value in exact.items() if value})
    if options["scheduler"]:
        there = Attempt.objects.filter(scheduler=find_scheduler(options["scheduler"]))
        jobs = jobs.filter(pk__in=there.values("job_id"))
    if options["status"]:
        codes = _codes(options["status"])
        jobs = jobs.filter(stage__in=states.stages(codes), _status__in=codes)
    if options["name"]:
        jobs = jobs.filter(name__icontains=options["name"])
    if options["before"]:
        jobs = jobs.filter(pk__lt=options["before"])
    return jobs


def _refuse_impossible(options: Options) -> None:
    if options["limit"] < 0:
        raise Invalid(f"--limit {options['limit']}: so many at most, or 0 for all.")
    if options["before"] is not None and not 0 < options["before"] <= LARGEST_ID:
        raise Invalid(f"--before {options['before']} is not the number of a job.")
    for name in ("app", "method"):
        if options[name] and not Job.objects.filter(**{name: options[name]}).exists():
            _refuse_unknown(name, options[name])


def _refuse_unknown(what: str, wanted: str) -> None:
    """A name that code has and no job yet stands for nothing, without being wrong."""
    if what == "app":
        registry.find(wanted)
    else:
        methods.find(wanted)


def _user(options: Options) -> Any:
    if options["mine"]:
        return person.local()
    return person.called(options["user"]) if options["user"] else None


def _codes(words: list[str]) -> set[str]:
    return {code for word in words for code in _codes_of(word)}


def _codes_of(word: str) -> set[str]:
    if word.lower() == "active":
        return set(states.ACTIVE)
    code = status_code(word)
    if code == "OTH" and word.lower() not in ("oth", "other"):
        known = ", ".join(f"{state.code} {state.word}" for state in states.JOB_STATES.values())
        raise Invalid(f"{word!r} is no state. There are: active, {known}.")
    return {code}


def _show(output: Output, jobs: QuerySet[Job], options: Options) -> int:
    """How many it has shown."""
    limit = options["limit"]
    rows = jobs.select_related("user").defer("parameters", "statepoint").order_by("-pk")
    wanted = rows[: limit + 1] if limit else rows
    found = [describe.brief(job) for job in wanted.iterator(chunk_size=1000)]
    shown = found[:limit] if limit else found
    output.table(
        describe.JOB_COLUMNS, shown, "There is no such job." if jobs.query.where else "There are no jobs yet."
    )
    if len(found) > len(shown) and output.fancy:
        output.say(f"There are more: --before {shown[-1]['id']}, or --limit 0", "dim")
    return len(shown)


HISTORY_COLUMNS = (
    Column("when", "at", describe.moment_exactly, style="dim"),
    Column("attempt", "attempt", lambda number: str(number) if number else "", right=True),
    Column("who", "who"),
    Column("from", "before"),
    Column("to", "after", style=describe.state_style),
    Column("why", "why"),
)


def history(output: Output, options: Options) -> None:
    job = find_job(options["job"])
    rows = History.objects.filter(job=job).order_by("pk")
    output.table(HISTORY_COLUMNS, (_step(row) for row in rows.iterator()), "Nothing has happened to it yet.")


def _step(row: History) -> dict[str, Any]:
    before, after = (states.JOB_STATES[code].word if code else "" for code in (row.before, row.after))
    return {
        "at": row.at.isoformat(),
        "attempt": row.attempt,
        "who": row.actor,
        "before": before,
        "after": after,
        "why": row.why,
    }
