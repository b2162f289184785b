"""clean: what the retention rules say."""

from __future__ import annotations

from typing import Any

from jobs_app import inspection
from jobs_app.lifecycle import retention
from jobs_app.models import RetentionRule
from jobs_app.terminal.output import Column, Output

from .common import Options, Subcommands, subcommand


def add(commands: Subcommands) -> None:
    parser = subcommand(commands, "clean", clean, "deletes the finished jobs that no retention rule keeps")
    parser.add_argument("--dry-run", action="store_true", help="only show which, and why")


def clean(output: Output, options: Options) -> None:
    doomed = retention.plan()
    gone = doomed if options["dry_run"] else retention.apply(doomed)
    output.table(_columns(output), [_row(one) for one in gone], "There is nothing to delete.")
    if not output.fancy:
        return
    if not RetentionRule.objects.exists():
        output.say(
            "No retention rules are set, so all jobs stay. Rules are made in the browser: /admin/", "dim"
        )
    elif gone:
        size = inspection.size(sum(one.size_bytes for one in gone))
        output.say(
            f"{len(gone)} jobs, {size}{': would be deleted' if options['dry_run'] else ': deleted'}.", "dim"
        )


def _columns(output: Output) -> tuple[Column, ...]:
    size = Column("size", "size", inspection.size if output.fancy else str, right=True, style="dim")
    return (Column("id", "id", right=True, style="bold"), Column("name", "name"), size, Column("why", "why"))


def _row(one: retention.Doomed) -> dict[str, Any]:
    return {"id": one.pk, "name": one.name, "size": one.size_bytes, "why": one.why}
