"""A job script: compiled, executed and looked over once, before any part of it runs."""

from __future__ import annotations

import hashlib
import inspect
import os
import types
from _thread import RLock  # threading itself would cost every fork its hooks
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

from jobs_app.errors import BadOptions, ScriptError
from jobs_app.jobdir.layout import ANALYSIS, PREPARE, SYNTHESIS

from . import beside
from .options import Declared

EVERYWHERE = ("job", "slices", "params", "options", "datasets", "jobs", "sliceno")
ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    PREPARE: EVERYWHERE,
    ANALYSIS: (*EVERYWHERE, "prepare_res"),
    SYNTHESIS: (*EVERYWHERE, "prepare_res", "analysis_res"),
}

_loading = RLock()  # loading changes sys.modules and sys.path for a moment


@dataclass(frozen=True)
class Script:
    path: Path
    package: str
    module: types.ModuleType
    steps: tuple[str, ...]  # those it has, in order
    arguments: Mapping[str, frozenset[str]]  # what each step asks for
    declared: Declared
    description: str = ""
    depend_extra: Mapping[str, Path] = field(default_factory=dict)  # by their names beside the script
    modules: Mapping[str, types.ModuleType] = field(
        default_factory=dict
    )  # it, and what it loaded beside itself

    @property
    def options(self) -> Mapping[str, Any]:
        return self.declared.options

    @property
    def method(self) -> str:
        return method_of(self.path)

    @property
    def sources(self) -> Mapping[str, Path]:
        """What a job keeps in `.roost/source`, by the names there: the script, then what it depends on."""
        return {self.path.name: self.path, **self.depend_extra}

    @property
    def digest(self) -> str:
        """Changes with any byte of the script, or of what it depends on."""
        return digest(self.sources)

    @property
    def forgotten(self) -> tuple[Path, ...]:
        """What it loaded beside itself without naming it in depend_extra: a change there goes unnoticed."""
        files = (getattr(module, "__file__", None) for module in self.modules.values())
        loaded = {Path(file) for file in files if file}
        return tuple(sorted(loaded - set(self.sources.values())))

    def asks_for(self, step: str, argument: str) -> bool:
        return argument in self.arguments.get(step, ())

    @property
    def needs(self) -> dict[str, bool]:
        """What spec.json says of the script."""
        prepare_res = any(self.asks_for(step, "prepare_res") for step in self.steps)
        return {
            **{step: step in self.steps for step in (PREPARE, ANALYSIS, SYNTHESIS)},
            "prepare_res": prepare_res,
            "analysis_res": self.asks_for(SYNTHESIS, "analysis_res"),
        }

    def install(self) -> None:
        """Its imports find the files beside it, in this process and from now on."""
        beside.install(str(self.path.parent), dict(self.modules))


def method_of(path: Path) -> str:
    """ "ising" for ising.py and for a_ising.py."""
    return path.stem.removeprefix("a_")


def digest(sources: Mapping[str, Path]) -> str:
    """Of names and contents; the first one is the script, whose name says nothing."""
    hashes = [hashlib.sha256(source.read_bytes()).hexdigest() for source in sources.values()]
    lines = sorted(f"{name} {hashed}" for name, hashed in zip([*sources][1:], hashes[1:]))
    return hashlib.sha256("\n".join([hashes[0], *lines]).encode()).hexdigest()


def load(path: Path, package: str = "") -> Script:
    """ScriptError, with file, line and reason, if it is no usable job script. sys.modules stays as it was."""
    code = _compile(path)
    module = types.ModuleType(_module_name(path, package))
    module.__file__ = str(path)
    module.__package__ = module.__name__.rpartition(".")[0]
    with _loading, beside.importing(str(path.parent), module) as loaded:
        _execute(code, module, path)
    return _looked_over(module, path, package, loaded)


def _module_name(path: Path, package: str) -> str:
    """The name that it has in its app, so that what it pickles can be read there."""
    return ".".join([*filter(None, [package]), "job_scripts", path.stem])


def _compile(path: Path) -> types.CodeType:
    try:
        return compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except OSError as error:
        raise ScriptError(f"The job script {path} cannot be read: {error.strerror}.") from None
    except SyntaxError as error:
        raise ScriptError(f"{path}, line {error.lineno}: {error.msg}. Mend the script.") from None
    except ValueError as error:  # a NUL byte
        raise ScriptError(f"{path} is no Python source: {error}. Mend the script.") from None


def _execute(code: types.CodeType, module: types.ModuleType, path: Path) -> None:
    try:
        exec(code, module.__dict__)  # noqa: S102 - a job script is meant to be executed
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit as well: it is the script's error, not our end
        line = _line_in(error, path)
        where = f"{path}, line {line}" if line else str(path)
        raise ScriptError(f"{where}: {type(error).__name__}: {error}. Mend the script.") from error


def _line_in(error: BaseException, path: Path) -> int:
    """The last line of the script itself that led to the error."""
    line, step = 0, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == str(path):
            line = step.tb_lineno
        step = step.tb_next
    return line


