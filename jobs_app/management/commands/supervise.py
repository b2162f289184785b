from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from jobs_app import conf
from jobs_app.management.base import FAILED, Error, RoostCommand
from jobs_app.management.hints import line
from jobs_app.services import Sizes, folder, services
from jobs_app.supervisor import supervise
from jobs_app.terminal.output import Output


class Command(RoostCommand):
    help = "Runs all of a production service in the foreground: web, couriers, worker, beat. Ctrl-C ends it."

    def add_arguments(self, parser: CommandParser) -> None:
        sizes = Sizes()
        parser.add_argument("--bind", default=sizes.bind, metavar="HOST:PORT", help="where the web listens")
        parser.add_argument("--web-workers", type=int, default=sizes.web_workers, metavar="N")
        parser.add_argument("--couriers", type=int, default=sizes.couriers, metavar="N", help="threads")
        parser.add_argument("--workers", type=int, default=sizes.workers, metavar="N", help="threads")
        parser.add_argument("--migrate", action="store_true", help="sets the database up first, or anew")

    def run(self, output: Output, options: dict[str, Any]) -> None:
        _check(options)
        sizes = Sizes(
            options["bind"],
            options["web_workers"],
            couriers=options["couriers"],
            workers=options["workers"],
        )
        listed = services(sizes)
        output.say(f"Roost is at http://{options['bind']}/. Ctrl-C ends it; jobs go on.", "bold")
        output.stream.flush()
        width = max(len(service.name) for service in listed)
        supervise(listed, folder(), lambda name, text: _pass_on(output, name.ljust(width), text))
        output.say("Roost has ended. Jobs that run go on.")


def _pass_on(output: Output, name: str, text: str) -> None:
    """JSON lines stay what they are."""
    output.write(text + "\n" if text.startswith("{") else f"{name} | {text}\n")
    output.stream.flush()


def _check(options: dict[str, Any]) -> None:
    if conf.background() != "celery":
        raise Error(
            "There is no Redis, so there is nothing to supervise. Set ROOST_REDIS_URL (and for PostgreSQL, "
            f"ROOST_DATABASE_URL), or let one process do all: {line('serve')}"
        )
    if connection.vendor == "sqlite":
        raise Error(
            "The database is SQLite, which several processes on a busy server would wait for. "
            "Set ROOST_DATABASE_URL=postgres://user:password@host/name"
        )
    if options["migrate"]:
        call_command("migrate", verbosity=0)
    elif _is_behind():
        raise Error(f"The database is not set up, or is older than the code. Run: {line('migrate')}", FAILED)


def _is_behind() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
