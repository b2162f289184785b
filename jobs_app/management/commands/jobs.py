from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from jobs_app.management.base import RoostCommand, Subparser
from jobs_app.management.jobs import acting, cleaning, listing, reporting, running, showing, slices
from jobs_app.terminal.output import Output


class Command(RoostCommand):
    help = "Lists, shows, runs and steers jobs. In a pipe: plain lines, tabs between the columns."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(
            metavar="COMMAND", required=True, title="commands", parser_class=Subparser
        )
        for family in (listing, showing, slices, running, acting, cleaning, reporting):
            family.add(commands)

    def run(self, output: Output, options: dict[str, Any]) -> int | None:
        return options["run"](output, options)  # type: ignore[no-any-return]
