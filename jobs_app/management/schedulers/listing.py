"""list: the schedulers, how they are reached, and whether they work."""

from __future__ import annotations

from typing import Any

from jobs_app.compute import list_schedulers
from jobs_app.lifecycle import logins
from jobs_app.management.jobs.common import Options, Subcommands, subcommand
from jobs_app.models import Scheduler
from jobs_app.terminal.output import Column, Output

from .adding import where

COLUMNS = (
    Column("scheduler", "name", style="bold"),
    Column("kind", "kind"),
    Column("where", "where"),
    Column("state", "state", style=lambda state: "green" if state == "ready" else "red"),
    Column("logins", "logins", right=True, style="dim"),
)


def add(commands: Subcommands) -> None:
    subcommand(commands, "list", run, "lists the schedulers, and says whether they work")


def run(output: Output, options: Options) -> None:  # noqa: ARG001
    output.table(COLUMNS, [_row(scheduler) for scheduler in list_schedulers()])


def _row(scheduler: Scheduler) -> dict[str, Any]:
    return {
        "name": scheduler.name,
        "kind": scheduler.kind,
        "where": where(scheduler),
        "state": state(scheduler),
        "logins": logins.today(scheduler),
        "secrets": [
            name for name in ("password", "private_key", "private_key_pass") if getattr(scheduler, name)
        ],
    }


def state(scheduler: Scheduler) -> str:
    if scheduler.paused:
        return f"paused: {scheduler.paused}"
    if scheduler.draining:
        return "draining"
    if scheduler.failures:
        return f"out of reach: {scheduler.last_error}"
    return "ready"
