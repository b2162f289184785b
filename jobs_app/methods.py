"""The methods: job scripts in the apps' `job_scripts` folders, loaded when needed and again when changed.

A method is called by its name ("ising"), looked for in the caller's own app first and then in all others, or
with its app's label before it ("examples.ising.ising"). A script that does not load stands in nobody's way.
"""

from __future__ import annotations

import ast
import re
import time
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs_app import registry
from jobs_app.errors import Invalid, ScriptError, UnknownMethod
from jobs_app.parameters import unknown
from jobs_app.registry import App
from jobs_app.script.loading import Script, load, method_of

_NAME = re.compile(r"[A-Za-z_]\w*")
_STEP = re.compile(rb"^(?:def\s+)?(?:prepare|analysis|synthesis)\b", re.MULTILINE)

Stamp = tuple[str, int, int, int]


@dataclass(frozen=True)
class Method:
    """`digest` changes with any byte of the script, or of what it depends on."""

    name: str
    app: App
    script: Script
    digest: str

    @property
    def qualified(self) -> str:
        return f"{self.app.label}.{self.name}"

    @property
    def path(self) -> Path:
        return self.script.path

    @property
    def description(self) -> str:
        return self.script.description

    def option_comments(self) -> dict[str, str]:
        """What the script's author wrote beside each option."""
        return comments_of(self.path.read_bytes())

    def name_in(self, app: App) -> str:
        """How a job of `app` names it, so that it is found again."""
        return self.name if self.app.label == app.label else self.qualified


@dataclass(frozen=True)
class Catalogue:
    """`unusable`: files that look like scripts, are none, and are used by none; and why."""

    methods: list[Method]
    broken: list[ScriptError]
    unusable: list[str]


@dataclass(frozen=True)
class _Loaded:
    stamps: tuple[Stamp, ...]
    script: Script
    digest: str
    at: int  # nanoseconds


# Clocks of file systems are coarse: a file may change again without another stamp for so many nanoseconds.
COARSE = 20_000_000

_loaded: dict[Path, _Loaded] = {}


# --- finding ----------------------------------------------------------------------------------------------


def find(name: str, app: Any = "") -> Method:
    """The method, as its files are now. `app`: whose methods go before the others'."""
    own = app if isinstance(app, App) else registry.find(app) if app else None
    if own and (path := _script_of(own, name)):
        return _method(own, path)
    label, dot, plain = name.rpartition(".")
    places = list(_places(plain, label if dot else ""))
    if len(places) > 1:
        named = " and ".join(f"{there.label}.{plain} ({path})" for there, path in places)
        raise Invalid(f"{name!r} may mean {named}. Write one of them in full.")
    if places:
        return _method(*places[0])
    if own and (stepless := _file_of(own, name)):
        return _method(own, stepless)  # which says what is wrong with it
    raise UnknownMethod(_unknown(name))


def _places(name: str, label: str) -> Iterator[tuple[App, Path]]:
    for app in registry.apps():
        if (not label or label == app.label) and (path := _script_of(app, name)):
            yield app, path


def _script_of(app: App, name: str) -> Path | None:
    path = _file_of(app, name)
    return path if path and (path in _loaded or _is_method(path)) else None


def _file_of(app: App, name: str) -> Path | None:
    """a_<name>.py or <name>.py."""
    if app.job_scripts is None or not _NAME.fullmatch(name):
        return None
    found = [path for path in _candidates(app.job_scripts, name) if path.is_file()]
    if len(found) > 1:
        raise ScriptError(f"{found[0]} and {found[1]} are both the method {name!r}. Rename one of them.")
    return found[0] if found else None


def _candidates(folder: Path, name: str) -> tuple[Path, ...]:
    plain = () if name == "__init__" or name.startswith("a_") else (folder / f"{name}.py",)
    return (folder / f"a_{name}.py", *plain)


def _unknown(name: str) -> str:
    there = [method_of(path) for app in registry.apps() for path in _scripts(app)]
    said = [unknown("method", name, there, "any app"), *_almost(name), registry.where_from()]
    return " ".join([*said, *map(str, registry.broken())])


def _almost(name: str) -> Iterator[str]:
    """Files that would be the method but for something."""
    for app in registry.apps():
        for path in _others(app):
            if _plainly(path.stem.removeprefix("a_")) == _plainly(name.rpartition(".")[2]):
                yield f"{path} {_why_not(path)}"