# --- looking it over ----------------------------------------------------------------------------------------


def _looked_over(
    module: types.ModuleType, path: Path, package: str, loaded: Mapping[str, types.ModuleType]
) -> Script:
    steps = tuple(step for step in ARGUMENTS if hasattr(module, step))
    if not steps:
        raise ScriptError(
            f"{path} has no step. Write at least one of prepare(), analysis(sliceno), synthesis()."
        )
    arguments = {step: _arguments(getattr(module, step), step, steps, path) for step in steps}
    return Script(
        path=path,
        package=package,
        module=module,
        steps=steps,
        arguments=arguments,
        declared=_declared(module, path),
        description=_description(module, path),
        depend_extra=_depend_extra(module, path),
        modules=loaded,
    )


def _declared(module: types.ModuleType, path: Path) -> Declared:
    given = vars(module)
    try:
        return Declared.parse(given.get("options", {}), given.get("datasets", ()), given.get("jobs", ()))
    except BadOptions as error:
        raise ScriptError(f"{path}: {error}") from None


def _description(module: types.ModuleType, path: Path) -> str:
    description = getattr(module, "description", "")
    if not isinstance(description, str):
        raise ScriptError(f"{path}: description is {type(description).__name__}. Write a text.")
    return inspect.cleandoc(description)


def _arguments(function: Any, step: str, steps: tuple[str, ...], path: Path) -> frozenset[str]:
    if not inspect.isfunction(function):
        raise ScriptError(
            f"{path}: {step} is {type(function).__name__}, not a function. Write def {step}(): ..."
        )
    where = f"{path}, line {function.__code__.co_firstlineno}"
    if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
        raise ScriptError(
            f"{where}: {step} is a generator or coroutine: nothing of it would run. Return a value."
        )
    names = _names(function, step, where)
    _refuse_unknown(names, step, steps, where)
    if step == ANALYSIS and "sliceno" not in names:
        raise ScriptError(f"{where}: analysis does not take sliceno. Write def analysis(sliceno, ...).")
    return frozenset(names)


def _names(function: Callable[..., Any], step: str, where: str) -> list[str]:
    names = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ScriptError(
                f"{where}: {step} takes {parameter}. Arguments are passed by name: write each one."
            )
        if parameter.name in ARGUMENTS[step] or parameter.default is parameter.empty:
            names.append(parameter.name)
    return names


def _refuse_unknown(names: list[str], step: str, steps: tuple[str, ...], where: str) -> None:
    for name in names:
        if name not in ARGUMENTS[step]:
            known = ", ".join(ARGUMENTS[step])
            raise ScriptError(f"{where}: {step} takes {name!r}, which is not known. It may take: {known}.")
    for name, source in (("prepare_res", PREPARE), ("analysis_res", ANALYSIS)):
        if name in names and source not in steps:
            raise ScriptError(
                f"{where}: {step} takes {name}, but there is no {source}. Write it, or leave it out."
            )


def _depend_extra(module: types.ModuleType, path: Path) -> dict[str, Path]:
    extra = getattr(module, "depend_extra", ())
    if isinstance(extra, (str, types.ModuleType)):
        raise ScriptError(
            f"{path}: depend_extra is no tuple: a comma is missing. Write depend_extra = (...,)."
        )
    return {name: file for item in extra for name, file in _extra_files(item, path)}


def _extra_files(item: Any, path: Path) -> Iterator[tuple[str, Path]]:
    """Files, and their names beside the script: there its imports find them again, on a node."""
    if isinstance(item, types.ModuleType):
        yield from _module_files(item, path)
    elif isinstance(item, (str, os.PathLike)):
        yield _extra_file(Path(item), path)
    else:
        raise ScriptError(f"{path}: depend_extra holds {item!r}. Write a module or the name of a file.")


def _extra_file(file: Path, path: Path) -> tuple[str, Path]:
    inside = not file.is_absolute() and ".." not in file.parts
    if inside and (path.parent / file).is_file():
        return file.as_posix(), path.parent / file
    for found in (path.parent / file, path.parent / file.name):  # in a job's source it lies beside the script
        if found.is_file():
            return file.name, found
    raise ScriptError(f"{path}: depend_extra names {str(file)!r}, which is not there. Mend the name.")


def _module_files(module: types.ModuleType, path: Path) -> Iterator[tuple[str, Path]]:
    if not getattr(module, "__file__", None):
        raise ScriptError(f"{path}: depend_extra holds {module.__name__}, which is no file. Name its files.")
    file = Path(str(module.__file__))
    parts = module.__name__.split(".")
    if file.stem == "__init__":
        for each in sorted(file.parent.rglob("*.py")):
            yield "/".join([*parts, each.relative_to(file.parent).as_posix()]), each
    elif file.parent == path.parent:
        yield file.name, file
    else:
        yield "/".join([*parts[:-1], file.name]), file
