from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser

from jobs_app import job_templates, registry
from jobs_app.errors import RoostError
from jobs_app.management.base import FAILED, RoostCommand
from jobs_app.models import Template
from jobs_app.terminal.output import Column, Output

COLUMNS = (
    Column("template", "name", style="bold"),
    Column("app", "app"),
    Column("type", "type"),
    Column("version", "version", right=True),
    Column("parameters", "parameters", lambda value: json.dumps(value, ensure_ascii=False), style="dim"),
)


class Command(RoostCommand):
    help = "Lists the job templates of all apps, as the code declares them now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--app", help="of this app")
        parser.add_argument("--json", action="store_true", help="for programs")

    def run(self, output: Output, options: dict[str, Any]) -> int | None:
        apps = [registry.find(options["app"])] if options["app"] else list(registry.apps())
        wrong = [*(registry.broken() if not options["app"] else ()), *_synchronised(apps)]
        rows = Template.objects.filter(current=True, app__in=[app.label for app in apps]).order_by(
            "app", "name"
        )
        output.table(COLUMNS, [_row(template) for template in rows], "No app declares a template.")
        for error in wrong:
            output.warn(str(error))
        return FAILED if wrong else None


def _synchronised(apps: list[registry.App]) -> list[RoostError]:
    """What stands in the way of some app's templates; the others are brought up to date."""
    wrong = []
    for app in apps:
        try:
            job_templates.synchronise(app)
        except RoostError as error:
            wrong.append(error)
    return wrong


def _row(template: Template) -> dict[str, Any]:
    return {
        "name": template.name,
        "app": template.app,
        "type": template.type,
        "version": template.version,
        "parameters": template.parameters,
    }
