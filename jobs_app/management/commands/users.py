from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from jobs_app.errors import Invalid
from jobs_app.lifecycle import leaving
from jobs_app.lifecycle.actors import Actor
from jobs_app.management import person
from jobs_app.management.base import FAILED, RoostCommand, Subparser
from jobs_app.management.jobs.common import Options, subcommand
from jobs_app.terminal.output import Output


class Command(RoostCommand):
    help = "What becomes of a user's jobs when the user leaves."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(
            metavar="COMMAND", required=True, title="commands", parser_class=Subparser
        )
        about = "closes a user's account, and says what becomes of the jobs"
        parser = subcommand(commands, "leave", leave, about, json=False)
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--hand-over-to", metavar="OTHER", help="all jobs are this user's from now on")
        parser.add_argument("--stop", action="store_true", help="what is not over is stopped")
        parser.add_argument("--keep", action="store_true", help="they go on, and stay theirs")

    def run(self, output: Output, options: dict[str, Any]) -> int | None:
        return options["run"](output, options)  # type: ignore[no-any-return]


def leave(output: Output, options: Options) -> int | None:
    if not (options["hand_over_to"] or options["stop"] or options["keep"]):
        raise Invalid("Say what becomes of the jobs: --hand-over-to OTHER, --stop or --keep.")
    if options["keep"] and (options["hand_over_to"] or options["stop"]):
        raise Invalid("--keep goes with neither --hand-over-to nor --stop.")
    user, me = person.called(options["name"]), person.here()
    other = person.called(options["hand_over_to"]) if options["hand_over_to"] else None
    by = Actor(me.get_username(), me.pk)
    left = leaving.leave(user, by, hand_over_to=other, stop_jobs=options["stop"])
    output.say(f"Nobody signs in as {user.get_username()} any more. Tokens are revoked.")
    if options["stop"]:
        output.say(f"{left.stopped} jobs are stopped.")
    if other is not None:
        output.say(f"{left.handed_over} jobs are {other.get_username()}'s now.")
    elif left.jobs:
        output.say(f"{left.jobs} jobs stay theirs. Without an owner they would be lost: keep the account.")
    for why in left.not_stopped:
        output.warn(why)
    return FAILED if left.not_stopped else None
