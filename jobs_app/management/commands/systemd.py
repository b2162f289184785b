from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from jobs_app.management.base import Error, RoostCommand
from jobs_app.services import Service, Sizes, folder, services
from jobs_app.terminal.output import Output

UNIT = """\
# {name}: {about}
[Unit]
Description=Roost: {about}
After=network-online.target postgresql.service redis-server.service
Wants=network-online.target

[Service]
User={user}
WorkingDirectory={folder}
EnvironmentFile={environment}
ExecStart={command}
Restart=always
RestartSec=2
TimeoutStopSec={seconds}
{more}
[Install]
WantedBy=multi-user.target
"""

# The embedded pool must not die with the worker that started it.
KEEPS_CHILDREN = "KillMode=process\n"
ALONE = "NoNewPrivileges=yes\nPrivateTmp=yes\n"


class Command(RoostCommand):
    help = "Writes systemd's units for the services of this checkout, or prints them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", default=getpass.getuser(), help="who runs them (default: you)")
        parser.add_argument("--environment", default="/etc/roost.env", metavar="FILE", help="the settings")
        parser.add_argument("--bind", default=Sizes().bind, metavar="HOST:PORT", help="where the web listens")
        parser.add_argument("--into", metavar="FOLDER", help="writes them there: /etc/systemd/system")

    def run(self, output: Output, options: dict[str, Any]) -> None:
        units = {
            f"roost-{service.name}.service": _unit(service, options)
            for service in services(Sizes(bind=options["bind"]))
        }
        if options["into"]:
            _write(units, Path(options["into"]), output)
        else:
            output.write("\n".join(units.values()))


def _unit(service: Service, options: dict[str, Any]) -> str:
    return UNIT.format(
        name=f"roost-{service.name}.service",
        about=service.about,
        user=options["user"],
        folder=folder(),
        environment=options["environment"],
        command=" ".join(_quoted(word) for word in service.argv),
        seconds=service.seconds_to_stop,
        more=KEEPS_CHILDREN if service.keeps_children else ALONE,
    )


def _quoted(word: str) -> str:
    """As systemd reads a command line: % and $ begin something of its own there."""
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{text}"' if not text or any(letter.isspace() or letter in "\"';" for letter in text) else text


def _write(units: dict[str, str], into: Path, output: Output) -> None:
    try:
        for name, text in units.items():
            (into / name).write_text(text)
            output.say(f"{into / name}")
    except OSError as error:
        raise Error(f"{into} cannot be written: {error.strerror}.") from error
    output.say(f"Now: systemctl daemon-reload && systemctl enable --now {' '.join(units)}", "dim")
