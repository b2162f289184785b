from __future__ import annotations

import keyword
import shutil
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Any

from django.core.management.base import CommandParser

from jobs_app.management import own_apps
from jobs_app.management.base import Error, RoostCommand
from jobs_app.management.hints import line
from jobs_app.terminal.output import Output

SKELETON = Path(__file__).parents[1] / "skeleton"
LONGEST = 50


class Command(RoostCommand):
    help = "Writes a new app: a template, a job script, a submit description, a test. It runs at once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "name", metavar="NAME", help="a Python name in small letters: darts, water_levels"
        )
        parser.add_argument("directory", nargs="?", metavar="DIRECTORY", help="where; else ./NAME")

    def run(self, output: Output, options: dict[str, Any]) -> None:
        name = checked(options["name"])
        folder = Path(options["directory"] or name).absolute()
        if folder.name != name:
            folder = folder / name
        _refuse_existing(folder)
        write(name, folder)
        output.say(f"Wrote {folder}:", "bold")
        for path in sorted(folder.rglob("*.*")):
            output.say(f"  {path.relative_to(folder.parent)}", "dim")
        output.say("\n".join(["", *next_steps(name, folder)]))


def checked(name: str) -> str:
    if not name.isidentifier() or not name.isascii() or keyword.iskeyword(name) or name != name.lower():
        raise Error(
            f"{name!r} cannot be an app's name. Use small letters, digits and _, beginning with a letter."
        )
    if len(name) > LONGEST or name.startswith("_"):
        raise Error(
            f"{name!r} cannot be an app's name. Begin with a letter, and use {LONGEST} letters at most."
        )
    if folder := own_apps.folder_of(name):
        raise Error(
            f"Your app {name} is there already: {_shown(folder)}/. Go on with it, or choose another name."
        )
    if find_spec(name) is not None:
        raise Error(f"{name!r} is the name of a Python module that is there already. Choose another one.")
    return name


def _refuse_existing(folder: Path) -> None:
    if folder.exists() or folder.is_symlink():
        raise Error(f"{folder} is there already. Choose another name or directory, or remove it.")


def write(name: str, folder: Path) -> None:
    """All of it, or nothing."""
    aside = folder.with_name(f".{folder.name}.new")
    try:
        for source in sorted(SKELETON.rglob("*.txt")):
            relative = str(source.relative_to(SKELETON)).removesuffix(".txt").replace("NAME", name)
            target = aside / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_filled(source.read_text(), name))
        aside.rename(folder)
    except OSError as error:
        raise Error(f"{folder} cannot be written: {error.strerror}.") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _filled(text: str, name: str) -> str:
    title = name.replace("_", " ").capitalize()
    return Template(text).substitute(name=name, title=title, cls=name.title().replace("_", ""))


def next_steps(name: str, folder: Path) -> list[str]:
    """What is left to be done depends on whether this project finds the app by itself."""
    lines = [f"  {line(f'jobs run {name} --wait')}", f"  pytest {_shown(folder)}"]
    if own_apps.add(name, folder):
        return ["Next:", *lines]
    return [
        f"Next, make it known: add {name!r} to INSTALLED_APPS, or say",
        f"  export PYTHONPATH={folder.parent} ROOST_APPS={','.join([*own_apps.known(), name])}",
        *lines,
    ]


def _shown(folder: Path) -> str:
    here = Path.cwd()
    return str(folder.relative_to(here) if folder.is_relative_to(here) else folder)
