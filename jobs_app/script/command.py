"""The command line of the zip that goes to nodes.

roost.zip run-part SPEC STEP [SLICE] [--tries N]     one part
roost.zip run-all SPEC [--slots N]                   all parts of a job, N at once
roost.zip run-step SPEC STEP [SLICE]                 one part with all its tries, alone on its machine
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from jobs_app.errors import ScriptError

from .spec import Spec


def main(words: Optional[Sequence[str]] = None) -> int:
    """0 if the end of the part (of all parts) was recorded, however it was."""
    asked = _parser().parse_args(words)
    if asked.command == "run-part":
        return run_part(asked.spec, asked.step, asked.slice, asked.tries)
    from . import whole

    if asked.command == "run-step":
        return whole.run_alone(asked.spec, asked.step, asked.slice, asked.letters)
    return whole.run_all(asked.spec, asked.slots, asked.letters)


def run_part(path: Path, step: str, sliceno: int = 0, tries: int = 1) -> int:
    from . import runner

    spec, directory = Spec.read(path), job_directory(path)
    os.chdir(directory)
    try:
        script = runner.load(directory / spec.script, spec.package)
    except ScriptError as error:
        runner.fail_part(spec, directory, step, sliceno, tries, error)
        return runner.EXIT_RECORDED
    return runner.run_part(script, spec, directory, step, sliceno, tries)


def job_directory(spec: Path) -> Path:
    """The spec lies in .roost/attempts/<n>/ of it."""
    return spec.resolve().parents[3]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="roost.zip")
    commands = parser.add_subparsers(dest="command", required=True)
    part, alone = commands.add_parser("run-part"), commands.add_parser("run-step")
    whole = commands.add_parser("run-all")
    for each in (part, alone):
        each.add_argument("spec", type=Path)
        each.add_argument("step", choices=("prepare", "analysis", "synthesis"))
        each.add_argument("slice", type=int, nargs="?", default=0)
    part.add_argument("--tries", type=int, default=1)
    for each in (alone, whole):
        each.add_argument("--letters", action="store_true", help="build() leaves its request as a file")
    whole.add_argument("spec", type=Path)
    whole.add_argument("--slots", type=int, default=os.cpu_count() or 1)
    return parser
