"""What all of our commands share: exit codes, errors without a traceback, and where they write."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter
from django.db import DatabaseError

from jobs_app import errors, origin
from jobs_app.management import person
from jobs_app.management.hints import line
from jobs_app.terminal.output import Output

FAILED, WRONG, NO_JOB, WAITING, NOT_NOW, NOT_YOURS, INTERRUPTED = 1, 2, 3, 4, 5, 6, 130

EXIT_CODES = """exit codes:
  0    done
  1    a job ended badly, or something broke
  2    something in the command is wrong: an option, a name, a value
  3    there is no such job
  4    the waiting ended before the job: it is held, or the time is up
  5    not possible now: the job's state or a limit does not allow it
  6    the job is somebody else's, and you may not do this to it
  130  interrupted (Ctrl-C)
"""

AS_OPERATOR = "Who runs this installation may say --as-operator; history and audit tell it."

# The first kind that fits an error says the code.
_CODES: tuple[tuple[type[Exception], int], ...] = (
    (errors.UnknownJob, NO_JOB),
    (errors.Unknown, WRONG),
    (errors.Invalid, WRONG),
    (errors.JobHeld, WAITING),
    (errors.NotYours, NOT_YOURS),
    (errors.NotAllowed, NOT_NOW),
    (errors.WrongState, NOT_NOW),
)


class Error(CommandError):
    """Django prints the name of its class before the message."""

    def __init__(self, message: object, code: int = WRONG) -> None:
        super().__init__(str(message), returncode=code)


class Formatter(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of descriptions."""


class Subparser(CommandParser):
    """Takes options between the other words: `jobs run ising --wait size=8`."""

    _mixing = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self._mixing:
            return super().parse_known_args(args, namespace)
        self._mixing = True
        try:
            found, unknown = self.parse_known_intermixed_args(args, namespace)
        finally:
            self._mixing = False
        if unknown:  # said with the subcommand's own usage
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown


class RoostCommand(BaseCommand):
    requires_system_checks = ()
    suppressed_base_arguments = {
        "--version",
        "--verbosity",
        "--traceback",
        "--no-color",
        "--force-color",
        "--skip-checks",
        "--settings",
        "--pythonpath",
    }

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name, subcommand, epilog=EXIT_CODES, formatter_class=Formatter, **kwargs
        )

    def handle(self, *_: Any, **options: Any) -> None:
        output = Output(self.stdout, self.stderr, as_json=options.get("json", False))
        with origin.of(origin.Origin(origin.COMMAND, who=person.login())):
            code = self._guarded(output, options)
        if code:
            raise SystemExit(code)

    def run(self, output: Output, options: dict[str, Any]) -> int | None:
        """The command itself. Gives an exit code, or None for 0."""
        raise NotImplementedError

    def _guarded(self, output: Output, options: dict[str, Any]) -> int | None:
        try:
            return self.run(output, options)
        except errors.RoostError as error:
            raise Error(told(error, options), code_of(error)) from error
        except DatabaseError as error:
            raise Error(_about_database(error), FAILED) from error
        except BrokenPipeError:
            _reader_has_enough()
            return None
        except KeyboardInterrupt:
            return INTERRUPTED


def code_of(error: Exception) -> int:
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)


def told(error: Exception, options: Mapping[str, Any]) -> str:
    """With the way that is left to whom a job is refused: where the command has it."""
    if isinstance(error, errors.NotYours) and options.get("as_operator") is False:
        return f"{error} {AS_OPERATOR}"
    return str(error)


def _reader_has_enough() -> None:
    """`jobs list | head`: what is still buffered must not complain at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _about_database(error: DatabaseError) -> str:
    text = str(error)
    if "no such table" in text or "no such column" in text or "does not exist" in text:
        return f"The database is not set up, or is older than the code ({text}). Run: {line('migrate')}"
    return f"The database does not answer: {text}"
