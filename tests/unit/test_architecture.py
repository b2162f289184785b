"""The arrows between the packages, read from the imports themselves. docs/architecture.md draws them."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "jobs_app"

GROUND = {
    "workflows",
    "errors",
    "killpoints",
    "states",
    "conf",
    "parameters",
    "variables",
    "callbacks",
    "logs",
    "origin",
    "secrets",
    "jobdir",
    "script",
    "previews",
}
APPS = {"registry", "job_types", "workspaces"}
ROWS = {
    "models",
    "compute",
    "inspection",
    "job_templates",
    "methods",
    "permissions",
    "script_jobs",
    "search",
    "sharing",
    "situation",
    "listing",
    "wanted",
    "ways",
    "schemas",
    "tokens",
    "throttling",
    "audit",
}
MAKING = {"app_base", "building", "creation", "forms", "inputs", "manager", "orders"}
TOP = {
    "client",
    "apps",
    "checks",
    "admin",
    "background",
    "courier",
    "gizmos",
    "health",
    "metrics",
    "bug_report",
    "notices",
    "queues",
    "services",
    "supervisor",
    "management",
    "sdk",
    "tasks",
    "templatetags",
    "terminal",
    "testing",
    "web",
}
BELOW_TOP = GROUND | APPS | ROWS | MAKING | {"pools", "lifecycle"}

# What each part of jobs_app may import, besides itself.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "killpoints": set(),
    "states": set(),
    "conf": {"errors"},
    "logs": set(),
    "previews": set(),
    "origin": set(),
    "parameters": {"errors"},
    "workflows": {"errors", "parameters"},
    "variables": {"errors", "parameters"},
    "callbacks": {"conf", "errors"},
    "secrets": {"conf", "errors"},
    "jobdir": {"errors", "killpoints", "script"},
    "script": {"errors", "killpoints", "jobdir"},
    **dict.fromkeys(APPS, GROUND | APPS),
    **dict.fromkeys(ROWS, GROUND | APPS | ROWS),
    "models": GROUND,
    "pools": GROUND,
    "lifecycle": GROUND | APPS | ROWS | {"pools"},
    **dict.fromkeys(MAKING, BELOW_TOP),
    **dict.fromkeys(TOP, BELOW_TOP | TOP),
}

# Imported when they are called. The verbs on a row (`job.execute()` ...) live in lifecycle; the types of
# jobs are known while apps load, their models only afterwards.
LATE = {("models", "lifecycle"), ("job_types", "models")}

OPTIONAL_ON_NODES = {"pyarrow", "h5py", "numpy"}

FOLDERS = {
    ".ci",
    "benchmarks",
    "condor_templates",
    "config",
    "docs",
    "examples",
    "jobs_app",
    "templates",
    "tests",
}
FILES = {".gitignore", "LICENSE", "Makefile", "README.md", "manage.py", "pyproject.toml"}
LOCKED = {"requirements.in", "requirements.txt"}


class Import(NamedTuple):
    file: Path
    line: int
    module: str
    late: bool

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.module}"


def imports_of(file: Path) -> Iterator[Import]:
    yield from _imports_in(ast.parse(file.read_text(), file), file, late=False)


def _imports_in(node: ast.AST, file: Path, *, late: bool) -> Iterator[Import]:
    late = late or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    for child in ast.iter_child_nodes(node):
        for module in _named_by(child, file):
            yield Import(file, child.lineno, module, late)
        for inner in _executed(child):
            yield from _imports_in(inner, file, late=late)


def _executed(node: ast.AST) -> list[ast.AST]:
    """The node, or of an `if TYPE_CHECKING:` only what runs."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return list(node.orelse)
    return [node]


def _named_by(node: ast.AST, file: Path) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = ".".join(part for part in (_anchor(file, node.level), node.module) if part)
    return [f"{base}.{alias.name}" for alias in node.names]


def _anchor(file: Path, level: int) -> str:
    folder = file.parent.relative_to(ROOT).parts
    return ".".join(folder[: len(folder) - level + 1]) if level else ""


def sources() -> list[Path]:
    return sorted(file for file in PACKAGE.rglob("*.py") if "migrations" not in file.parts)


def part_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def parts_named(module: str) -> str:
    """ "jobs_app.models.job.Job" -> "models"; "" for what is not ours."""
    head, _, rest = module.partition(".")
    return rest.split(".")[0] if head == "jobs_app" else ""


def allowed(found: Import) -> bool:
    here, there = part_of(found.file), parts_named(found.module)
    if not there or there == here or there in MAY_IMPORT[here]:
        return True
    return found.late and (here, there) in LATE


def test_every_part_of_jobs_app_has_a_place_in_the_drawing() -> None:
    parts = {part_of(file) for file in sources()} - {"__init__"}
    assert parts <= MAY_IMPORT.keys()


def test_arrows_point_down() -> None:
    files = [file for file in sources() if file != PACKAGE / "__init__.py"]
    assert [str(found) for file in files for found in imports_of(file) if not allowed(found)] == []


def test_nothing_in_jobs_app_imports_what_stands_around_it() -> None:
    around = {"config", "examples", "tests", "benchmarks"}
    everything = [found for file in sources() for found in imports_of(file)]
    assert [str(found) for found in everything if found.module.split(".")[0] in around] == []


def test_jobs_app_itself_is_empty_because_it_travels_to_nodes() -> None:
    assert (PACKAGE / "__init__.py").read_text() == ""


@pytest.mark.parametrize("part", ["script", "jobdir"])
def test_what_travels_to_nodes_needs_the_standard_library_only(part: str) -> None:
    ours = {"jobs_app", *sys.stdlib_module_names}
    optional = OPTIONAL_ON_NODES if part == "jobdir" else set()
    foreign = [
        str(found)
        for file in sorted((PACKAGE / part).rglob("*.py"))
        for found in imports_of(file)
        if found.module.split(".")[0] not in ours | optional
    ]
    assert foreign == []


def test_what_forks_slices_never_loads_django() -> None:
    forking = [*(PACKAGE / "pools" / "embedded").rglob("*.py"), *(PACKAGE / "script").rglob("*.py")]
    assert forking
    reached = reached_from(forking)
    loading = [str(found) for file in reached for found in imports_of(file) if _is_django(found)]
    assert loading == []


def _is_django(found: Import) -> bool:
    return found.module.split(".")[0] == "django" and not found.late


def reached_from(files: list[Path]) -> set[Path]:
    """These files, and all of ours that importing them loads."""
    reached: set[Path] = set()
    waiting = list(files)
    while waiting:
        file = waiting.pop()
        if file not in reached:
            reached.add(file)
            waiting += [there for found in imports_of(file) for there in files_of(found.module)]
    return reached


def files_of(module: str) -> list[Path]:
    """The packages on the way, and the module at the end of it: what an import of `module` runs."""
    if not module.startswith("jobs_app."):
        return []
    steps = module.split(".")
    places = [ROOT.joinpath(*steps[:count]) for count in range(1, len(steps) + 1)]
    candidates = [file for place in places for file in (place / "__init__.py", place.with_suffix(".py"))]
    return [file for file in candidates if file.is_file()]


def test_the_top_level_of_the_repository_holds_only_what_it_may() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    tracked = {line.partition("/")[0] for line in listed.stdout.splitlines()}
    assert tracked <= FOLDERS | FILES | LOCKED
