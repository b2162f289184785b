from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from jobs_app import methods
from jobs_app.management.base import FAILED, RoostCommand
from jobs_app.management.hints import line
from jobs_app.script.kinds import Kind
from jobs_app.terminal.output import Column, Output

COLUMNS = (
    Column("method", "name", style="bold"),
    Column("app", "app"),
    Column("what it does", "summary"),
)
OPTION_COLUMNS = (
    Column("option", "name", style="bold"),
    Column("default or type", "declared"),
    Column("what it is", "comment", style="dim"),
)


class Command(RoostCommand):
    help = "Lists the job scripts of all apps; with a name, all about one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", metavar="NAME", help="ising, or examples.ising.ising")
        parser.add_argument("--app", default="", help="of this app")
        parser.add_argument("--json", action="store_true", help="for programs")

    def run(self, output: Output, options: dict[str, Any]) -> int | None:
        if options["name"]:
            _show(output, methods.find(options["name"], options["app"]))
            return None
        catalogue = methods.catalogue(options["app"])
        rows = [_row(method) for method in catalogue.methods]
        new = line("startjobapp NAME")
        output.table(COLUMNS, rows, f"No app has job scripts. Write a new app: {new}")
        for said in (*map(str, catalogue.broken), *catalogue.unusable):
            output.warn(said)
        return FAILED if catalogue.broken else None


def _row(method: methods.Method) -> dict[str, Any]:
    return {
        "name": method.name,
        "app": method.app.label,
        "summary": method.description.partition("\n")[0],
        "path": str(method.path),
    }


def _show(output: Output, method: methods.Method) -> None:
    comments = method.option_comments()
    declared = method.script.options
    rows = [
        {"name": name, "declared": _declared(value), "comment": comments.get(name, "")}
        for name, value in declared.items()
    ]
    if output.as_json:
        output.json(
            {**_row(method), "description": method.description, "steps": method.script.steps, "options": rows}
        )
        return
    output.say(method.qualified, "bold")
    output.say(method.description or "It has no description.")
    output.say("")
    output.fields([("steps", ", ".join(method.script.steps)), ("file", method.path), *_others(method)])
    output.say("")
    output.table(OPTION_COLUMNS, rows, "It has no options.")


def _others(method: methods.Method) -> list[tuple[str, str]]:
    declared = method.script.declared
    kinds = (("datasets", declared.datasets.names), ("jobs", declared.jobs.names))
    return [(kind, ", ".join(names)) for kind, names in kinds if names]


def _declared(kind: Kind) -> str:
    limits = f" ({kind.number.limits.removeprefix('of ')})" if kind.number else ""
    if kind.required:
        return f"{kind.wanted}, required{limits}"
    return f"{kind.wanted if kind.default is None else repr(kind.default)}{limits}"
