from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from jobs_app import tokens
from jobs_app.errors import Invalid
from jobs_app.management import person
from jobs_app.management.base import RoostCommand, Subparser
from jobs_app.models import ApiToken
from jobs_app.permissions import SCOPES
from jobs_app.terminal.output import Column, Output

COLUMNS = (
    Column("token", "token", style="bold"),
    Column("name", "name"),
    Column("owner", "owner"),
    Column("scopes", "scopes", ", ".join),
    Column("state", "state"),
    Column("last used", "last_used"),
)
DAYS = 90


class Command(RoostCommand):
    help = "Makes, lists and revokes tokens: what programs sign in to the API with."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(
            metavar="COMMAND", required=True, title="commands", parser_class=Subparser
        )
        _add_create(commands)
        _add_list(commands)
        _add_revoke(commands)

    def run(self, output: Output, options: dict[str, Any]) -> int | None:
        return options["run"](output, options)  # type: ignore[no-any-return]


def _add_create(commands: Any) -> None:
    parser = commands.add_parser("create", help="a new token; its text is shown once")
    parser.add_argument("name", metavar="NAME", help="what it is for")
    parser.add_argument("--scope", action="append", default=[], help=f"{', '.join(SCOPES)}; again for more")

    parser.add_argument("--user", help="whose it is (default: yours)")
    parser.add_argument("--service", action="store_true", help="a service's: it acts on everybody's jobs")
    parser.add_argument("--app", default="", help="a service's: for the jobs of this app only")
    parser.add_argument(
        "--days", type=int, default=DAYS, help=f"until it expires; 0: never (default: {DAYS})"
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=_create)


def _create(output: Output, options: dict[str, Any]) -> None:
    if options["days"] < 0 or options["days"] > 36500:
        raise Invalid(f"--days {options['days']}: give 0 to 36500.")
    expires = timezone.now() + timedelta(days=options["days"]) if options["days"] else None
    scopes = options["scope"] or ["jobs:read"]
    row, text = tokens.make(
        options["name"], _owner(options), scopes, expires=expires, app=options["app"], by=person.here()
    )
    if options["json"]:
        output.json({**_row(row), "text": text})
        return
    output.say(text)
    output.warn("It is shown this once. Keep it where only its program reads it.")


def _owner(options: dict[str, Any]) -> Any:
    if options["service"]:
        if options["user"]:
            raise Invalid("A token is a user's or a service's: leave out --user or --service.")
        return None
    return person.called(options["user"]) if options["user"] else person.local()


def _add_list(commands: Any) -> None:
    parser = commands.add_parser("list", help="all tokens that are good now")
    parser.add_argument("--user", help="of this user")
    parser.add_argument("--all", action="store_true", help="revoked and expired ones too")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=_list)


def _list(output: Output, options: dict[str, Any]) -> None:
    rows = ApiToken.objects.select_related("owner")
    if options["user"]:
        rows = rows.filter(owner=person.called(options["user"]))
    found = [row for row in rows if options["all"] or tokens.is_good(row)]
    output.table(COLUMNS, [_row(row) for row in found], "There are no tokens.")


def _add_revoke(commands: Any) -> None:
    parser = commands.add_parser("revoke", help="it is good for nothing any more")
    parser.add_argument("token", metavar="TOKEN", help="as `tokens list` shows it")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=_revoke)


def _revoke(output: Output, options: dict[str, Any]) -> None:
    row = tokens.by_prefix(options["token"])
    tokens.revoke(row, person.here())
    row.refresh_from_db()
    if options["json"]:
        output.json(_row(row))
    else:
        output.say(f"roost_{row.prefix} ({row.name}) is revoked.")


def _row(row: ApiToken) -> dict[str, Any]:
    return {
        "token": f"{tokens.BEGIN}_{row.prefix}",
        "name": row.name,
        "owner": row.owner.get_username() if row.owner else f"service {row.app}".strip(),
        "scopes": row.scopes,
        "state": _state(row),
        "last_used": row.last_used.isoformat(timespec="minutes") if row.last_used else "",
    }


def _state(row: ApiToken) -> str:
    if row.revoked:
        return f"revoked {row.revoked:%Y-%m-%d}"
    return f"until {row.expires:%Y-%m-%d}" if row.expires else "no end"
