from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from jobs_app.management.base import RoostCommand, Subparser
from jobs_app.management.schedulers import (
    adding,
    checking,
    draining,
    editing,
    health,
    keys,
    listing,
    removing,
)
from jobs_app.terminal.output import Output


class Command(RoostCommand):
    help = "Adds, lists, checks, changes and removes schedulers: how pools are reached."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(
            metavar="COMMAND", required=True, title="commands", parser_class=Subparser
        )
        for family in (adding, listing, checking, editing, removing, keys, draining, health):
            family.add(commands)

    def run(self, output: Output, options: dict[str, Any]) -> int | None:
        return options["run"](output, options)  # type: ignore[no-any-return]
