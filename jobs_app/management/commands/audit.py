from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from jobs_app.management.base import RoostCommand
from jobs_app.models import AuditEntry
from jobs_app.terminal.output import Column, Output

COLUMNS = (
    Column("time (UTC)", "at"),
    Column("who", "who", style="bold"),
    Column("via", "via"),
    Column("from", "address"),
    Column("job", "job", right=True),
    Column("what", "what"),
)


class Command(RoostCommand):
    help = "Who did what to which job, from where: newest first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--job", type=int, metavar="ID", help="to this job, also if it is gone")
        parser.add_argument("--user", metavar="NAME", help="by this user")
        parser.add_argument("--limit", type=int, default=50, metavar="N", help="so many (default: 50)")
        parser.add_argument("--json", action="store_true", help="for programs")

    def run(self, output: Output, options: dict[str, Any]) -> None:
        rows = AuditEntry.objects.order_by("-id")
        if options["job"] is not None:
            rows = rows.filter(job_id=options["job"])
        if options["user"]:
            rows = rows.filter(who=options["user"])
        output.table(COLUMNS, [_row(row) for row in rows[: max(0, options["limit"])]], "Nothing was done.")


def _row(row: AuditEntry) -> dict[str, Any]:
    return {
        "at": row.at.isoformat(timespec="seconds"),
        "who": row.who,
        "via": row.via,
        "address": row.address,
        "job": row.job_id,
        "name": row.job_name,
        "what": " ".join(row.what.split()),
        "request": row.request,
    }
