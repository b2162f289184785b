"""slices: where each slice of a job ran, how it ended, what it used of what it asked for."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from jobs_app import inspection, situation
from jobs_app.errors import Invalid
from jobs_app.models import Job
from jobs_app.situation import Slice
from jobs_app.states import SliceState
from jobs_app.terminal import describe
from jobs_app.terminal.output import Column, Output

from .acting import numbers
from .common import Options, Subcommands, catch_up, find_job, subcommand, takes_job

LIMIT = 50
_RIGHT = frozenset({"slice", "exit", "time", "cores", "memory", "disk"})
_NAMES = ("slice", "state", "host", "start", "end", "exit", "time", "cores", "memory", "disk")
COLUMNS = tuple(Column(name, name, right=name in _RIGHT) for name in _NAMES)


def add(commands: Subcommands) -> None:
    help = "a job's slices: state, host, times, and what each used of what it asked for"
    parser = subcommand(commands, "slices", slices, help)
    takes_job(parser)
    parser.add_argument("--state", choices=[state.name.lower() for state in SliceState], help="only these")
    parser.add_argument("--slices", help="only these, as 3 or 0-9 or 1,4,7-9")
    parser.add_argument("--step", default="", help="prepare, analysis, synthesis or run; else the main one")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="from this one on")
    parser.add_argument("--limit", type=int, default=LIMIT, help=f"so many at most (default {LIMIT})")


def slices(output: Output, options: Options) -> None:
    find_job(options["job"])
    catch_up(output)
    job = find_job(options["job"])
    found = _chosen(job, options)
    if output.as_json:
        output.json([_plain(each) for each in found])
        return
    output.table(COLUMNS, [_row(each) for each in found], "It has no such slices.")
    left = job.slices_total - options["first"] - len(found)
    if output.fancy and left > 0 and not options["slices"] and not options["state"]:
        output.say(f"{left} more: --first {options['first'] + len(found)}", "dim")


def _chosen(job: Job, options: Options) -> list[Slice]:
    step, first, limit = options["step"], options["first"], options["limit"]
    if first < 0 or limit < 1:
        raise Invalid("--first is the number of a slice, and --limit at least 1.")
    if options["slices"]:
        return situation.some_slices(job, numbers(options["slices"])[:limit], step)
    if options["state"]:
        state = SliceState[options["state"].upper()]
        return situation.slices_in(job, state, step, first, limit)
    return situation.slices(job, step, first, limit)


def _row(each: Slice) -> dict[str, Any]:
    return {
        "slice": each.number,
        "state": each.state.word,
        "host": each.host.partition(".")[0] or "-",
        "start": _moment(each.start),
        "end": _moment(each.end),
        "exit": _exit(each),
        "time": _time(each),
        "cores": _of(each.cpus_used, each.cpus, "{:.2g}".format),
        "memory": _of(each.memory_used, each.memory, _megabytes),
        "disk": _of(each.disk_used, each.disk, lambda kb: _megabytes(kb / 1024)),
    }


def _exit(each: Slice) -> str:
    if each.signal:
        return f"signal {each.signal}"
    return "-" if each.exit_code is None else str(each.exit_code)


def _time(each: Slice) -> str:
    if each.start is None:
        return "-"
    end = each.end or datetime.now(UTC).timestamp()
    return inspection.duration(timedelta(seconds=end - each.start))


def _of(used: float | None, asked: float | None, said: Any) -> str:
    """ "12 MB of 64 MB" """
    words = " of ".join(said(value) for value in (used, asked) if value is not None)
    return words or "-"


def _megabytes(number: float) -> str:
    """As pools count them: 1024 of a unit are one of the next."""
    if number >= 10 * 1024:
        return f"{number / 1024:.1f} GB"
    return f"{number:.0f} MB" if number >= 10 or number == int(number) else f"{number:.1f} MB"


def _moment(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return describe.moment_exactly(datetime.fromtimestamp(seconds, UTC).isoformat())


def _plain(each: Slice) -> dict[str, Any]:
    return {**asdict(each), "state": each.state.name.lower()}