def _plainly(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _scripts(app: App) -> list[Path]:
    if app.job_scripts is None or not app.job_scripts.is_dir():
        return []
    return sorted(path for path in app.job_scripts.glob("*.py") if _is_method(path))


def _others(app: App) -> list[Path]:
    """What lies beside the methods without being one; a name that begins with _ says that it is none."""
    there = sorted(app.job_scripts.glob("*.py")) if app.job_scripts and app.job_scripts.is_dir() else []
    return [path for path in there if not path.name.startswith("_") and not _is_method(path)]


def _why_not(path: Path) -> str:
    if not _NAME.fullmatch(path.stem):
        return f"cannot be a method: its name is no Python name. Call it {_plainly(path.stem)}.py."
    return "has no step: prepare, analysis or synthesis. (A module that scripts share begins with _.)"


def _is_method(path: Path) -> bool:
    """The others are modules that scripts share: called neither a_<name>.py nor having any step."""
    if path.name.startswith("a_"):
        return bool(_NAME.fullmatch(path.stem))
    return bool(_NAME.fullmatch(path.stem) and _STEP.search(path.read_bytes()))


def catalogue(app: str = "") -> Catalogue:
    """Every method of an app, or of all; and what does not load, with why."""
    apps = [registry.find(app)] if app else list(registry.apps())
    methods, broken = [], [] if app else registry.broken()
    for there in apps:
        for path in _scripts(there):
            try:
                methods.append(_method(there, path))
            except ScriptError as error:
                broken.append(error)
    return Catalogue(methods, broken, list(_unusable(apps, methods)))


def _unusable(apps: list[App], methods: list[Method]) -> Iterator[str]:
    scripts = [method.script for method in methods]
    used = {path for script in scripts for path in (*script.sources.values(), *script.forgotten)}
    for app in apps:
        yield from (f"{path} {_why_not(path)}" for path in _others(app) if path not in used)


# --- loading ----------------------------------------------------------------------------------------------


def _method(app: App, path: Path) -> Method:
    known = _loaded.get(path)
    if known is None or not _is_current(known):
        known = _loaded[path] = _load(app, path)
    return Method(method_of(path), app, known.script, known.digest)


def _is_current(known: _Loaded) -> bool:
    return all(_stamp(stamp[0]) == stamp and stamp[1] < known.at - COARSE for stamp in known.stamps)


def _stamp(path: str | Path) -> Stamp:
    """Another one after any change, without reading the file."""
    try:
        status = Path(path).stat()
    except FileNotFoundError:
        return (str(path), 0, 0, 0)
    return (str(path), status.st_mtime_ns, status.st_size, status.st_ino)


def _load(app: App, path: Path) -> _Loaded:
    """The stamps are taken first: a change while the script is read is noticed next time."""
    first = _stamp(path)
    script = load(path, app.package)
    others = [source for source in script.sources.values() if source != path]
    return _Loaded((first, *map(_stamp, others)), script, script.digest, time.time_ns())


def forget_all() -> None:
    """For tests, whose scripts come and go."""
    _loaded.clear()


# --- comments ---------------------------------------------------------------------------------------------


def comments_of(source: bytes) -> dict[str, str]:
    """For each option the comment on its line, or those right above it."""
    comments = _comments(source)
    lines = _option_lines(ast.parse(source))
    return {name: _comment_at(first, last, comments) for name, first, last in lines}


def _option_lines(tree: ast.Module) -> Iterator[tuple[str, int, int]]:
    """Name, first and last line."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "options" for target in node.targets
        ):
            yield from _keys(node.value)


def _keys(value: ast.expr) -> Iterator[tuple[str, int, int]]:
    if isinstance(value, ast.Dict):
        for key, item in zip(value.keys, value.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, key.lineno, item.end_lineno or item.lineno
    elif isinstance(value, ast.Call):
        for keyword in value.keywords:
            if keyword.arg:
                yield keyword.arg, keyword.lineno, keyword.end_lineno or keyword.lineno


def _comments(source: bytes) -> dict[int, tuple[str, bool]]:
    """By line: the text, and whether the line holds nothing else."""
    lines = iter(source.splitlines(keepends=True))
    found = {}
    for token in tokenize.tokenize(lambda: next(lines, b"")):
        if token.type == tokenize.COMMENT:
            alone = token.line[: token.start[1]].strip() == ""
            found[token.start[0]] = (token.string.lstrip("#").strip(), alone)
    return found


def _comment_at(first: int, last: int, comments: dict[int, tuple[str, bool]]) -> str:
    for line in (last, first):
        if line in comments:
            return comments[line][0]
    above: list[str] = []
    line = first
    while (line := line - 1) in comments and comments[line][1]:
        above.insert(0, comments[line][0])
    return " ".join(above)
